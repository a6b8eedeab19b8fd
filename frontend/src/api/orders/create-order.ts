import { answer } from "../answer";
import { api } from "../client";
import { Order } from "../models";

export interface Line {
  product_id: number;
  quantity: number;
}

/** Places an order. The same key again is the same order, and gets its answer. */
export function createOrder(items: readonly Line[], key: string): Promise<Order> {
  const params = { header: { "Idempotency-Key": key } };
  return answer(api.POST("/api/orders", { params, body: { items: [...items] } }), Order);
}
