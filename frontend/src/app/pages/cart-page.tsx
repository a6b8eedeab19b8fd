import { ButtonLink } from "@/components/button";
import { EmptyState } from "@/components/notice";
import { useCart } from "@/features/cart/cart";
import { CartLines } from "@/features/cart/cart-lines";
import { CartSummary } from "@/features/cart/cart-summary";
import { useLiveLines } from "@/features/cart/live-lines";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import styles from "./pages.module.css";

export default function CartPage() {
  const { t } = useI18n();
  const lines = useLiveLines(useCart());
  useTitle(t.cart.title);
  if (lines.length === 0) {
    return (
      <EmptyState
        icon="cart"
        title={t.cart.emptyTitle}
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
  return (
    <>
      <h1 className={styles.title}>{t.cart.title}</h1>
      <div className={styles.columns}>
        <section className={styles.card} aria-label={t.cart.title}>
          <CartLines lines={lines} />
        </section>
        <aside className={styles.aside} aria-label={t.common.total}>
          <CartSummary lines={lines} />
          <ButtonLink to="/" kind="quiet" wide>
            {t.cart.keep}
          </ButtonLink>
        </aside>
      </div>
    </>
  );
}
