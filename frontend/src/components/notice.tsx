import type { ReactNode } from "react";

import { classNames } from "@/lib/class-names";

import { Icon, type IconName } from "./icon";
import styles from "./notice.module.css";

/** A whole view that has nothing to show: what is the matter, and a way out. */
export function EmptyState({
  icon,
  title,
  children,
  action,
  level = 2,
}: {
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  level?: 1 | 2;
}) {
  const Heading = level === 1 ? "h1" : "h2";
  return (
    <div className={styles.empty}>
      <span className={styles.disc}>
        <Icon name={icon} size={30} />
      </span>
      <Heading className={styles.title}>{title}</Heading>
      {children !== undefined && <p className={styles.text}>{children}</p>}
      {action !== undefined && <div className={styles.actions}>{action}</div>}
    </div>
  );
}

/** A message within a view. `bad` and `warn` are spoken at once. */
export function Callout({
  kind,
  title,
  children,
  action,
}: {
  kind: "bad" | "warn" | "good" | "calm";
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  const isUrgent = kind === "bad" || kind === "warn";
  return (
    <div className={classNames(styles.callout, styles[kind])} role={isUrgent ? "alert" : "status"}>
      <Icon name={isUrgent ? "warning" : kind === "good" ? "check" : "clock"} />
      <div className={styles.content}>
        {title !== undefined && <p className={styles.strong}>{title}</p>}
        {children}
        {action !== undefined && <div className={styles.actions}>{action}</div>}
      </div>
    </div>
  );
}
