import { classNames } from "@/lib/class-names";
import { useI18n } from "@/lib/i18n";

import styles from "./stock-badge.module.css";

const FEW = 5;

/** The state of the stock in words: people need the number only where it is small. */
export function StockBadge({ stock, few = FEW }: { stock: number; few?: number }) {
  const { t } = useI18n();
  if (stock === 0)
    return <span className={classNames(styles.badge, styles.none)}>{t.stock.none}</span>;
  if (stock <= few) {
    return <span className={classNames(styles.badge, styles.few)}>{t.stock.left(stock)}</span>;
  }
  return <span className={classNames(styles.badge, styles.some)}>{t.stock.available}</span>;
}
