/**
 * Money is a whole number of cents everywhere in the storefront. JSON numbers are turned into it
 * where they come in, and back where they go out; nothing in between adds or multiplies fractions.
 */

declare const unit: unique symbol;

/** A whole number of cents. */
export type Cents = number & { readonly [unit]: "cents" };

export const CURRENCY = "EUR";
export const NOTHING = 0 as Cents;

/**
 * The cents of an amount in JSON.
 *
 * Dividing back finds the amount's own double again exactly if it had at most two decimals: that
 * tells 999.99 from 999.991, whatever the multiplication rounded.
 *
 * @throws RangeError for more than two decimals, or beyond what is counted exactly.
 */
export function toCents(amount: number): Cents {
  const cents = Math.round(amount * 100);
  if (!Number.isSafeInteger(cents) || cents / 100 !== amount) {
    throw new RangeError(`${String(amount)} is no amount of money`);
  }
  return cents as Cents;
}

/** The amount as a JSON number with at most two decimals. */
export function toAmount(cents: Cents): number {
  return cents / 100;
}

/** The price of several pieces. */
export function times(price: Cents, quantity: number): Cents {
  return (price * quantity) as Cents;
}

/** The total of several amounts. */
export function sum(amounts: readonly Cents[]): Cents {
  return amounts.reduce<number>((total, amount) => total + amount, 0) as Cents;
}

/** The exact decimal notation: what `Intl.NumberFormat` formats without a float in between. */
export function toDecimal(cents: Cents): `${number}` {
  const digits = String(Math.abs(cents)).padStart(3, "0");
  const sign = cents < 0 ? "-" : "";
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}` as `${number}`;
}

/** What a person typed as a price, with a point or a comma; null where it is none. */
export function parsePrice(text: string): Cents | null {
  const match = /^(\d{1,10})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (match === null) return null;
  const [, whole = "0", fraction = ""] = match;
  return (Number(whole) * 100 + Number(fraction.padEnd(2, "0"))) as Cents;
}
