import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useRef, useState } from "react";
import { Link } from "react-router";

import { isTemporary, ProblemError, type Short } from "@/api/errors";
import type { Order } from "@/api/models";
import { Button } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { Icon } from "@/components/icon";
import { Callout } from "@/components/notice";
import { useI18n } from "@/lib/i18n";
import type { Cents } from "@/lib/money";
import { useOnline } from "@/lib/online";
import { useStored } from "@/lib/stored";

import styles from "./checkout.module.css";
import { intent, isSame, open } from "./intent";
import { placeOrder } from "./place-order";

/** A line as it is about to be ordered. */
export interface CheckoutLine {
  id: number;
  name: string;
  quantity: number;
}

/** The last step: what is bought for how much, one button, and whatever can come of it. */
export function Checkout({
  lines,
  total,
  obstacle,
  review,
  onPlaced,
  onAdjust,
}: {
  lines: readonly CheckoutLine[];
  total: Cents;
  /** What has to be adjusted before it can be ordered. */
  obstacle: string | null;
  review: ReactNode;
  onPlaced: (order: Order) => void;
  /** Sets the quantities of products; 0 takes one out. */
  onAdjust: (quantities: readonly { id: number; quantity: number }[]) => void;
}) {
  const { t, formats } = useI18n();
  const queries = useQueryClient();
  const isOnline = useOnline();
  const [isRetrying, setRetrying] = useState(false);
  const items = lines.map((line) => ({ product_id: line.id, quantity: line.quantity }));
  const unsettled = open(useStored(intent));
  // Between a click and the next rendering a second click must find the first one.
  const isOnItsWay = useRef(false);

  const placing = useMutation({
    mutationFn: () =>
      placeOrder(items, () => {
        setRetrying(true);
      }),
    onSuccess: onPlaced,
    onError: () => {
      // Not after a success: the second half of a double click may still be on its way.
      isOnItsWay.current = false;
    },
    onSettled: () => {
      setRetrying(false);
      void queries.invalidateQueries({ queryKey: ["products"] });
      void queries.invalidateQueries({ queryKey: ["orders"] });
    },
  });

  function place() {
    if (isOnItsWay.current) return;
    isOnItsWay.current = true;
    placing.mutate();
  }

  const lost = !placing.isPending && unsettled?.isSent ? unsettled : null;
  const isLostOther = lost !== null && !isSame(lost.lines, items);
  return (
    <div className={styles.checkout}>
      <section className={styles.review} aria-labelledby="review">
        <h2 id="review">{t.checkout.review}</h2>
        {review}
      </section>
      <aside className={styles.pay} aria-label={t.common.total}>
        <dl className={styles.total}>
          <dt>{t.common.total}</dt>
          <dd>{formats.money(total)}</dd>
        </dl>
        {placing.isError && !isTemporary(placing.error) && (
          <Refusal
            error={placing.error}
            onAdjust={(quantities) => {
              onAdjust(quantities);
              placing.reset();
            }}
            lines={lines}
          />
        )}
        {lost !== null && (
          <Callout
            kind="warn"
            title={t.checkout.unknownTitle}
            {...(isLostOther && {
              action: <Link to="/orders">{t.checkout.unknownOrders}</Link>,
            })}
          >
            {isLostOther ? t.checkout.unknownOther : t.checkout.unknownText}
          </Callout>
        )}
        {obstacle !== null && !placing.isError && <Callout kind="warn">{obstacle}</Callout>}
        {!isOnline && <Callout kind="calm">{t.checkout.offline}</Callout>}
        <Button
          kind="primary"
          size="large"
          wide
          busy={placing.isPending}
          disabled={obstacle !== null || !isOnline}
          onClick={place}
        >
          {placing.isPending ? t.checkout.placing : t.checkout.placeFor(formats.money(total))}
        </Button>
        <p role="status" className={styles.retrying}>
          {isRetrying && t.checkout.retrying}
        </p>
        <ul className={styles.promises}>
          <li>
            <Icon name="check" size={16} /> {t.checkout.promise}
          </li>
          <li>
            <Icon name="check" size={16} /> {t.checkout.once}
          </li>
        </ul>
      </aside>
    </div>
  );
}

function Refusal({
  error,
  lines,
  onAdjust,
}: {
  error: Error;
  lines: readonly CheckoutLine[];
  onAdjust: (quantities: { id: number; quantity: number }[]) => void;
}) {
  const { t } = useI18n();
  const short: readonly Short[] = error instanceof ProblemError ? error.shortages : [];
  const missing: readonly number[] = error instanceof ProblemError ? error.missing : [];
  if (short.length > 0) {
    return (
      <Callout
        kind="bad"
        title={t.checkout.shortTitle}
        action={
          <Button
            onClick={() => {
              onAdjust(short.map((line) => ({ id: line.product_id, quantity: line.available })));
            }}
          >
            {t.checkout.shortAdjust}
          </Button>
        }
      >
        <p>{t.checkout.shortText}</p>
        <ul className={styles.short}>
          {short.map((line) => (
            <li key={line.product_id}>
              {t.checkout.shortLine(line.name, line.requested, line.available)}
            </li>
          ))}
        </ul>
      </Callout>
    );
  }
  if (missing.length > 0) {
    return (
      <Callout
        kind="bad"
        title={t.checkout.goneTitle}
        action={
          <Button
            onClick={() => {
              onAdjust(missing.map((id) => ({ id, quantity: 0 })));
            }}
          >
            {t.checkout.goneRemove}
          </Button>
        }
      >
        <p>{t.checkout.goneText}</p>
        <ul className={styles.short}>
          {missing.map((id) => (
            <li key={id}>{lines.find((line) => line.id === id)?.name ?? t.common.product(id)}</li>
          ))}
        </ul>
      </Callout>
    );
  }
  if (error instanceof ProblemError && error.kind === "order-cancelled") {
    return (
      <Callout kind="bad" title={t.checkout.cancelledTitle}>
        {t.checkout.cancelledText}
      </Callout>
    );
  }
  return <FailedAction error={error} title={t.checkout.refusedTitle} />;
}
