import { NavLink, Route, Routes } from "react-router";

import { useI18n } from "@/lib/i18n";

import { ActivityView } from "./activity-view";
import styles from "./admin.module.css";
import { HealthStrip } from "./health-strip";
import { LowStockView } from "./low-stock-view";
import { ProductsView } from "./products-view";

/** Everything that is for whoever runs the shop. */
export function Admin() {
  const { t } = useI18n();
  return (
    <>
      <h1 className={styles.title}>{t.admin.title}</h1>
      <HealthStrip />
      <nav className={styles.tabs} aria-label={t.admin.sections}>
        <NavLink to="/admin" end>
          {t.admin.products}
        </NavLink>
        <NavLink to="/admin/low-stock">{t.admin.lowStock}</NavLink>
        <NavLink to="/admin/activity">{t.admin.activity}</NavLink>
      </nav>
      <Routes>
        <Route index element={<ProductsView />} />
        <Route path="low-stock" element={<LowStockView />} />
        <Route path="activity" element={<ActivityView />} />
      </Routes>
    </>
  );
}
