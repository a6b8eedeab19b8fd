import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { fetchProducts } from "@/api/inventory/list-products";
import type { Product } from "@/api/models";
import { Failure } from "@/components/failure";
import { MoreBelow } from "@/components/more-below";
import { Callout, EmptyState } from "@/components/notice";
import { Skeleton } from "@/components/skeleton";
import { useI18n } from "@/lib/i18n";

import styles from "./admin.module.css";
import { useProductActions } from "./product-actions";
import { ProductTable } from "./product-table";

// The API has no filter for low stock: the catalogue is looked through, up to here.
const PAGE = 500;
const MOST_PAGES = 4;
const SHOWN_AT_ONCE = 50;

interface LowStock {
  products: Product[];
  lookedThrough: number;
  isWhole: boolean;
}

/** Share of the threshold that is still there: what sorts the emptiest shelf to the front. */
function fill({ stock, low_stock_threshold: threshold }: Product): number {
  return threshold === 0 ? 1 : stock / threshold;
}

async function fetchLowStock(signal: AbortSignal): Promise<LowStock> {
  const products: Product[] = [];
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, next } = await fetchProducts({}, { limit: PAGE, after, signal });
    products.push(...items);
    after = next;
    if (after === null) break;
  }
  return {
    products: products
      .filter((product) => product.stock <= product.low_stock_threshold)
      .sort((one, other) => fill(one) - fill(other)),
    lookedThrough: products.length,
    isWhole: after === null,
  };
}

/** The products at or below their threshold. */
export function LowStockView() {
  const { t } = useI18n();
  const { dialog, start } = useProductActions();
  const [shown, setShown] = useState(SHOWN_AT_ONCE);
  const query = useQuery({
    queryKey: ["products", "low-stock"],
    queryFn: ({ signal }) => fetchLowStock(signal),
    refetchInterval: 15_000,
  });
  if (query.isPending) {
    return (
      <div role="status" aria-label={t.common.loading} className={styles.ghost}>
        <Skeleton />
        <Skeleton />
      </div>
    );
  }
  if (query.isError) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  const { products, isWhole, lookedThrough } = query.data;
  return (
    <>
      {!isWhole && <Callout kind="warn">{t.admin.lowPartial(lookedThrough)}</Callout>}
      {products.length === 0 ? (
        <EmptyState icon="check" title={t.admin.lowNone} />
      ) : (
        <>
          <p className={styles.about}>{t.admin.lowText}</p>
          <ProductTable
            products={products.slice(0, shown)}
            label={t.admin.lowStock}
            onAction={start}
          />
          {shown < products.length && (
            <MoreBelow
              key={shown}
              label={t.admin.showMore}
              onMore={() => {
                setShown(shown + SHOWN_AT_ONCE);
              }}
            />
          )}
        </>
      )}
      {dialog}
    </>
  );
}
