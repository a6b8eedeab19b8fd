import { CURRENCY, type Cents, toDecimal } from "../money";

/** Numbers, prices and times in the form of a locale. */
export interface Formats {
  money: (cents: Cents) => string;
  number: (value: number) => string;
  date: (at: string) => string;
  dateTime: (at: string) => string;
  time: (at: string) => string;
  /** "3 minutes ago"; `now` is milliseconds since the epoch. */
  ago: (at: string, now: number) => string;
  list: (items: readonly string[]) => string;
}

const STEPS = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Infinity, "year"],
] as const;

export function formatsOf(locale: string): Formats {
  const money = new Intl.NumberFormat(locale, { style: "currency", currency: CURRENCY });
  const number = new Intl.NumberFormat(locale);
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  return {
    money: (cents) => money.format(toDecimal(cents)),
    number: (value) => number.format(value),
    date: (at) => date.format(new Date(at)),
    dateTime: (at) => dateTime.format(new Date(at)),
    time: (at) => time.format(new Date(at)),
    ago(at, now) {
      let value = Math.min(0, (Date.parse(at) - now) / 1000);
      for (const [size, unit] of STEPS) {
        if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
        value /= size;
      }
      return date.format(new Date(at));
    },
    list: (items) => list.format(items),
  };
}
