import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import { type Order, ORDER_STATUSES } from "@/api/models";
import { listOrders } from "@/api/orders/list-orders";
import { ButtonLink } from "@/components/button";
import { Failure } from "@/components/failure";
import { MoreBelow } from "@/components/more-below";
import { EmptyState } from "@/components/notice";
import { Skeleton } from "@/components/skeleton";
import { classNames } from "@/lib/class-names";
import { useI18n } from "@/lib/i18n";

import styles from "./order-history.module.css";
import { OrderStatusPill } from "./order-status";

/** The orders, newest first. Their state follows what happens to them. */
export function OrderHistory() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const status = ORDER_STATUSES.find((known) => known === params.get("status")) ?? null;
  const query = useInfiniteQuery(listOrders(status));
  const orders = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <nav className={styles.filter} aria-label={t.orders.filter}>
        {[null, ...ORDER_STATUSES].map((each) => (
          <Link
            key={each ?? "all"}
            to={each === null ? "/orders" : `/orders?status=${each}`}
            aria-current={each === status ? "page" : undefined}
          >
            {each === null ? t.orders.all : t.orders.statuses[each]}
          </Link>
        ))}
      </nav>
      {query.isPending ? (
        <div role="status" aria-label={t.common.loading} className={styles.orders}>
          {[1, 2, 3].map((each) => (
            <div key={each} className={classNames(styles.order, styles.ghost)}>
              <Skeleton width="short" />
              <Skeleton width="half" />
            </div>
          ))}
        </div>
      ) : query.isError && orders.length === 0 ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : orders.length === 0 ? (
        <EmptyState
          icon="receipt"
          title={t.orders.emptyTitle}
          action={
            <ButtonLink to="/" kind="primary">
              {t.common.backToShop}
            </ButtonLink>
          }
        >
          {status === null ? t.orders.empty : t.orders.emptyFilter}
        </EmptyState>
      ) : (
        <>
          <ul className={styles.orders}>
            {orders.map((order) => (
              <li key={order.id}>
                <Row order={order} />
              </li>
            ))}
          </ul>
          {query.hasNextPage && (
            <MoreBelow
              label={t.orders.more}
              isLoading={query.isFetchingNextPage}
              hasFailed={query.isFetchNextPageError}
              onMore={() => void query.fetchNextPage({ cancelRefetch: false })}
            />
          )}
        </>
      )}
    </>
  );
}

function Row({ order }: { order: Order }) {
  const { t, formats } = useI18n();
  const contents = order.items.map(
    (line) =>
      `${t.orders.quantity(line.quantity)} ${line.name ?? t.common.product(line.product_id)}`,
  );
  return (
    <Link to={`/orders/${String(order.id)}`} className={styles.order}>
      <span className={styles.head}>
        <strong>{t.orders.order(order.id)}</strong>
        <OrderStatusPill status={order.status} />
      </span>
      <span className={styles.contents}>{formats.list(contents)}</span>
      <span className={styles.foot}>
        <time dateTime={order.created_at}>{formats.dateTime(order.created_at)}</time>
        <span className={styles.total}>
          {order.total_price === null ? t.orders.unpriced : formats.money(order.total_price)}
        </span>
      </span>
    </Link>
  );
}
