import { expect, test } from "vitest";

import { de } from "./de";
import { en } from "./en";

function texts(messages: object, path = ""): [string, string][] {
  return Object.entries(messages).flatMap(([name, message]: [string, unknown]) => {
    const here = `${path}.${name}`;
    if (typeof message === "string") return [[here, message] as [string, string]];
    return typeof message === "object" && message !== null ? texts(message, here) : [];
  });
}

test("no text was left in English", () => {
  const english = new Map(texts(en));
  const same = texts(de).filter(([path, text]) => english.get(path) === text);
  // These are the same in both languages.
  expect(same.map(([, text]) => text).sort()).toEqual(["Name", "Name", "Name"]);
});

test("one piece is not two", () => {
  expect(en.cart.subtotal(1)).toBe("Total for 1 piece");
  expect(en.cart.subtotal(2)).toBe("Total for 2 pieces");
  expect(de.catalogue.shown(1, false)).toBe("1 Produkt");
  expect(de.catalogue.shown(2, false)).toBe("2 Produkte");
});
