import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { ProblemError } from "@/api/errors";
import { issueToken } from "@/api/identity/issue-token";
import { registerAccount } from "@/api/identity/register-account";
import { begin } from "@/api/session";
import { Button } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { TextField } from "@/components/field";
import { Callout } from "@/components/notice";
import { useI18n } from "@/lib/i18n";

import styles from "./account.module.css";

const LEAST_PASSWORD = 8;
const MOST_PASSWORD = 128;

/** A new account, and the first session with it. */
export function Registration({
  isOnTheWay,
  other,
}: {
  /** Whether somebody is here because they wanted to go elsewhere. */
  isOnTheWay: boolean;
  /** Where those go who have an account. */
  other: string;
}) {
  const { t } = useI18n();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const registering = useMutation({
    mutationFn: async () => {
      const address = email.trim();
      await registerAccount({ email: address, password, name: name.trim() || null });
      return issueToken(address, password);
    },
    onSuccess: begin,
  });
  const error = registering.error;
  const fields = error instanceof ProblemError ? error.fields : [];
  const wrong = (field: string) => fields.find((each) => each.field === field)?.message;
  const isKnown = error instanceof ProblemError && error.kind === "account-exists";
  return (
    <div className={styles.page}>
      <header>
        <h1>{t.account.register}</h1>
        <p className={styles.about}>{isOnTheWay ? t.account.onTheWay : t.account.benefit}</p>
      </header>
      <form
        className={styles.card}
        onSubmit={(event) => {
          event.preventDefault();
          if (!registering.isPending) registering.mutate();
        }}
      >
        {isKnown ? (
          <Callout kind="bad" title={t.account.exists}>
            <Link to={other}>{t.account.signIn}</Link>
          </Callout>
        ) : (
          error !== null && <FailedAction error={error} />
        )}
        <TextField
          label={t.account.name}
          hint={t.account.nameHint}
          error={wrong("name")}
          autoComplete="name"
          maxLength={200}
          value={name}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <TextField
          label={t.account.email}
          error={wrong("email")}
          type="email"
          autoComplete="username"
          isRequired
          maxLength={254}
          value={email}
          onChange={(event) => {
            setEmail(event.currentTarget.value);
          }}
        />
        <TextField
          label={t.account.password}
          hint={t.account.passwordHint(LEAST_PASSWORD)}
          error={wrong("password")}
          type="password"
          autoComplete="new-password"
          isRequired
          minLength={LEAST_PASSWORD}
          maxLength={MOST_PASSWORD}
          value={password}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        <Button type="submit" kind="primary" size="large" wide busy={registering.isPending}>
          {registering.isPending ? t.account.registering : t.account.register}
        </Button>
      </form>
      <p className={styles.other}>
        {t.account.hasAccount} <Link to={other}>{t.account.signIn}</Link>
      </p>
    </div>
  );
}
