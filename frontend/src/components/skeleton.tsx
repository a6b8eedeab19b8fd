import { classNames } from "@/lib/class-names";

import styles from "./skeleton.module.css";

/** Holds the place of a line or a picture that is on its way. */
export function Skeleton({
  shape = "line",
  width,
}: {
  shape?: "line" | "square";
  width?: "short" | "half";
}) {
  return (
    <span
      className={classNames(styles.skeleton, styles[shape], width && styles[width])}
      aria-hidden="true"
    />
  );
}
