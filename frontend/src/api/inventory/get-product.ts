import { queryOptions } from "@tanstack/react-query";

import { answer, succeeded } from "../answer";
import { api } from "../client";
import { Product } from "../models";
import * as v from "valibot";

/** A product as it is now. It is asked for again while somebody looks: stock changes any moment. */
export function getProduct(id: number) {
  return queryOptions({
    queryKey: ["products", "one", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/products/{id}", { params: { path: { id } }, signal }), Product),
    refetchInterval: 5_000,
    staleTime: 2_000,
  });
}

/** A product with the ETag that an edit of it has to name. */
export interface Versioned {
  product: Product;
  etag: string;
}

export async function fetchVersioned(id: number, signal?: AbortSignal): Promise<Versioned> {
  const { data, response } = await succeeded(
    api.GET("/api/products/{id}", { params: { path: { id } }, ...(signal && { signal }) }),
  );
  return { product: v.parse(Product, data), etag: response.headers.get("ETag") ?? "" };
}
