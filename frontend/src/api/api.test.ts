import { describe, expect, test } from "vitest";

import { product, shopAnswers } from "@/testing/render";

import { nextCursor } from "./answer";
import { isTemporary, ProblemError, Unreachable } from "./errors";
import { fetchProducts } from "./inventory/list-products";
import { updateProduct } from "./inventory/update-product";
import { createOrder } from "./orders/create-order";

const LAPTOP = { ...product(), price: 999.99 };

test("a page has its products, with prices in cents, and the cursor of the next one", async () => {
  const requests = shopAnswers({
    "GET /api/products": {
      body: [LAPTOP],
      headers: { Link: '</api/products?limit=2&after=WzM5XQ>; rel="next"' },
    },
  });
  const page = await fetchProducts({ q: "lap", inStock: true, sort: "price" }, { limit: 2 });
  expect(page.items[0]?.price).toBe(99_999);
  expect(page.next).toBe("WzM5XQ");
  const asked = new URL(requests[0]?.url ?? "").searchParams;
  expect(Object.fromEntries(asked)).toEqual({
    limit: "2",
    q: "lap",
    in_stock: "true",
    sort: "price",
  });
});

test("the last page has no next one", () => {
  expect(nextCursor(null)).toBeNull();
  expect(nextCursor('</api/products?after=A>; rel="prev"')).toBeNull();
});

test("an answer that is not as documented gets no further", async () => {
  shopAnswers({ "GET /api/products": { body: [{ ...LAPTOP, price: 9.999 }] } });
  await expect(fetchProducts({}, { limit: 1 })).rejects.toThrow("no amount of money");
  shopAnswers({ "GET /api/products": { body: [{ ...LAPTOP, stock: "many" }] } });
  await expect(fetchProducts({}, { limit: 1 })).rejects.toThrow();
});

test("an order goes out with its key", async () => {
  const order = {
    id: 7, product_id: 1, quantity: 2, total_price: 19.98, status: "confirmed",
    items: [{ product_id: 1, quantity: 2, name: "Laptop", unit_price: 9.99 }],
    created_at: "2026-11-23T06:18:53Z",
  }; // prettier-ignore
  const requests = shopAnswers({ "POST /api/orders": { status: 201, body: order } });
  const placed = await createOrder([{ product_id: 1, quantity: 2 }], "key-1");
  expect(placed.total_price).toBe(1998);
  expect(requests[0]?.headers.get("Idempotency-Key")).toBe("key-1");
  expect(await requests[0]?.json()).toEqual({ items: [{ product_id: 1, quantity: 2 }] });
});

test("what somebody does begins a trace that is recorded, and what is looked at none", async () => {
  const requests = shopAnswers({
    "GET /api/products": { body: [LAPTOP] },
    "POST /api/orders": { status: 409, body: { title: "Not enough stock", status: 409 } },
  });
  await fetchProducts({}, { limit: 1 });
  for (let place = 0; place < 2; place++) {
    await createOrder([{ product_id: 1, quantity: 2 }], "key-1").catch(() => null);
  }
  const [looked, first, second] = requests.map((each) => each.headers.get("traceparent"));
  expect(looked).toBeNull();
  expect(first).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
  expect(second).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(second).not.toBe(first);
});

test("an edit names the version that it started from", async () => {
  const requests = shopAnswers({
    "PUT /api/products/1": {
      status: 412,
      body: { type: "/problems/precondition-failed", title: "t", status: 412, detail: "d" },
    },
  });
  const edit = {
    name: "L",
    description: "",
    price: 1,
    category: null,
    image_url: null,
    low_stock_threshold: 1,
  };
  const error: unknown = await updateProduct(1, edit, '"1.61"').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ProblemError);
  expect((error as ProblemError).kind).toBe("precondition-failed");
  expect(requests[0]?.headers.get("If-Match")).toBe('"1.61"');
});

describe("an error", () => {
  const problem = (status: number, document: object = {}) =>
    new ProblemError(status, { type: "/problems/x", title: "T", status, detail: "D", ...document });

  test("is temporary where the same request may work later", () => {
    expect(isTemporary(new Unreachable(null))).toBe(true);
    expect([500, 502, 503, 504, 429, 408].every((status) => isTemporary(problem(status)))).toBe(
      true,
    );
    expect([400, 404, 409, 412, 422].some((status) => isTemporary(problem(status)))).toBe(false);
    expect(isTemporary(new TypeError("a defect"))).toBe(false);
  });

  test("names what is short", () => {
    const products = [{ product_id: 1, name: "Laptop", requested: 9, available: 2 }];
    const short = problem(409, { type: "/problems/insufficient-stock", products });
    expect(short.shortages).toEqual(products);
    expect(problem(409, { products }).shortages).toEqual([]);
  });

  test("needs no problem document", () => {
    expect(new ProblemError(502, "<html>").message).toBe("The shop answered 502");
    expect(new ProblemError(502, undefined).isTemporary).toBe(true);
  });
});
