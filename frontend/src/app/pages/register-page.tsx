import { Navigate, useLocation, useSearchParams } from "react-router";

import { Registration } from "@/features/account/registration";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { useSession } from "../session";
import { targetOf } from "../sign-in-address";

export default function RegisterPage() {
  const { t } = useI18n();
  const { hasAccounts, account, isKnown } = useSession();
  const [params] = useSearchParams();
  const { search } = useLocation();
  useTitle(t.account.register);
  const target = targetOf(params);
  if (!isKnown) return null;
  if (account !== null || !hasAccounts) return <Navigate to={target} replace />;
  return <Registration isOnTheWay={target !== "/"} other={`/sign-in${search}`} />;
}
