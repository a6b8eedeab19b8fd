import { queryOptions } from "@tanstack/react-query";
import * as v from "valibot";

import { answer } from "../answer";
import { api } from "../client";
import { Category } from "../models";

/** The categories that hold at least one product. */
export function listCategories() {
  return queryOptions({
    queryKey: ["categories"],
    queryFn: ({ signal }) => answer(api.GET("/api/categories", { signal }), v.array(Category)),
    staleTime: 60_000,
  });
}
