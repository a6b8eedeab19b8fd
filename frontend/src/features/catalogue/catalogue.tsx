import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { listProducts } from "@/api/inventory/list-products";
import type { Product } from "@/api/models";
import { Button, ButtonLink } from "@/components/button";
import { Failure } from "@/components/failure";
import { MoreBelow } from "@/components/more-below";
import { EmptyState } from "@/components/notice";
import { useI18n } from "@/lib/i18n";

import styles from "./catalogue.module.css";
import { FilterBar } from "./filter-bar";
import { type Filters, useFilters } from "./filters";
import { GridSkeleton, ProductGrid } from "./product-grid";

/** The shop's front: filters, and the products that pass them, more of them while scrolling. */
export function Catalogue({ action }: { action: (product: Product) => ReactNode }) {
  const { t } = useI18n();
  const filters = useFilters();
  const { q, category } = filters.filters;
  const hasFilters = Object.keys(filters.filters).length > 0;
  return (
    <div className={styles.catalogue}>
      {hasFilters ? (
        <h1 className={styles.title}>
          {q ? t.catalogue.resultsFor(q) : (category ?? t.catalogue.title)}
        </h1>
      ) : (
        <div className={styles.hero}>
          <h1>{t.catalogue.heroTitle}</h1>
          <p>{t.catalogue.heroText}</p>
        </div>
      )}
      <FilterBar {...filters} />
      <Results {...filters} action={action} />
    </div>
  );
}

function Results({
  filters,
  change,
  action,
}: Filters & { action: (product: Product) => ReactNode }) {
  const { t } = useI18n();
  const query = useInfiniteQuery({ ...listProducts(filters), placeholderData: keepPreviousData });
  const products = query.data?.pages.flatMap((page) => page.items) ?? [];

  if (query.isPending) {
    return (
      <div role="status" aria-label={t.common.loading}>
        <GridSkeleton />
      </div>
    );
  }
  if (query.isError && products.length === 0) {
    return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  }
  const isNarrowed = Object.keys(filters).some((name) => name !== "sort");
  if (products.length === 0 && !isNarrowed) {
    return (
      <EmptyState
        icon="box"
        title={t.catalogue.emptyShopTitle}
        action={
          <ButtonLink to="/admin" kind="primary">
            {t.catalogue.toAdmin}
          </ButtonLink>
        }
      >
        {t.catalogue.emptyShop}
      </EmptyState>
    );
  }
  if (products.length === 0) {
    return (
      <EmptyState
        icon="search"
        title={t.catalogue.emptyTitle}
        action={
          <Button
            kind="primary"
            onClick={() => {
              change({ q: "", category: null, inStock: false });
            }}
          >
            {t.catalogue.clear}
          </Button>
        }
      >
        {filters.q ? t.catalogue.emptySearch(filters.q) : t.catalogue.emptyFilter}
      </EmptyState>
    );
  }
  return (
    <>
      <p className="visually-hidden" role="status">
        {t.catalogue.shown(products.length, query.hasNextPage)}
      </p>
      <ProductGrid products={products} action={action} hasFirst isStale={query.isPlaceholderData} />
      {query.hasNextPage ? (
        <MoreBelow
          label={query.isFetchNextPageError ? t.common.retry : t.catalogue.more}
          isLoading={query.isFetchingNextPage}
          hasFailed={query.isFetchNextPageError}
          onMore={() => void query.fetchNextPage({ cancelRefetch: false })}
        />
      ) : (
        <p className={styles.end}>{t.catalogue.end}</p>
      )}
    </>
  );
}
