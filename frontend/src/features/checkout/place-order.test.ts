import { beforeEach, expect, test, vi } from "vitest";

import { ProblemError, Unreachable } from "@/api/errors";
import { shopAnswers } from "@/testing/render";

import { intend, intent, open } from "./intent";
import { placeOrder } from "./place-order";

const LINES = [{ product_id: 1, quantity: 2 }];
const ORDER = {
  id: 7,
  items: [{ product_id: 1, quantity: 2, name: "Laptop", unit_price: 9.99 }],
  total_price: 19.98,
  status: "confirmed",
  created_at: "2026-11-23T06:18:53Z",
};
const CONFIRMED = { status: 201, body: ORDER };
const LOST = new TypeError("Failed to fetch");

function refusal(status: number, type: string) {
  return { status, body: { type: `/problems/${type}`, title: "T", status, detail: "D" } };
}

function keys(requests: Request[]) {
  return requests.map((request) => request.headers.get("Idempotency-Key"));
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout"], shouldAdvanceTime: true, advanceTimeDelta: 500 });
});

test("a lost answer is asked for again under the same key", async () => {
  const requests = shopAnswers({
    "POST /api/orders": [LOST, refusal(503, "unavailable"), CONFIRMED],
  });
  const onRetry = vi.fn();
  expect((await placeOrder(LINES, onRetry)).id).toBe(7);
  expect(requests).toHaveLength(3);
  expect(new Set(keys(requests)).size).toBe(1);
  expect(onRetry).toHaveBeenCalledTimes(2);
  expect(intent.get()).toBeNull();
});

test("the key outlives all attempts, and is used by the next click", async () => {
  const first = shopAnswers({ "POST /api/orders": LOST });
  await expect(placeOrder(LINES)).rejects.toBeInstanceOf(Unreachable);
  expect(intent.get()).toMatchObject({ isSent: true, lines: LINES });
  const second = shopAnswers({ "POST /api/orders": CONFIRMED });
  await placeOrder(LINES);
  expect(keys(second)[0]).toBe(keys(first)[0]);
});

test("two clicks at once are one intent", async () => {
  const requests = shopAnswers({ "POST /api/orders": CONFIRMED });
  await Promise.all([placeOrder(LINES), placeOrder(LINES)]);
  expect(new Set(keys(requests)).size).toBe(1);
});

test("buying the same again later is another intent", async () => {
  const requests = shopAnswers({ "POST /api/orders": CONFIRMED });
  await placeOrder(LINES);
  await placeOrder(LINES);
  expect(new Set(keys(requests)).size).toBe(2);
});

test("other lines are another intent", () => {
  const { key } = intend(LINES);
  expect(intend([...LINES].reverse()).key).toBe(key);
  expect(intend([{ product_id: 1, quantity: 3 }]).key).not.toBe(key);
});

test.each([
  [409, "insufficient-stock"],
  [409, "order-cancelled"],
  [404, "product-not-found"],
  [422, "invalid"],
])("a refusal is final: %i %s", async (status, type) => {
  const requests = shopAnswers({ "POST /api/orders": refusal(status, type) });
  await expect(placeOrder(LINES)).rejects.toBeInstanceOf(ProblemError);
  expect(requests).toHaveLength(1);
  expect(intent.get()).toBeNull();
});

test("a key that the shop has forgotten is not used", () => {
  const current = intend(LINES);
  expect(open(current, current.at + 22 * 3_600_000)).toBe(current);
  expect(open(current, current.at + 23 * 3_600_000)).toBeNull();
});

test("a session that has ended settles nothing that was sent before", async () => {
  const requests = shopAnswers({ "POST /api/orders": [LOST, refusal(401, "unauthenticated")] });
  await expect(placeOrder(LINES)).rejects.toMatchObject({ status: 401 });
  expect(intent.get()).toMatchObject({ isSent: true });
  shopAnswers({ "POST /api/orders": CONFIRMED });
  await placeOrder(LINES);
  expect(requests).toHaveLength(2);
});

test("without a session nothing was ordered, and nothing stays open", async () => {
  shopAnswers({ "POST /api/orders": refusal(401, "unauthenticated") });
  await expect(placeOrder(LINES)).rejects.toMatchObject({ status: 401 });
  expect(intent.get()).toBeNull();
});
