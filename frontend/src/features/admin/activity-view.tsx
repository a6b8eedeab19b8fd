import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router";

import type { Notification } from "@/api/models";
import { listNotifications } from "@/api/notifications/list-notifications";
import { Button } from "@/components/button";
import { Failure } from "@/components/failure";
import { Icon, type IconName } from "@/components/icon";
import { EmptyState } from "@/components/notice";
import { Skeleton } from "@/components/skeleton";
import { StatusPill } from "@/components/status-pill";
import { useI18n } from "@/lib/i18n";

import styles from "./admin.module.css";

/** What has just happened in the shop, as its notifications tell it. */
export function ActivityView() {
  const { t } = useI18n();
  const [isPaused, setPaused] = useState(false);
  const query = useQuery(listNotifications({ isPaused }));
  const now = useNow();
  const notifications = query.data?.items ?? [];
  return (
    <>
      <div className={styles.tools}>
        <StatusPill tone={isPaused ? "neutral" : "good"} isLive={!isPaused}>
          {isPaused ? t.admin.feedPaused : t.admin.feed}
        </StatusPill>
        <Button
          size="small"
          onClick={() => {
            setPaused(!isPaused);
          }}
        >
          <Icon name={isPaused ? "play" : "pause"} size={16} />
          {isPaused ? t.admin.resume : t.admin.pause}
        </Button>
      </div>
      {query.isPending ? (
        <div role="status" aria-label={t.common.loading} className={styles.ghost}>
          <Skeleton />
          <Skeleton />
        </div>
      ) : query.isError && notifications.length === 0 ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : notifications.length === 0 ? (
        <EmptyState icon="clock" title={t.admin.feedEmpty} />
      ) : (
        <ol className={styles.feed}>
          {notifications.map((notification) => (
            <Entry key={notification.id} notification={notification} now={now} />
          ))}
        </ol>
      )}
    </>
  );
}

// The stored titles begin with a pictograph and are English; the type says the same in any language.
const ICONS: Record<Notification["type"], IconName> = {
  "product.created": "plus",
  "product.updated": "edit",
  "product.stock_low": "warning",
  "product.deleted": "trash",
  "order.created": "receipt",
  "order.rejected": "close",
  "order.cancelled": "back",
};

function Entry({ notification, now }: { notification: Notification; now: number }) {
  const { t, formats } = useI18n();
  return (
    <li className={styles.entry} data-type={notification.type}>
      <span className={styles.entryIcon}>
        <Icon name={ICONS[notification.type]} size={18} />
      </span>
      <div className={styles.entryText}>
        <p className={styles.entryTitle}>{t.admin.happened[notification.type]}</p>
        <p dir="auto">
          <Link to={`/${notification.subject}`}>{notification.message}</Link>
        </p>
      </div>
      <div className={styles.entryMeta}>
        <time dateTime={notification.created_at} title={formats.dateTime(notification.created_at)}>
          {formats.ago(notification.created_at, now)}
        </time>
        <span>{notification.delivered_at === null ? t.admin.waiting : t.admin.delivered}</span>
      </div>
    </li>
  );
}

/** The time, each five seconds anew. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 5_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return now;
}
