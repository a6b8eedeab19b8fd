import type { components } from "../schema";
import { answer } from "../answer";
import { api } from "../client";
import { Product } from "../models";

/** Without `stock` the stock stays as it is; with it, the shelf was counted. */
export type ProductEdit = Omit<Required<components["schemas"]["ProductEdit"]>, "stock"> & {
  stock?: number;
};

/**
 * Edits a product, if it still is what `etag` says.
 *
 * @throws ProblemError of status 412 where somebody else changed it meanwhile.
 */
export function updateProduct(id: number, body: ProductEdit, etag: string): Promise<Product> {
  const params = { path: { id }, header: { "If-Match": etag } };
  // The generated type makes every member with a default required.
  const edit = body as components["schemas"]["ProductEdit"];
  return answer(api.PUT("/api/products/{id}", { params, body: edit }), Product);
}
