import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { useSearchParams } from "react-router";

import { listProducts } from "@/api/inventory/list-products";
import { Button } from "@/components/button";
import { Failure } from "@/components/failure";
import { Icon } from "@/components/icon";
import { MoreBelow } from "@/components/more-below";
import { EmptyState } from "@/components/notice";
import { Skeleton } from "@/components/skeleton";
import { useDebounced } from "@/lib/debounced";
import { useI18n } from "@/lib/i18n";

import styles from "./admin.module.css";
import { useProductActions } from "./product-actions";
import { ProductTable } from "./product-table";

const ProductCreator = lazy(async () => ({
  default: (await import("./product-editor")).ProductCreator,
}));

/** All products, with what changes them. */
export function ProductsView() {
  const { t } = useI18n();
  const [params, setParams] = useSearchParams();
  const q = params.get("q") ?? "";
  const settled = useDebounced(q, 180);
  const [isCreating, setCreating] = useState(false);
  const { dialog, start } = useProductActions();
  const query = useInfiniteQuery({
    ...listProducts(settled.trim() ? { q: settled.trim() } : {}, 50),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
  const products = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <div className={styles.tools}>
        <label className={styles.search}>
          <span className="visually-hidden">{t.admin.search}</span>
          <Icon name="search" size={18} />
          <input
            type="search"
            value={q}
            maxLength={200}
            placeholder={t.admin.search}
            onChange={(event) => {
              const text = event.currentTarget.value;
              setParams(text ? { q: text } : {}, { replace: true });
            }}
          />
        </label>
        <Button
          kind="primary"
          onClick={() => {
            setCreating(true);
          }}
        >
          <Icon name="plus" size={18} />
          {t.admin.create}
        </Button>
      </div>
      {query.isPending ? (
        <div role="status" aria-label={t.common.loading} className={styles.ghost}>
          <Skeleton />
          <Skeleton />
          <Skeleton />
        </div>
      ) : query.isError && products.length === 0 ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : products.length === 0 ? (
        <EmptyState icon="box" title={t.catalogue.emptyTitle}>
          {t.admin.empty}
        </EmptyState>
      ) : (
        <>
          <ProductTable products={products} label={t.admin.products} onAction={start} />
          {query.hasNextPage && (
            <MoreBelow
              label={t.admin.showMore}
              isLoading={query.isFetchingNextPage}
              hasFailed={query.isFetchNextPageError}
              onMore={() => void query.fetchNextPage({ cancelRefetch: false })}
            />
          )}
        </>
      )}
      {dialog}
      {isCreating && (
        <Suspense>
          <ProductCreator
            onClose={() => {
              setCreating(false);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
