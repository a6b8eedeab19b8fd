import { expect, test } from "vitest";

import { en } from "@/lib/i18n/messages/en";
import { product } from "@/testing/render";

import { differences, draftOf, EMPTY, errorsOf, read } from "./product-form";

test("a product's own fields describe it again, without its stock", () => {
  const laptop = product({ description: "Fast" });
  const outcome = read(draftOf(laptop), en, { needsStock: false });
  expect(outcome).toEqual({
    product: {
      name: "Laptop", description: "Fast", price: 999.99, category: "Computers",
      image_url: null, low_stock_threshold: 10,
    },
  }); // prettier-ignore
});

test("a counted stock is part of the edit, a new product always has one", () => {
  const draft = { ...draftOf(product()), stock: "0" };
  expect(read(draft, en, { needsStock: false })).toMatchObject({ product: { stock: 0 } });
  const empty = read({ ...EMPTY, name: "a", price: "1", stock: "" }, en, { needsStock: true });
  expect(empty).toEqual({ errors: { stock: en.admin.errors.whole } });
});

test("each field that does not hold is named", () => {
  const draft = { ...EMPTY, price: "9.999", threshold: "-1", stock: "2000000000" };
  const outcome = read(draft, en, { needsStock: true });
  expect(outcome).toMatchObject({
    errors: { name: /needed/, price: /two/, threshold: /whole/i, stock: /whole/i },
  });
});

test("the shop's own complaints find their fields", () => {
  const errors = errorsOf([
    { field: "image_url", message: "too long" },
    { field: "else", message: "x" },
  ]);
  expect(errors).toEqual({ image: "too long" });
});

test("a conflict shows only what differs", () => {
  const draft = { ...draftOf(product()), name: "Notebook", price: "999,99" };
  expect(differences(draft, product())).toEqual(["name"]);
});
