import * as Dialog from "@radix-ui/react-dialog";
import { type ReactNode, useState } from "react";

import { useI18n } from "@/lib/i18n";

import { Icon } from "./icon";
import styles from "./modal.module.css";

export interface ModalProps {
  title: string;
  /** What a screen reader says after the title, where the content does not speak for itself. */
  description?: string;
  /** Over the middle of the page, or along its right edge. */
  place?: "middle" | "side";
  onClose: () => void;
  children: ReactNode;
}

/**
 * A dialog that holds the page below it. It is shown for as long as it is rendered.
 *
 * Radix' overlay is left out on purpose: it locks scrolling with an inline style sheet, which the
 * content security policy refuses. `data-holds-page` does the same from base.css.
 */
export default function ModalDialog({
  title,
  description,
  place = "middle",
  onClose,
  children,
}: ModalProps) {
  const { t } = useI18n();
  const [opener] = useState(() => document.activeElement);
  return (
    <Dialog.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Dialog.Portal>
        <div className={styles.veil} data-holds-page />
        <Dialog.Content
          className={styles.modal}
          data-place={place}
          onCloseAutoFocus={(event) => {
            // Radix would look for a trigger of its own; and what opened it may be gone by now.
            event.preventDefault();
            const next = opener?.isConnected ? opener : document.getElementById("content");
            if (next instanceof HTMLElement) next.focus({ preventScroll: true });
          }}
          {...(description === undefined && { "aria-describedby": undefined })}
        >
          <header className={styles.header}>
            <Dialog.Title className={styles.title} dir="auto">
              {title}
            </Dialog.Title>
            <Dialog.Close className={styles.close} aria-label={t.common.close}>
              <Icon name="close" />
            </Dialog.Close>
          </header>
          {description !== undefined && (
            <Dialog.Description className={styles.description}>{description}</Dialog.Description>
          )}
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
