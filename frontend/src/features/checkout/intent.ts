import * as v from "valibot";

import type { Line } from "@/api/orders/create-order";
import { randomId } from "@/lib/random-id";
import { stored } from "@/lib/stored";

/** The shop remembers a key for 24 hours; an hour is kept for clocks that differ. */
const LIFE_MS = 23 * 60 * 60 * 1000;

const Intent = v.object({
  key: v.string(),
  lines: v.array(v.object({ product_id: v.number(), quantity: v.number() })),
  at: v.number(),
  isSent: v.boolean(),
});

/**
 * What somebody means to buy, with the idempotency key that goes with it. It outlives a reload and
 * is shared by the tabs, so that each way of trying again is the same order and not another one.
 */
export type Intent = v.InferOutput<typeof Intent>;

/** The intent whose outcome is not known yet, if there is one. */
export const intent = stored<Intent | null>("intent", null, (raw) =>
  v.parse(v.nullable(Intent), raw),
);

export function isSame(one: readonly Line[], other: readonly Line[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ product_id, quantity }) =>
      other.some((line) => line.product_id === product_id && line.quantity === quantity),
    )
  );
}

/** The intent as far as it is still alive. */
export function open(current: Intent | null, now = Date.now()): Intent | null {
  return current !== null && now - current.at < LIFE_MS ? current : null;
}

/** The intent to buy these lines: the one that is open already, or a new one with a new key. */
export function intend(lines: readonly Line[]): Intent {
  const current = open(intent.get());
  if (current !== null && isSame(current.lines, lines)) return current;
  const next = { key: randomId(), lines: [...lines], at: Date.now(), isSent: false };
  intent.set(next);
  return next;
}

/** Remembers that the intent was sent: from here on its outcome is not known. */
export function markSent(key: string): void {
  intent.set((current) => (current?.key === key ? { ...current, isSent: true } : current));
}

/** Forgets an intent whose outcome is known. */
export function settle(key: string): void {
  intent.set((current) => (current?.key === key ? null : current));
}
