import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { ProblemError } from "@/api/errors";
import { issueToken } from "@/api/identity/issue-token";
import { begin } from "@/api/session";
import { Button } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { TextField } from "@/components/field";
import { Callout } from "@/components/notice";
import { useI18n } from "@/lib/i18n";

import styles from "./account.module.css";

/** E-mail address and password. Who is signed in is led on by the page. */
export function SignIn({
  isOnTheWay,
  other,
}: {
  /** Whether somebody is here because they wanted to go elsewhere. */
  isOnTheWay: boolean;
  /** Where those go who have no account. */
  other: string;
}) {
  const { t } = useI18n();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signing = useMutation({
    mutationFn: () => issueToken(email.trim(), password),
    onSuccess: begin,
  });
  return (
    <div className={styles.page}>
      <header>
        <h1>{t.account.signIn}</h1>
        <p className={styles.about}>{isOnTheWay ? t.account.onTheWay : t.account.welcome}</p>
      </header>
      <form
        className={styles.card}
        onSubmit={(event) => {
          event.preventDefault();
          if (!signing.isPending) signing.mutate();
        }}
      >
        {signing.isError && <Refusal error={signing.error} />}
        <TextField
          label={t.account.email}
          type="email"
          autoComplete="username"
          isRequired
          value={email}
          onChange={(event) => {
            setEmail(event.currentTarget.value);
          }}
        />
        <TextField
          label={t.account.password}
          type="password"
          autoComplete="current-password"
          isRequired
          maxLength={128}
          value={password}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        <Button type="submit" kind="primary" size="large" wide busy={signing.isPending}>
          {signing.isPending ? t.account.signingIn : t.account.signIn}
        </Button>
      </form>
      <p className={styles.other}>
        {t.account.noAccount} <Link to={other}>{t.account.register}</Link>
      </p>
    </div>
  );
}

function Refusal({ error }: { error: Error }) {
  const { t } = useI18n();
  if (error instanceof ProblemError && error.kind === "invalid-credentials") {
    return <Callout kind="bad">{t.account.wrong}</Callout>;
  }
  if (error instanceof ProblemError && error.kind === "too-many-attempts") {
    return <Callout kind="bad">{t.account.tooMany(error.retryAfter ?? 60)}</Callout>;
  }
  return <FailedAction error={error} />;
}
