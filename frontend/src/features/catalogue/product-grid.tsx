import type { ReactNode } from "react";

import type { Product } from "@/api/models";
import { Skeleton } from "@/components/skeleton";

import { ProductCard } from "./product-card";
import styles from "./product-grid.module.css";

const FIRST_SCREEN = 6;

export function ProductGrid({
  products,
  action,
  hasFirst = false,
  isStale = false,
}: {
  products: readonly Product[];
  action?: (product: Product) => ReactNode;
  /** Whether the grid is what its page is about, and begins on the first screen. */
  hasFirst?: boolean;
  /** Whether what is shown still belongs to the filters before. */
  isStale?: boolean;
}) {
  return (
    <ul className={styles.grid} data-stale={isStale || undefined}>
      {products.map((product, index) => (
        <li key={product.id}>
          <ProductCard
            product={product}
            action={action?.(product)}
            isFirst={hasFirst && index < FIRST_SCREEN}
            level={hasFirst ? 2 : 3}
          />
        </li>
      ))}
    </ul>
  );
}

/** The grid while nothing is known yet, in the proportions that it will have. */
export function GridSkeleton({ cards = 12 }: { cards?: number }) {
  return (
    <ul className={styles.grid} aria-hidden="true">
      {Array.from({ length: cards }, (_, index) => (
        <li key={index} className={styles.ghost}>
          <Skeleton shape="square" />
          <div className={styles.lines}>
            <Skeleton />
            <Skeleton width="half" />
            <Skeleton width="short" />
          </div>
        </li>
      ))}
    </ul>
  );
}
