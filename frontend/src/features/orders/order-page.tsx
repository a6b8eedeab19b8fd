import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";

import { ProblemError } from "@/api/errors";
import type { OrderWithTimeline } from "@/api/models";
import { cancelOrder } from "@/api/orders/cancel-order";
import { getOrder } from "@/api/orders/get-order";
import { Button, ButtonLink } from "@/components/button";
import { FailedAction, Failure } from "@/components/failure";
import { Icon } from "@/components/icon";
import { Modal, ModalActions } from "@/components/modal";
import { Callout, EmptyState } from "@/components/notice";
import { Skeleton } from "@/components/skeleton";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";
import { times } from "@/lib/money";

import styles from "./order-page.module.css";
import { OrderStatusPill } from "./order-status";

/** One order with its life. `again` is how its lines get into the cart once more. */
export function OrderPage({
  id,
  isNew,
  again,
}: {
  id: number;
  /** Whether it was placed a moment ago. */
  isNew: boolean;
  again: (order: OrderWithTimeline) => ReactNode;
}) {
  const { t } = useI18n();
  const { data: order, error, refetch } = useQuery(getOrder(id));

  if (error instanceof ProblemError && error.status === 404) {
    return (
      <EmptyState
        icon="receipt"
        title={t.orders.notFoundTitle}
        level={1}
        action={
          <ButtonLink to="/orders" kind="primary">
            {t.shell.orders}
          </ButtonLink>
        }
      >
        {t.orders.notFound}
      </EmptyState>
    );
  }
  if (order === undefined) {
    return error ? (
      <Failure error={error} onRetry={() => void refetch()} />
    ) : (
      <div role="status" aria-label={t.common.loading} className={styles.page}>
        <h1>{t.orders.order(id)}</h1>
        <Skeleton width="half" />
        <Skeleton />
        <Skeleton />
      </div>
    );
  }
  return (
    <div className={styles.page}>
      {isNew && order.status === "confirmed" && (
        <Callout kind="good" title={t.checkout.doneTitle}>
          {t.checkout.done(id)}
        </Callout>
      )}
      <header className={styles.header}>
        <div>
          <Link to="/orders" className={styles.back}>
            <Icon name="back" size={16} />
            {t.orders.title}
          </Link>
          <h1>{t.orders.order(id)}</h1>
        </div>
        <span aria-live="polite">
          <OrderStatusPill status={order.status} />
        </span>
      </header>
      <div className={styles.columns}>
        <Contents order={order} />
        <div className={styles.side}>
          <Timeline order={order} />
          <div className={styles.actions}>
            {(order.status === "confirmed" || order.status === "pending") && <Cancel id={id} />}
            {again(order)}
          </div>
        </div>
      </div>
    </div>
  );
}

function Contents({ order }: { order: OrderWithTimeline }) {
  const { t, formats } = useI18n();
  return (
    <section className={styles.card} aria-labelledby="contents">
      <h2 id="contents">{t.orders.lines}</h2>
      <ul className={styles.lines}>
        {order.items.map((line) => (
          <li key={line.product_id}>
            <span className={styles.quantity}>{t.orders.quantity(line.quantity)}</span>
            <Link to={`/products/${String(line.product_id)}`} dir="auto">
              {line.name ?? t.common.product(line.product_id)}
            </Link>
            {line.unit_price !== null && (
              <span className={styles.price}>
                {formats.money(times(line.unit_price, line.quantity))}
                {line.quantity > 1 && <small>{t.cart.each(formats.money(line.unit_price))}</small>}
              </span>
            )}
          </li>
        ))}
      </ul>
      <dl className={styles.total}>
        <dt>{t.common.total}</dt>
        <dd>{order.total_price === null ? t.orders.unpriced : formats.money(order.total_price)}</dd>
      </dl>
    </section>
  );
}

function Timeline({ order }: { order: OrderWithTimeline }) {
  const { t, formats } = useI18n();
  return (
    <section className={styles.card} aria-labelledby="timeline">
      <h2 id="timeline">{t.orders.timeline}</h2>
      <ol className={styles.timeline}>
        {order.timeline.map((entry) => (
          <li key={entry.status} data-step={entry.status}>
            <p>
              {entry.status === "cancelled" && order.cancelled_by !== null
                ? t.orders.cancelledBy[order.cancelled_by]
                : t.orders.steps[entry.status]}
            </p>
            <time dateTime={entry.at}>
              {formats.date(entry.at)}, {formats.time(entry.at)}
            </time>
          </li>
        ))}
      </ol>
      {order.rejection?.detail !== undefined && (
        <Callout kind="bad" title={t.orders.reason}>
          {order.rejection.detail}
        </Callout>
      )}
      {order.status === "pending" && <p className={styles.live}>{t.orders.live}</p>}
    </section>
  );
}

function Cancel({ id }: { id: number }) {
  const { t } = useI18n();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const cancelling = useMutation({
    mutationFn: () => cancelOrder(id),
    onSuccess: () => {
      setAsking(false);
      announce(t.orders.cancelled(id));
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["orders"] }),
        queries.invalidateQueries({ queryKey: ["products"] }),
      ]),
  });
  return (
    <>
      <Button
        kind="danger"
        onClick={() => {
          cancelling.reset();
          setAsking(true);
        }}
      >
        {t.orders.cancel}
      </Button>
      {isAsking && (
        <Modal
          title={t.orders.cancelTitle(id)}
          description={t.orders.cancelText}
          onClose={() => {
            setAsking(false);
          }}
        >
          {cancelling.isError && <FailedAction error={cancelling.error} />}
          <ModalActions>
            <Button
              kind="quiet"
              onClick={() => {
                setAsking(false);
              }}
            >
              {t.orders.cancelKeep}
            </Button>
            <Button
              kind="danger"
              busy={cancelling.isPending}
              onClick={() => {
                cancelling.mutate();
              }}
            >
              {t.orders.cancel}
            </Button>
          </ModalActions>
        </Modal>
      )}
    </>
  );
}
