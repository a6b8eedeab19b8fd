import { lazy } from "react";
import { Navigate, Outlet, useLocation } from "react-router";

import { type Role, useSession } from "./session";
import { signInFor } from "./sign-in-address";

const NotFoundPage = lazy(() => import("./pages/not-found-page"));

/** Pages for one role: guests sign in first, and come back to them. */
export function Only({ for: role }: { for: Role }) {
  const { roles, account, isKnown } = useSession();
  const { pathname, search } = useLocation();
  if (!isKnown) return null;
  if (roles.includes(role)) return <Outlet />;
  if (account === null) return <Navigate to={signInFor(pathname + search)} replace />;
  // Whoever may not do anything here is not told that there is something.
  return <NotFoundPage />;
}
