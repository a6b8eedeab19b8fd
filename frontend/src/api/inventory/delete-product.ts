import { succeeded } from "../answer";
import { api } from "../client";

/** Takes a product out of the catalogue. */
export async function deleteProduct(id: number): Promise<void> {
  await succeeded(api.DELETE("/api/products/{id}", { params: { path: { id } } }));
}
