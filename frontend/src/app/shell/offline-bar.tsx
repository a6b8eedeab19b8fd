import { useEffect, useRef } from "react";

import { Icon } from "@/components/icon";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";
import { useOnline } from "@/lib/online";

import styles from "./offline-bar.module.css";

/** Says that there is no network, and once more when it is back. */
export function OfflineBar() {
  const { t } = useI18n();
  const isOnline = useOnline();
  const wasOffline = useRef(false);
  useEffect(() => {
    if (isOnline && wasOffline.current) announce(t.shell.online);
    wasOffline.current = !isOnline;
  }, [isOnline, t]);
  return (
    <div role="status">
      {!isOnline && (
        <p className={styles.bar}>
          <Icon name="warning" size={18} />
          {t.shell.offline}
        </p>
      )}
    </div>
  );
}
