import { useEffect } from "react";

import { ButtonLink } from "@/components/button";
import { Modal, ModalBody } from "@/components/modal";
import { EmptyState } from "@/components/notice";
import { hush } from "@/components/toast";
import { useI18n } from "@/lib/i18n";

import { useCart } from "./cart";
import styles from "./cart-drawer.module.css";
import { CartLines } from "./cart-lines";
import { CartSummary } from "./cart-summary";
import { useLiveLines } from "./live-lines";

/** The cart beside the page, for as long as it is rendered. */
export default function CartDrawer({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const lines = useLiveLines(useCart());
  useEffect(hush, []);
  return (
    <Modal title={t.cart.title} place="side" onClose={onClose}>
      <ModalBody>
        {lines.length === 0 ? (
          <EmptyState icon="cart" title={t.cart.emptyTitle}>
            {t.cart.empty}
          </EmptyState>
        ) : (
          <CartLines lines={lines} onFollow={onClose} />
        )}
      </ModalBody>
      {lines.length > 0 && (
        <footer className={styles.footer}>
          <CartSummary lines={lines} onFollow={onClose} />
          <ButtonLink to="/cart" kind="quiet" wide onClick={onClose}>
            {t.cart.view}
          </ButtonLink>
        </footer>
      )}
    </Modal>
  );
}
