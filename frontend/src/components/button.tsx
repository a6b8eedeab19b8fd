import type { ComponentProps } from "react";
import { Link } from "react-router";

import { classNames } from "@/lib/class-names";

import styles from "./button.module.css";

interface Look {
  /** How much it asks to be pressed; one `primary` a view. */
  kind?: "primary" | "plain" | "quiet" | "danger";
  size?: "small" | "normal" | "large";
  wide?: boolean;
}

function look({ kind = "plain", size = "normal", wide = false }: Look): string {
  return classNames(styles.button, styles[kind], styles[size], wide && styles.wide);
}

/**
 * A button. While `busy` it stays in the order of focus, says so, and does nothing: a control that
 * vanishes under the finger is worse than one that waits.
 */
export function Button({
  kind,
  size,
  wide,
  busy = false,
  className,
  onClick,
  type = "button",
  ...rest
}: ComponentProps<"button"> & Look & { busy?: boolean }) {
  return (
    <button
      {...rest}
      type={type}
      className={classNames(
        look({ ...(kind && { kind }), ...(size && { size }), ...(wide && { wide }) }),
        className,
      )}
      aria-disabled={busy || undefined}
      data-busy={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}

/** A link that looks like a button: it leads somewhere and changes nothing. */
export function ButtonLink({
  kind,
  size,
  wide,
  className,
  ...rest
}: ComponentProps<typeof Link> & Look) {
  return (
    <Link
      {...rest}
      className={classNames(
        look({ ...(kind && { kind }), ...(size && { size }), ...(wide && { wide }) }),
        className,
      )}
    />
  );
}
