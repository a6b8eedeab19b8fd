import { answer } from "../answer";
import { api } from "../client";
import { Product } from "../models";

/** Books pieces that arrived; the same key again changes nothing. */
export function receiveStock(id: number, quantity: number, key: string): Promise<Product> {
  const params = { path: { id }, header: { "Idempotency-Key": key } };
  return answer(api.POST("/api/products/{id}/stock", { params, body: { quantity } }), Product);
}
