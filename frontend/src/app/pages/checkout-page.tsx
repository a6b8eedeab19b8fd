import { useState } from "react";
import { useNavigate } from "react-router";

import { ButtonLink } from "@/components/button";
import { EmptyState } from "@/components/notice";
import { MOST_TOTAL, setQuantity, takeOut, total, useCart } from "@/features/cart/cart";
import { CartLines } from "@/features/cart/cart-lines";
import { isShort, useLiveLines } from "@/features/cart/live-lines";
import { Checkout } from "@/features/checkout/checkout";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import styles from "./pages.module.css";

export default function CheckoutPage() {
  const { t } = useI18n();
  const navigate = useNavigate();
  const lines = useLiveLines(useCart());
  const [isDone, setDone] = useState(false);
  useTitle(t.checkout.title);
  // The cart empties a moment before the page changes.
  if (lines.length === 0 && isDone) return null;
  if (lines.length === 0) {
    return (
      <EmptyState
        icon="cart"
        title={t.checkout.emptyTitle}
        level={1}
        action={
          <ButtonLink to="/" kind="primary">
            {t.common.backToShop}
          </ButtonLink>
        }
      >
        {t.cart.empty}
      </EmptyState>
    );
  }
  const sum = total(lines);
  return (
    <>
      <h1 className={styles.title}>{t.checkout.title}</h1>
      <Checkout
        lines={lines}
        total={sum}
        obstacle={lines.some(isShort) ? t.cart.blocked : sum > MOST_TOTAL ? t.cart.tooMuch : null}
        review={<CartLines lines={lines} />}
        onPlaced={(order) => {
          setDone(true);
          takeOut(order.items);
          void navigate(`/orders/${String(order.id)}`, { replace: true, state: { isNew: true } });
        }}
        onAdjust={(quantities) => {
          for (const { id, quantity } of quantities) setQuantity(id, quantity);
        }}
      />
    </>
  );
}
