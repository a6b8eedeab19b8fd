import { useState } from "react";

import styles from "./picture.module.css";

/** Whether the content security policy lets the picture in: what it refuses is not asked for. */
function isAllowed(src: string): boolean {
  if (!URL.canParse(src, location.origin)) return false;
  const { origin, protocol } = new URL(src, location.origin);
  return origin === location.origin || protocol === "https:" || protocol === "data:";
}

/** A product's picture in a square that is there before the picture is: nothing moves. */
export function Picture({
  src,
  name,
  size,
  isFirst = false,
}: {
  src: string | null;
  /** Empty where the name stands beside it anyway. */
  name: string;
  /** Pixels of its edge, as shown. */
  size: number;
  /** Whether it is on the first screen, and worth loading before everything else. */
  isFirst?: boolean;
}) {
  const [broken, setBroken] = useState<string | null>(null);
  if (src === null || src === broken || !isAllowed(src)) {
    return (
      <svg
        className={styles.none}
        viewBox="0 0 24 24"
        role={name ? "img" : undefined}
        aria-label={name || undefined}
        aria-hidden={name ? undefined : true}
      >
        <path d="m6 9.5 6-3.2 6 3.2v6l-6 3.2-6-3.2v-6Zm0 0 6 3.2m0 0 6-3.2m-6 3.2v6" />
      </svg>
    );
  }
  return (
    <img
      className={styles.picture}
      src={src}
      alt={name}
      width={size}
      height={size}
      loading={isFirst ? "eager" : "lazy"}
      fetchPriority={isFirst ? "high" : "auto"}
      decoding={isFirst ? "sync" : "async"}
      onError={() => {
        setBroken(src);
      }}
    />
  );
}
