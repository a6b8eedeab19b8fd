import { Navigate, useLocation, useSearchParams } from "react-router";

import { SignIn } from "@/features/account/sign-in";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { useSession } from "../session";
import { targetOf } from "../sign-in-address";

export default function SignInPage() {
  const { t } = useI18n();
  const { hasAccounts, account, isKnown } = useSession();
  const [params] = useSearchParams();
  const { search } = useLocation();
  useTitle(t.account.signIn);
  const target = targetOf(params);
  if (!isKnown) return null;
  if (account !== null || !hasAccounts) return <Navigate to={target} replace />;
  return <SignIn isOnTheWay={target !== "/"} other={`/register${search}`} />;
}
