import { useMutation } from "@tanstack/react-query";

import { endSession } from "@/api/identity/end-session";
import type { Account as AccountData } from "@/api/models";
import { end } from "@/api/session";
import { Button, ButtonLink } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";

import styles from "./account.module.css";

/** Who is signed in, and the way out. */
export function Account({ account }: { account: AccountData }) {
  const { t } = useI18n();
  const leaving = useMutation({
    mutationFn: endSession,
    onSuccess: () => {
      end();
      announce(t.account.signedOut);
    },
  });
  return (
    <div className={styles.page}>
      <h1>{t.account.title}</h1>
      <section className={styles.card} aria-label={t.account.title}>
        {leaving.isError && <FailedAction error={leaving.error} />}
        <dl className={styles.facts}>
          {account.name !== null && (
            <div>
              <dt>{t.account.name}</dt>
              <dd dir="auto">{account.name}</dd>
            </div>
          )}
          <div>
            <dt>{t.account.email}</dt>
            <dd>{account.email}</dd>
          </div>
          <div>
            <dt>{t.account.role}</dt>
            <dd>{t.account.roles[account.role]}</dd>
          </div>
        </dl>
        <ButtonLink to="/orders" wide>
          {t.orders.title}
        </ButtonLink>
        <Button
          kind="quiet"
          wide
          busy={leaving.isPending}
          onClick={() => {
            leaving.mutate();
          }}
        >
          {t.account.signOut}
        </Button>
      </section>
    </div>
  );
}
