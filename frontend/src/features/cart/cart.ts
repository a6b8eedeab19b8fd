import * as v from "valibot";

import type { Product } from "@/api/models";
import { type Cents, sum, times } from "@/lib/money";
import { stored, useStored } from "@/lib/stored";

/** Different products that one order can hold. */
export const MOST_LINES = 100;
/** Pieces that one line can ask for. */
const MOST_PIECES = 1_000_000;
/** The largest total that the shop takes, in cents. */
export const MOST_TOTAL = 999_999_999_999 as Cents;

const Line = v.object({
  id: v.pipe(v.number(), v.integer(), v.minValue(1)),
  quantity: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_PIECES)),
  // What the product was like when it was put in: shown at once, until the shop has told anew.
  name: v.string(),
  price: v.pipe(
    v.number(),
    v.integer(),
    v.transform((cents) => cents as Cents),
  ),
  image: v.nullable(v.string()),
});

/** Pieces of one product that somebody means to buy. */
export type CartLine = v.InferOutput<typeof Line>;

/** The cart of this browser: the same in each tab, and there again after a reload. */
export const cart = stored<readonly CartLine[]>("cart", [], (raw) =>
  v.parse(v.pipe(v.array(Line), v.maxLength(MOST_LINES)), raw),
);

/** Pieces in the cart. */
export function pieces(lines: readonly CartLine[]): number {
  return lines.reduce((total, line) => total + line.quantity, 0);
}

/** What the lines cost at the prices that they hold. */
export function total(lines: readonly { price: Cents; quantity: number }[]): Cents {
  return sum(lines.map((line) => times(line.price, line.quantity)));
}

/** How adding went: the cart holds never more than there is. */
export type Added = "added" | "limited" | "full";

/** Puts pieces of a product in, as far as its stock allows. */
export function addToCart(product: Product, quantity: number): Added {
  let outcome: Added = "added";
  cart.set((lines) => {
    const present = lines.find((line) => line.id === product.id);
    if (present === undefined && lines.length >= MOST_LINES) {
      outcome = "full";
      return lines;
    }
    const wanted = (present?.quantity ?? 0) + quantity;
    const possible = Math.min(wanted, product.stock, MOST_PIECES);
    if (possible < wanted) outcome = "limited";
    if (possible < 1) return lines;
    const line = {
      id: product.id,
      quantity: possible,
      name: product.name,
      price: product.price,
      image: product.image_url,
    };
    return present === undefined
      ? [...lines, line]
      : lines.map((other) => (other.id === line.id ? line : other));
  });
  return outcome;
}

/** Sets the pieces of a line; none takes it out. */
export function setQuantity(id: number, quantity: number): void {
  cart.set((lines) =>
    quantity < 1
      ? lines.filter((line) => line.id !== id)
      : lines.map((line) =>
          line.id === id ? { ...line, quantity: Math.min(quantity, MOST_PIECES) } : line,
        ),
  );
}

/** Puts a line back where it was, unless its product came back meanwhile. */
export function restoreLine(line: CartLine, index: number): void {
  cart.set((lines) =>
    lines.some((other) => other.id === line.id) || lines.length >= MOST_LINES
      ? lines
      : lines.toSpliced(index, 0, line),
  );
}

/** Takes out what was ordered; what was added meanwhile stays. */
export function takeOut(ordered: readonly { product_id: number; quantity: number }[]): void {
  cart.set((lines) =>
    lines.flatMap((line) => {
      const taken = ordered.find((other) => other.product_id === line.id)?.quantity ?? 0;
      return line.quantity > taken ? [{ ...line, quantity: line.quantity - taken }] : [];
    }),
  );
}

/** The lines of the cart, in a component that follows them. */
export function useCart(): readonly CartLine[] {
  return useStored(cart);
}
