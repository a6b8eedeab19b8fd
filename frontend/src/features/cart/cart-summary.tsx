import { Button, ButtonLink } from "@/components/button";
import { Callout } from "@/components/notice";
import { useI18n } from "@/lib/i18n";

import { MOST_TOTAL, pieces, total } from "./cart";
import styles from "./cart-summary.module.css";
import { adjust, isShort, type LiveLine } from "./live-lines";

/** The total, exact to the cent, and the way to the checkout. */
export function CartSummary({ lines, onFollow }: { lines: LiveLine[]; onFollow?: () => void }) {
  const { t, formats } = useI18n();
  const sum = total(lines);
  const isBlocked = lines.some(isShort);
  return (
    <div className={styles.summary}>
      <dl className={styles.total} aria-live="polite">
        <dt>{t.cart.subtotal(pieces(lines))}</dt>
        <dd>{formats.money(sum)}</dd>
      </dl>
      {isBlocked ? (
        <Callout
          kind="warn"
          action={
            <Button
              onClick={() => {
                adjust(lines);
              }}
            >
              {t.cart.adjust}
            </Button>
          }
        >
          {t.cart.blocked}
        </Callout>
      ) : sum > MOST_TOTAL ? (
        <Callout kind="warn">{t.cart.tooMuch}</Callout>
      ) : (
        <ButtonLink to="/checkout" kind="primary" size="large" wide onClick={onFollow}>
          {t.cart.checkout}
        </ButtonLink>
      )}
    </div>
  );
}
