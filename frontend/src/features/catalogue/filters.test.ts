import { expect, test } from "vitest";

import { readFilters, writeFilters } from "./filters";

const read = (text: string) => readFilters(new URLSearchParams(text));

test.each(["", "?q=red+kettle", "?q=a&category=Home+%26+Garden&in_stock=true&sort=-price"])(
  "an address says the same once it was read: %s",
  (address) => {
    expect(writeFilters(read(address))).toBe(address);
  },
);

test("what an address cannot mean is left out", () => {
  expect(read("?sort=colour&q=++&category=")).toEqual({});
  expect(read(`?q=${"x".repeat(300)}`).q).toHaveLength(200);
  expect(read("?sort=newest")).toEqual({});
});
