import { OrderHistory } from "@/features/orders/order-history";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import styles from "./pages.module.css";

export default function OrdersPage() {
  const { t } = useI18n();
  useTitle(t.orders.title);
  return (
    <div className={styles.narrow}>
      <h1 className={styles.title}>{t.orders.title}</h1>
      <OrderHistory />
    </div>
  );
}
