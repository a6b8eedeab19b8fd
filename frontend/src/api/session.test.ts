import { afterEach, expect, test } from "vitest";

import { type Answer, shopAnswers } from "@/testing/render";

import { Unreachable } from "./errors";
import { fetchProducts } from "./inventory/list-products";
import { createOrder } from "./orders/create-order";
import { begin, end, followSession, sessionState } from "./session";

const ACCOUNT = { id: "a1", email: "ada@example.org", name: "Ada", role: "customer" as const };
const ORDER = {
  id: 7,
  items: [],
  total_price: 1,
  status: "confirmed",
  created_at: "2026-11-23T06:18:53Z",
};
const REFUSED = problem(401, "unauthenticated");

function problem(status: number, kind: string): Answer {
  return { status, body: { type: `/problems/${kind}`, title: "T", status, detail: "D" } };
}

function tokens(token: string) {
  return { access_token: token, expires_in: 900, account: ACCOUNT };
}

function sent(requests: Request[], path: string) {
  return requests
    .filter((request) => new URL(request.url).pathname === path)
    .map((request) => request.headers.get("Authorization"));
}

const order = () => createOrder([{ product_id: 1, quantity: 1 }], "key");

afterEach(() => {
  end();
});

test("a guest sends no token, and asks for none where one is wanted", async () => {
  end();
  const requests = shopAnswers({ "POST /api/orders": REFUSED });
  await expect(order()).rejects.toMatchObject({ status: 401 });
  expect(requests).toHaveLength(1);
  expect(requests[0]?.headers.has("Authorization")).toBe(false);
});

test("of requests that are refused at once, one exchanges the token, and all go on", async () => {
  begin(tokens("old"));
  const requests = shopAnswers({
    "POST /api/orders": [REFUSED, REFUSED, { status: 201, body: ORDER }],
    "POST /api/auth/refresh": { body: tokens("new") },
  });
  const orders = await Promise.all([order(), order()]);
  expect(orders.map(({ id }) => id)).toEqual([7, 7]);
  expect(sent(requests, "/api/auth/refresh")).toEqual([null]);
  expect(sent(requests, "/api/orders")).toEqual([
    "Bearer old",
    "Bearer old",
    "Bearer new",
    "Bearer new",
  ]);
  expect(await requests.at(-1)?.json()).toEqual({ items: [{ product_id: 1, quantity: 1 }] });
});

test("a session that has ended leaves a guest, and the refusal to whoever asked", async () => {
  begin(tokens("old"));
  shopAnswers({
    "POST /api/orders": REFUSED,
    "POST /api/auth/refresh": problem(401, "invalid-session"),
  });
  await expect(order()).rejects.toMatchObject({ status: 401 });
  expect(sessionState()).toEqual({ account: null, isKnown: true });
});

test("a shop that does not answer for a moment ends no session", async () => {
  begin(tokens("old"));
  shopAnswers({ "POST /api/orders": REFUSED, "POST /api/auth/refresh": new TypeError("lost") });
  await expect(order()).rejects.toBeInstanceOf(Unreachable);
  expect(sessionState().account).toEqual(ACCOUNT);
});

test("a token that is about to run out is exchanged before it is sent", async () => {
  begin({ ...tokens("old"), expires_in: 2 });
  const requests = shopAnswers({
    "POST /api/orders": { status: 201, body: ORDER },
    "POST /api/auth/refresh": { body: tokens("new") },
  });
  await order();
  expect(sent(requests, "/api/orders")).toEqual(["Bearer new"]);
});

test("the catalogue does not wait for the session, and an order does", async () => {
  begin({ ...tokens("old"), expires_in: 0 });
  let answer = (_: Response) => undefined as unknown;
  const refreshed = new Promise<Response>((resolve) => (answer = resolve));
  const requests = shopAnswers({
    "GET /api/products": { body: [] },
    "POST /api/orders": { status: 201, body: ORDER },
  });
  const shop = globalThis.fetch;
  globalThis.fetch = (input, init) =>
    input instanceof Request && input.url.endsWith("/refresh") ? refreshed : shop(input, init);
  const placed = order();
  await fetchProducts({}, { limit: 1 });
  expect(sent(requests, "/api/orders")).toEqual([]);
  answer(Response.json(tokens("new")));
  await placed;
  expect(sent(requests, "/api/orders")).toEqual(["Bearer new"]);
});

test("signing out in one tab signs out the others", () => {
  const stop = followSession();
  begin(tokens("old"));
  localStorage.setItem("shophub.session", "false");
  dispatchEvent(new StorageEvent("storage", { key: "shophub.session" }));
  expect(sessionState().account).toBeNull();
  stop();
});
