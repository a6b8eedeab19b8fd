import { QueryClient } from "@tanstack/react-query";

import { isTemporary } from "@/api/errors";

const MOST_RETRIES = 2;

/** How answers are kept: shown at once where they are known, and asked for anew on every visit. */
export function queryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        gcTime: 10 * 60_000,
        retry: (failures, error) => failures < MOST_RETRIES && isTemporary(error),
        retryDelay: (attempt) => 400 * 2 ** attempt,
      },
      mutations: {
        // An action fails at once and says so; only placing an order tries again, with its key.
        retry: false,
        networkMode: "always",
      },
    },
  });
}
