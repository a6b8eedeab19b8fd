import { createContext, type ReactNode, use } from "react";

export type Role = "customer" | "admin";

/** Who uses the shop, and what the shop lets them do. */
export interface Session {
  /** Null for a guest. */
  account: string | null;
  roles: readonly Role[];
}

// Without sign-in a guest may do everything, as the gateway lets them. What is shown follows this
// value only; that the API refuses what is not allowed does not depend on it.
const OPEN: Session = { account: null, roles: ["customer", "admin"] };

const Context = createContext<Session>(OPEN);

export function SessionProvider({
  session = OPEN,
  children,
}: {
  session?: Session;
  children: ReactNode;
}) {
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  return use(Context);
}
