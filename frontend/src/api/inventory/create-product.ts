import type { components } from "../schema";
import { answer } from "../answer";
import { api } from "../client";
import { Product } from "../models";

export type NewProduct = Required<components["schemas"]["NewProduct"]>;

/** Puts a product into the catalogue; the same key again changes nothing. */
export function createProduct(body: NewProduct, key: string): Promise<Product> {
  const params = { header: { "Idempotency-Key": key } };
  return answer(api.POST("/api/products", { params, body }), Product);
}
