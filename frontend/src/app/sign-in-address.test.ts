import { expect, test } from "vitest";

import { signInFor, targetOf } from "./sign-in-address";

test("whoever signs in comes back to where they were", () => {
  const address = new URL(signInFor("/orders?status=pending"), "http://shop");
  expect(address.pathname).toBe("/sign-in");
  expect(targetOf(address.searchParams)).toBe("/orders?status=pending");
  expect(signInFor("/")).toBe("/sign-in");
});

test.each(["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "orders"])(
  "an address that leads elsewhere leads to the catalogue: %s",
  (to) => {
    expect(targetOf(new URLSearchParams({ to }))).toBe("/");
  },
);
