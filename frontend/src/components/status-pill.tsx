import type { ReactNode } from "react";

import { classNames } from "@/lib/class-names";

import styles from "./status-pill.module.css";

export type Tone = "good" | "warn" | "bad" | "calm" | "neutral";

/** A state in a word. Its colour repeats what the word says. */
export function StatusPill({
  tone,
  isLive = false,
  children,
}: {
  tone: Tone;
  isLive?: boolean;
  children: ReactNode;
}) {
  return (
    <span className={classNames(styles.pill, styles[tone], isLive && styles.live)}>{children}</span>
  );
}
