import { isTemporary, ProblemError, Unreachable } from "@/api/errors";
import { type Messages, useI18n } from "@/lib/i18n";

import { Button } from "./button";
import { Callout, EmptyState } from "./notice";

/** What went wrong, in a sentence for people. */
export function explain(error: unknown, t: Messages): string {
  if (error instanceof Unreachable) return t.errors.unreachable;
  if (isTemporary(error)) return t.errors.unavailable;
  if (error instanceof ProblemError) return error.message;
  return t.errors.unexpected;
}

/** In place of a view that could not be loaded. */
export function Failure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useI18n();
  return (
    <div role="alert">
      <EmptyState
        icon="warning"
        title={t.errors.title}
        action={
          <Button kind="primary" onClick={onRetry}>
            {t.common.retry}
          </Button>
        }
      >
        {explain(error, t)}
      </EmptyState>
    </div>
  );
}

/** Beside an action that did not work. */
export function FailedAction({ error, title }: { error: unknown; title?: string }) {
  const { t } = useI18n();
  return (
    <Callout kind="bad" title={title ?? t.errors.title}>
      {explain(error, t)}
    </Callout>
  );
}
