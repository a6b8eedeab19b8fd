import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { getProduct } from "@/api/inventory/get-product";
import type { Product } from "@/api/models";
import { Picture } from "@/components/picture";
import { StockBadge } from "@/components/stock-badge";
import { useI18n } from "@/lib/i18n";

import styles from "./product-card.module.css";

/** A product in a grid. `action` is what can be done with it at once. */
export function ProductCard({
  product,
  action,
  isFirst = false,
  level = 3,
}: {
  product: Product;
  action?: ReactNode;
  /** Whether it is on the first screen. */
  isFirst?: boolean;
  /** Of its heading: one below what the grid stands under. */
  level?: 2 | 3;
}) {
  const { formats } = useI18n();
  const queries = useQueryClient();
  const Heading = level === 2 ? "h2" : "h3";
  const { queryKey } = getProduct(product.id);
  return (
    <article className={styles.card} data-sold-out={product.stock === 0 || undefined}>
      <div className={styles.picture}>
        <Picture src={product.image_url} name="" size={320} isFirst={isFirst} />
      </div>
      <div className={styles.body}>
        <Heading className={styles.name} dir="auto">
          <Link
            to={`/products/${String(product.id)}`}
            onClick={() => {
              // The page shows at once what is known, and asks for what is current.
              queries.setQueryData(queryKey, (known) => known ?? product, { updatedAt: 1 });
            }}
          >
            {product.name}
          </Link>
        </Heading>
        <div className={styles.foot}>
          <div className={styles.about}>
            <p className={styles.price}>{formats.money(product.price)}</p>
            <StockBadge stock={product.stock} />
          </div>
          {action !== undefined && <div className={styles.action}>{action}</div>}
        </div>
      </div>
    </article>
  );
}
