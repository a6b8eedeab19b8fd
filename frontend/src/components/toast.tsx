import { useEffect, useState, useSyncExternalStore } from "react";

import { useI18n } from "@/lib/i18n";

import { Icon } from "./icon";
import styles from "./toast.module.css";

interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6_000;
let current: Toast | null = null;
let last = 0;
const listeners = new Set<() => void>();

function show(toast: Toast | null) {
  current = toast;
  for (const listener of listeners) listener();
}

/** Says something in passing, on the screen and to screen readers; it replaces what was said. */
export function announce(text: string, action?: Toast["action"]): void {
  last += 1;
  show({ id: last, text, ...(action && { action }) });
}

/** Takes back what was said: what it told of is on the screen now. */
export function hush(): void {
  if (current !== null) show(null);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Where announcements appear. The live region is there before they are, or nobody would hear. */
export function Toaster() {
  const { t } = useI18n();
  const toast = useSyncExternalStore(subscribe, () => current);
  const [isHeld, setHeld] = useState(false);

  useEffect(() => {
    if (toast === null || isHeld) return undefined;
    const timer = setTimeout(() => {
      show(null);
    }, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [toast, isHeld]);

  return (
    <section aria-label={t.shell.notifications} className={styles.place}>
      <div role="status" aria-live="polite">
        {toast !== null && (
          // It does not vanish under the pointer or the focus; nothing else happens there.
          // eslint-disable-next-line jsx-a11y/no-static-element-interactions
          <div
            key={toast.id}
            className={styles.toast}
            onPointerEnter={() => {
              setHeld(true);
            }}
            onPointerLeave={() => {
              setHeld(false);
            }}
            onFocus={() => {
              setHeld(true);
            }}
            onBlur={() => {
              setHeld(false);
            }}
          >
            <span>{toast.text}</span>
            {toast.action && (
              <button
                type="button"
                onClick={() => {
                  toast.action?.run();
                  if (current === toast) show(null);
                }}
              >
                {toast.action.label}
              </button>
            )}
            <button
              type="button"
              aria-label={t.shell.dismiss}
              onClick={() => {
                show(null);
              }}
            >
              <Icon name="close" size={16} />
            </button>
          </div>
        )}
      </div>
    </section>
  );
}
