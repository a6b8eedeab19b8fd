import { useQueries } from "@tanstack/react-query";

import { ProblemError } from "@/api/errors";
import { getProduct } from "@/api/inventory/get-product";
import type { Cents } from "@/lib/money";

import { type CartLine, setQuantity } from "./cart";

/** A line beside what the shop says of its product now. */
export interface LiveLine extends CartLine {
  /** The price now; the one of the cart until the shop has told. */
  price: Cents;
  /** The price when it was put in, where that was another one. */
  priceBefore: Cents | null;
  /** Pieces that there are; null until the shop has told. */
  available: number | null;
  /** Whether the product has been taken out of the catalogue. */
  isGone: boolean;
}

/** Whether the line cannot be ordered as it is. */
export function isShort(line: LiveLine): boolean {
  return line.isGone || (line.available !== null && line.available < line.quantity);
}

/** The lines with price and stock as they are now; they follow while they are shown. */
export function useLiveLines(lines: readonly CartLine[]): LiveLine[] {
  const answers = useQueries({ queries: lines.map((line) => getProduct(line.id)) });
  return lines.map((line, index) => {
    const answer = answers[index];
    const product = answer?.data;
    const isGone = answer?.error instanceof ProblemError && answer.error.status === 404;
    return {
      ...line,
      name: product?.name ?? line.name,
      image: product ? product.image_url : line.image,
      price: product?.price ?? line.price,
      priceBefore: product && product.price !== line.price ? line.price : null,
      available: isGone ? 0 : (product?.stock ?? null),
      isGone,
    };
  });
}

/** Brings the lines down to what there is. */
export function adjust(lines: readonly LiveLine[]): void {
  for (const line of lines.filter(isShort)) setQuantity(line.id, line.available ?? 0);
}
