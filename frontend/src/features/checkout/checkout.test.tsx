import { screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import type { Cents } from "@/lib/money";
import { renderAt, shopAnswers } from "@/testing/render";

import { Checkout } from "./checkout";

const ORDER = {
  id: 7,
  items: [{ product_id: 1, quantity: 5 }],
  total_price: 10,
  status: "confirmed",
  created_at: "2026-11-23T06:18:53Z",
};

function show() {
  const onPlaced = vi.fn();
  const onAdjust = vi.fn();
  const view = renderAt(
    "/checkout",
    <Checkout
      lines={[{ id: 1, name: "Laptop", quantity: 5 }]}
      total={1000 as Cents}
      obstacle={null}
      review={null}
      onPlaced={onPlaced}
      onAdjust={onAdjust}
    />,
  );
  return { ...view, onPlaced, onAdjust };
}

test("a double click orders once", async () => {
  const requests = shopAnswers({ "POST /api/orders": { status: 201, body: ORDER } });
  const { user, onPlaced } = show();
  await user.dblClick(screen.getByRole("button", { name: "Buy now for €10.00" }));
  await waitFor(() => {
    expect(onPlaced).toHaveBeenCalledOnce();
  });
  expect(requests).toHaveLength(1);
});

test("what is short is named, and adjusted to what there is", async () => {
  const products = [{ product_id: 1, name: "Laptop", requested: 5, available: 2 }];
  shopAnswers({
    "POST /api/orders": {
      status: 409,
      body: {
        type: "/problems/insufficient-stock",
        title: "T",
        status: 409,
        detail: "D",
        products,
      },
    },
  });
  const { user, onAdjust, onPlaced } = show();
  await user.click(screen.getByRole("button", { name: /buy now/i }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Laptop: you want 5, 2 left");
  await user.click(screen.getByRole("button", { name: "Adjust and continue" }));
  expect(onAdjust).toHaveBeenCalledWith([{ id: 1, quantity: 2 }]);
  expect(onPlaced).not.toHaveBeenCalled();
});

test("a product that is gone is named, and taken out", async () => {
  shopAnswers({
    "POST /api/orders": {
      status: 404,
      body: {
        type: "/problems/product-not-found",
        title: "T",
        status: 404,
        detail: "D",
        product_ids: [1],
      },
    },
  });
  const { user, onAdjust } = show();
  await user.click(screen.getByRole("button", { name: /buy now/i }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Laptop");
  await user.click(screen.getByRole("button", { name: /take it out/i }));
  expect(onAdjust).toHaveBeenCalledWith([{ id: 1, quantity: 0 }]);
});
