import { useI18n } from "@/lib/i18n";

import styles from "./footer.module.css";

export function Footer() {
  const { t } = useI18n();
  return (
    <footer className={styles.footer}>
      <div>
        <strong>ShopHub</strong>
        <p>{t.shell.footer}</p>
        <a href="/docs">{t.shell.apiDocs}</a>
      </div>
    </footer>
  );
}
