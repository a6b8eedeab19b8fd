import { queryOptions } from "@tanstack/react-query";
import * as v from "valibot";

import { Unreachable } from "../errors";
import { Health } from "../models";

/** What the gateway last saw of each service. A probe asks each of them, and so wakes it. */
export async function fetchHealth(probe: boolean, signal?: AbortSignal): Promise<Health> {
  try {
    // Where a service is down it answers 503, with the same body.
    const response = await fetch(probe ? "/health?probe=true" : "/health", signal && { signal });
    return v.parse(Health, await response.json());
  } catch (error) {
    throw new Unreachable(error);
  }
}

export function health() {
  return queryOptions({
    queryKey: ["health"],
    queryFn: ({ signal }) => fetchHealth(false, signal),
    refetchInterval: 10_000,
    retry: false,
  });
}
