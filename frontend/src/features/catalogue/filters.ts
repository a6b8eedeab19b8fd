import { useMemo } from "react";
import { useSearchParams } from "react-router";

import { type ProductQuery, type Sort, SORTS } from "@/api/inventory/list-products";

/** The catalogue's filters as they stand in the address: whoever has the link sees the same. */
export function readFilters(params: URLSearchParams): ProductQuery {
  const q = params.get("q")?.trim().slice(0, 200);
  const category = params.get("category")?.slice(0, 100);
  const sort = SORTS.find((known) => known === params.get("sort"));
  return {
    ...(q && { q }),
    ...(category && { category }),
    ...(params.has("in_stock") && { inStock: true }),
    ...(sort && sort !== "newest" && { sort }),
  };
}

/** The address of the catalogue under these filters; what is the default is left out. */
export function writeFilters({ q, category, inStock, sort }: ProductQuery): string {
  const params = new URLSearchParams();
  if (q) params.set("q", q);
  if (category) params.set("category", category);
  if (inStock) params.set("in_stock", "true");
  if (sort && sort !== "newest") params.set("sort", sort);
  const text = params.toString();
  return text ? `?${text}` : "";
}

export interface Filters {
  filters: ProductQuery;
  /** Puts a change into the address. Typing replaces the entry, or "back" would undo letters. */
  change: (
    change: { q?: string; category?: string | null; inStock?: boolean; sort?: Sort },
    replace?: boolean,
  ) => void;
}

export function useFilters(): Filters {
  const [params, setParams] = useSearchParams();
  return useMemo(() => {
    const filters = readFilters(params);
    return {
      filters,
      change(change, replace = false) {
        const { category, ...rest } = change;
        const next: ProductQuery = { ...filters, ...rest };
        if (category === null) delete next.category;
        else if (category !== undefined) next.category = category;
        setParams(new URLSearchParams(writeFilters(next)), {
          replace,
        });
      },
    };
  }, [params, setParams]);
}
