import { lazy, type ReactNode, Suspense } from "react";

import styles from "./modal.module.css";
import type { ModalProps } from "./modal-dialog";

const ModalDialog = lazy(() => import("./modal-dialog"));

/** A dialog that holds the page below it. Its code loads when the first one is shown. */
export function Modal(props: ModalProps) {
  return (
    <Suspense>
      <ModalDialog {...props} />
    </Suspense>
  );
}

/** The part of a dialog that scrolls. */
export function ModalBody({ children }: { children: ReactNode }) {
  return <div className={styles.body}>{children}</div>;
}

/** The part of a dialog that stays at its end, with what can be done. */
export function ModalActions({ children }: { children: ReactNode }) {
  return <footer className={styles.actions}>{children}</footer>;
}
