import type { ReactElement } from "react";

import styles from "./icon.module.css";

const SHAPES = {
  search: <path d="m20 20-4.6-4.6M17.5 10.75a6.75 6.75 0 1 1-13.5 0 6.75 6.75 0 0 1 13.5 0Z" />,
  cart: (
    <path d="M5 8h14l-1.2 10.2a2 2 0 0 1-2 1.8H8.2a2 2 0 0 1-2-1.8L5 8Zm4 3V7a3 3 0 0 1 6 0v4" />
  ),
  close: <path d="m6 6 12 12M18 6 6 18" />,
  plus: <path d="M12 5v14M5 12h14" />,
  minus: <path d="M5 12h14" />,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  sun: (
    <path d="M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4m0-12.8L17 7M7 17l-1.4 1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z" />
  ),
  moon: <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z" />,
  contrast: <path d="M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Zm0 0v17" />,
  person: (
    <path d="M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.6-3.8 3.6-6 7.5-6s6.9 2.2 7.5 6" />
  ),
  globe: (
    <path d="M3.5 12h17M12 3.5c2.3 2.4 3.5 5.2 3.5 8.5s-1.2 6.1-3.5 8.5c-2.3-2.4-3.5-5.2-3.5-8.5S9.7 5.9 12 3.5Zm0 0a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z" />
  ),
  receipt: (
    <path d="M6 3.5h12v17l-2.4-1.5-1.8 1.5-1.8-1.5-1.8 1.5-1.8-1.5L6 20.5v-17ZM9.5 8.5h5m-5 4h5" />
  ),
  sliders: <path d="M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5" />,
  gauge: <path d="M4.6 17a8.5 8.5 0 1 1 14.8 0M12 13l3.5-4.5" />,
  back: <path d="m14.5 6-6 6 6 6" />,
  forward: <path d="m9.5 6 6 6-6 6" />,
  trash: (
    <path d="M4.5 7h15M10 7V4.5h4V7m-7.5 0 .8 12a1.5 1.5 0 0 0 1.5 1.5h6.4a1.5 1.5 0 0 0 1.5-1.5l.8-12M10 11v5.5m4-5.5v5.5" />
  ),
  edit: (
    <path d="m14.5 6 3.5 3.5M4.5 19.5l.8-4.3L16.2 4.3a1.5 1.5 0 0 1 2.1 0l1.4 1.4a1.5 1.5 0 0 1 0 2.1L8.8 18.7l-4.3.8Z" />
  ),
  box: <path d="m4 8 8-4.5L20 8v8l-8 4.5L4 16V8Zm0 0 8 4.5m0 0L20 8m-8 4.5v8" />,
  warning: <path d="M12 4 2.8 19.5h18.4L12 4Zm0 6.5v4m0 2.5v.1" />,
  clock: <path d="M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Zm0 4V12l3 2" />,
  pause: <path d="M9 6v12m6-12v12" />,
  play: <path d="M8 5.5v13l10.5-6.5L8 5.5Z" />,
} satisfies Record<string, ReactElement>;

export type IconName = keyof typeof SHAPES;

/** A picture that only goes with a text: screen readers pass it by. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className={styles.icon} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}
