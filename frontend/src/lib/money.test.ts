import { describe, expect, test } from "vitest";

import { formatsOf } from "./i18n/formats";
import { type Cents, parsePrice, sum, times, toAmount, toCents, toDecimal } from "./money";

const cents = (value: number) => value as Cents;

describe("amounts", () => {
  test("become cents and back without a loss, whatever the double in between", () => {
    const lossy = Array.from({ length: 200_000 }, (_, value) => cents(value)).filter((value) => {
      const amount = JSON.parse(toDecimal(value)) as number;
      return toCents(amount) !== value || toAmount(value) !== amount;
    });
    expect(lossy).toEqual([]);
    for (const text of ["9999999999.99", "1.10", "4999.95", "0.29", "1.15", "8.7"]) {
      expect(toDecimal(toCents(Number(text)))).toBe(Number(text).toFixed(2));
    }
  });

  test.each([9.999, 0.001, 1e15, NaN, Infinity])("%s is refused", (amount) => {
    expect(() => toCents(amount)).toThrow(RangeError);
  });

  test("add up where floats do not", () => {
    expect(0.1 + 0.2).not.toBe(0.3);
    expect(sum([toCents(0.1), toCents(0.2)])).toBe(toCents(0.3));
    expect(times(toCents(19.99), 3)).toBe(toCents(59.97));
  });
});

describe("a typed price", () => {
  test.each([
    ["12", 1200],
    ["12.5", 1250],
    [" 12,50 ", 1250],
    ["0.07", 7],
  ])("%s is %i cents", (text, value) => {
    expect(parsePrice(text)).toBe(value);
  });

  test.each(["", "1.234", "-1", "1e3", "12.", "a", "1,234.50"])("%s is none", (text) => {
    expect(parsePrice(text)).toBeNull();
  });
});

test("prices take the form of the locale, exactly", () => {
  expect(formatsOf("en-GB").money(cents(123_456_789))).toBe("€1,234,567.89");
  expect(formatsOf("de-DE").money(cents(123_456_789))).toBe("1.234.567,89\u00a0€");
  expect(formatsOf("en-GB").money(cents(999_999_999_999))).toBe("€9,999,999,999.99");
  expect(formatsOf("en-GB").money(cents(-5))).toBe("-€0.05");
});
