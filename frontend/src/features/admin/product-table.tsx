import type { Product } from "@/api/models";
import { Icon } from "@/components/icon";
import { Picture } from "@/components/picture";
import { StatusPill } from "@/components/status-pill";
import { useI18n } from "@/lib/i18n";

import styles from "./product-table.module.css";

export type Action = "edit" | "restock" | "delete";

/** Products, a row each, with what can be done to them. */
export function ProductTable({
  products,
  label,
  onAction,
}: {
  products: readonly Product[];
  label: string;
  onAction: (action: Action, product: Product) => void;
}) {
  const { t } = useI18n();
  return (
    <div className={styles.scroll} role="region" aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t.admin.columns.product}</th>
            <th scope="col">{t.admin.columns.category}</th>
            <th scope="col" className={styles.number}>
              {t.admin.columns.price}
            </th>
            <th scope="col" className={styles.number}>
              {t.admin.columns.stock}
            </th>
            <th scope="col" className={styles.number}>
              {t.admin.columns.threshold}
            </th>
            <th scope="col">{t.admin.columns.changed}</th>
            <th scope="col">
              <span className="visually-hidden">{t.admin.columns.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {products.map((product) => (
            <Row key={product.id} product={product} onAction={onAction} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  product,
  onAction,
}: {
  product: Product;
  onAction: (action: Action, product: Product) => void;
}) {
  const { t, formats } = useI18n();
  const actions = [
    { action: "edit", icon: "edit", label: t.admin.editNamed(product.name) },
    { action: "restock", icon: "box", label: t.admin.restockNamed(product.name) },
    { action: "delete", icon: "trash", label: t.admin.deleteNamed(product.name) },
  ] as const;
  return (
    <tr>
      <th scope="row">
        <span className={styles.product}>
          <span className={styles.picture}>
            <Picture src={product.image_url} name="" size={40} />
          </span>
          <span dir="auto">
            {product.name}
            <small>#{product.id}</small>
          </span>
        </span>
      </th>
      <td data-label={t.admin.columns.category} className={styles.category} dir="auto">
        {product.category ?? "–"}
      </td>
      <td data-label={t.admin.columns.price} className={styles.number}>
        {formats.money(product.price)}
      </td>
      <td data-label={t.admin.columns.stock} className={styles.number}>
        <StockLevel product={product} />
      </td>
      <td data-label={t.admin.columns.threshold} className={styles.number}>
        {formats.number(product.low_stock_threshold)}
      </td>
      <td data-label={t.admin.columns.changed}>
        <time dateTime={product.updated_at}>{formats.dateTime(product.updated_at)}</time>
      </td>
      <td className={styles.actions}>
        {actions.map(({ action, icon, label }) => (
          <button
            key={action}
            type="button"
            aria-label={label}
            title={label}
            onClick={() => {
              onAction(action, product);
            }}
          >
            <Icon name={icon} size={18} />
          </button>
        ))}
      </td>
    </tr>
  );
}

function StockLevel({ product }: { product: Product }) {
  const { formats } = useI18n();
  const text = formats.number(product.stock);
  if (product.stock === 0) return <StatusPill tone="bad">{text}</StatusPill>;
  if (product.stock <= product.low_stock_threshold)
    return <StatusPill tone="warn">{text}</StatusPill>;
  return text;
}
