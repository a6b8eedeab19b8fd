import type { ReactNode } from "react";

import type { Product } from "@/api/models";
import { Callout } from "@/components/notice";
import { type Messages, useI18n } from "@/lib/i18n";

import styles from "./product-editor.module.css";
import { differences, type Draft, draftOf } from "./product-form";

/** What somebody else has stored meanwhile, beside what the draft says. */
export function ProductConflict({ draft, stored }: { draft: Draft; stored: Product }) {
  const { t } = useI18n();
  const theirs = draftOf(stored);
  return (
    <div className={styles.wide}>
      <Callout kind="bad" title={t.admin.conflictTitle}>
        <p>{t.admin.conflictText}</p>
        <table className={styles.conflict}>
          <thead>
            <tr>
              <th scope="col">{t.admin.conflictField}</th>
              <th scope="col">{t.admin.conflictTheirs}</th>
              <th scope="col">{t.admin.conflictYours}</th>
            </tr>
          </thead>
          <tbody>
            {differences(draft, stored).map((key) => (
              <tr key={key}>
                <th scope="row">{labelOf(key, t)}</th>
                <td>{shorten(theirs[key])}</td>
                <td>{shorten(draft[key])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Callout>
    </div>
  );
}

function labelOf(key: keyof Draft, t: Messages): ReactNode {
  return t.admin.fields[key];
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text || "–";
}
