import { Account } from "@/features/account/account";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { useSession } from "../session";
import NotFoundPage from "./not-found-page";

export default function AccountPage() {
  const { t } = useI18n();
  const { account } = useSession();
  useTitle(t.account.title);
  // Without accounts everybody may come here, and there is nothing.
  return account === null ? <NotFoundPage /> : <Account account={account} />;
}
