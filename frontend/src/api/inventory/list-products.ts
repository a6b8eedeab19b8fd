import { infiniteQueryOptions } from "@tanstack/react-query";

import { answerPage } from "../answer";
import { api } from "../client";
import { Product } from "../models";

export const SORTS = ["newest", "price", "-price", "name"] as const;
export type Sort = (typeof SORTS)[number];

/** Which products, in which order; what is left out does not restrict. */
export interface ProductQuery {
  q?: string;
  category?: string;
  inStock?: boolean;
  sort?: Sort;
}

export function fetchProducts(
  { q, category, inStock, sort }: ProductQuery,
  page: { limit: number; after?: string | null; signal?: AbortSignal },
) {
  const query = {
    limit: page.limit,
    ...(page.after ? { after: page.after } : {}),
    ...(q ? { q } : {}),
    ...(category ? { category } : {}),
    ...(inStock ? { in_stock: true } : {}),
    ...(sort ? { sort } : {}),
  };
  return answerPage(
    api.GET("/api/products", { params: { query }, ...(page.signal && { signal: page.signal }) }),
    Product,
  );
}

/** The catalogue, page after page. */
export function listProducts(query: ProductQuery, limit = 24) {
  return infiniteQueryOptions({
    queryKey: ["products", "list", query, limit],
    queryFn: ({ pageParam, signal }) => fetchProducts(query, { limit, after: pageParam, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
}
