import { expect, test } from "vitest";

import type { Cents } from "@/lib/money";
import { product } from "@/testing/render";

import {
  addToCart,
  cart,
  MOST_LINES,
  pieces,
  restoreLine,
  setQuantity,
  takeOut,
  total,
} from "./cart";

test("adding is bounded by the stock", () => {
  expect(addToCart(product({ stock: 3 }), 2)).toBe("added");
  expect(addToCart(product({ stock: 3 }), 2)).toBe("limited");
  expect(cart.get()).toMatchObject([{ id: 1, quantity: 3 }]);
  expect(addToCart(product({ id: 2, stock: 0 }), 1)).toBe("limited");
  expect(pieces(cart.get())).toBe(3);
});

test("the total is exact to the cent", () => {
  addToCart(product({ id: 1, price: 10 as Cents, stock: 99 }), 1);
  addToCart(product({ id: 2, price: 20 as Cents, stock: 99 }), 1);
  addToCart(product({ id: 3, price: 1999 as Cents, stock: 99 }), 3);
  expect(total(cart.get())).toBe(6027);
});

test("a line that is taken out can be put back where it was", () => {
  for (const id of [1, 2, 3]) addToCart(product({ id }), 1);
  const line = cart.get()[1]!;
  setQuantity(2, 0);
  restoreLine(line, 1);
  expect(cart.get().map(({ id }) => id)).toEqual([1, 2, 3]);
  restoreLine(line, 0);
  expect(cart.get()).toHaveLength(3);
});

test("what was added while an order was on its way stays", () => {
  addToCart(product({ id: 1, stock: 9 }), 3);
  addToCart(product({ id: 2, stock: 9 }), 1);
  takeOut([{ product_id: 1, quantity: 2 }]);
  expect(cart.get()).toMatchObject([
    { id: 1, quantity: 1 },
    { id: 2, quantity: 1 },
  ]);
});

test("it holds as many products as an order does", () => {
  for (let id = 1; id <= MOST_LINES; id += 1) addToCart(product({ id }), 1);
  expect(addToCart(product({ id: 101 }), 1)).toBe("full");
  expect(addToCart(product({ id: 100 }), 1)).toBe("added");
  expect(cart.get()).toHaveLength(MOST_LINES);
});

test("a cart that somebody else wrote is not trusted", () => {
  localStorage.setItem(
    "shophub.cart",
    JSON.stringify([{ id: 1, quantity: -4, name: "x", price: 1, image: null }]),
  );
  expect(cart.get()).toEqual([]);
});
