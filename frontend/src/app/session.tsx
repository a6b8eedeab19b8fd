import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from "react";

import { fetchHealth } from "@/api/gateway/health";
import type { Account } from "@/api/models";
import { followSession, sessionState, subscribeToSession } from "@/api/session";
import { stored, useStored } from "@/lib/stored";

export type Role = "customer" | "admin";

/** Who uses the shop, and what the shop lets them do. */
export interface Session {
  /** Whether the shop knows accounts; without them a guest may do everything. */
  hasAccounts: boolean;
  /** Null for a guest. */
  account: Account | null;
  roles: readonly Role[];
  /** Whether this is certain; it is not while a page that was loaded anew asks. */
  isKnown: boolean;
}

// What is shown follows this; that the API refuses what is not allowed does not depend on it.
const EVERYTHING: readonly Role[] = ["customer", "admin"];
const NOTHING: readonly Role[] = [];
const ROLES = { customer: ["customer"], admin: EVERYTHING } as const;

const Context = createContext<Session>({
  hasAccounts: false,
  account: null,
  roles: EVERYTHING,
  isKnown: true,
});

/** What the shop last said about accounts: a page that is loaded anew begins with it. */
const hadAccounts = stored<boolean | null>("accounts", null, (raw) =>
  typeof raw === "boolean" ? raw : null,
);

export function SessionProvider({ children }: { children: ReactNode }) {
  const { account, isKnown } = useSyncExternalStore(subscribeToSession, sessionState);
  const hasAccounts = useHasAccounts();
  const queries = useQueryClient();
  useEffect(followSession, []);

  // What one account has seen is not for the next.
  const before = useRef(account?.id);
  useEffect(() => {
    if (before.current === account?.id) return;
    before.current = account?.id;
    void queries.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== "products" });
  }, [account, queries]);

  const session = useMemo<Session>(() => {
    if (!hasAccounts) {
      const isSaid = hasAccounts !== null;
      return { hasAccounts: false, account: null, roles: EVERYTHING, isKnown: isSaid };
    }
    const roles = account === null ? NOTHING : ROLES[account.role];
    return { hasAccounts, account, roles, isKnown };
  }, [hasAccounts, account, isKnown]);
  return <Context value={session}>{children}</Context>;
}

/** Null until the shop has told; where it does not answer, its pages say so themselves. */
function useHasAccounts(): boolean | null {
  const { data, isError } = useQuery({
    queryKey: ["accounts"],
    queryFn: async ({ signal }) => (await fetchHealth(false, signal)).auth === "on",
    staleTime: Infinity,
  });
  useEffect(() => {
    if (data !== undefined) hadAccounts.set(data);
  }, [data]);
  const known = useStored(hadAccounts);
  return data ?? known ?? (isError ? false : null);
}

export function useSession(): Session {
  return use(Context);
}
