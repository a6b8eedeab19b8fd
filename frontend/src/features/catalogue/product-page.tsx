import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { ProblemError } from "@/api/errors";
import { getProduct } from "@/api/inventory/get-product";
import { listProducts } from "@/api/inventory/list-products";
import type { Product } from "@/api/models";
import { ButtonLink } from "@/components/button";
import { Failure } from "@/components/failure";
import { Icon } from "@/components/icon";
import { EmptyState } from "@/components/notice";
import { Picture } from "@/components/picture";
import { Skeleton } from "@/components/skeleton";
import { StockBadge } from "@/components/stock-badge";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { writeFilters } from "./filters";
import { ProductGrid } from "./product-grid";
import styles from "./product-page.module.css";

const MOST_RELATED = 6;

/** One product. `buy` is how it gets into the cart, `action` what the related cards offer. */
export function ProductPage({
  id,
  buy,
  action,
}: {
  id: number;
  buy: (product: Product) => ReactNode;
  action: (product: Product) => ReactNode;
}) {
  const { t } = useI18n();
  const { data: product, error, refetch } = useQuery(getProduct(id));
  useTitle(product?.name);

  if (error instanceof ProblemError && error.status === 404) {
    return (
      <EmptyState
        icon="box"
        title={t.product.goneTitle}
        level={1}
        action={
          <ButtonLink to="/" kind="primary">
            {t.common.backToShop}
          </ButtonLink>
        }
      >
        {t.product.gone}
      </EmptyState>
    );
  }
  if (product === undefined) {
    return error ? <Failure error={error} onRetry={() => void refetch()} /> : <PageSkeleton />;
  }
  return (
    <>
      <Details product={product} buy={buy(product)} />
      {product.category !== null && (
        <Related product={product} category={product.category} action={action} />
      )}
    </>
  );
}

function Details({ product, buy }: { product: Product; buy: ReactNode }) {
  const { t, formats } = useI18n();
  return (
    <>
      <nav className={styles.path} aria-label={t.product.breadcrumb}>
        <Link to="/">{t.shell.catalogue}</Link>
        {product.category !== null && (
          <>
            <Icon name="forward" size={14} />
            <Link to={`/${writeFilters({ category: product.category })}`} dir="auto">
              {product.category}
            </Link>
          </>
        )}
      </nav>
      <article className={styles.product}>
        <div className={styles.picture}>
          <Picture src={product.image_url} name={product.name} size={640} isFirst />
        </div>
        <div className={styles.details}>
          <h1 className={styles.name} dir="auto">
            {product.name}
          </h1>
          <p className={styles.price}>{formats.money(product.price)}</p>
          <div className={styles.stock}>
            <div aria-live="polite">
              <StockBadge stock={product.stock} few={Math.max(5, product.low_stock_threshold)} />
            </div>
            <p>{t.product.checked}</p>
          </div>
          {buy}
          {product.description !== "" && (
            <section className={styles.about}>
              <h2>{t.product.about}</h2>
              <p dir="auto">{product.description}</p>
            </section>
          )}
        </div>
      </article>
    </>
  );
}

function Related({
  product,
  category,
  action,
}: {
  product: Product;
  category: string;
  action: (product: Product) => ReactNode;
}) {
  const { t } = useI18n();
  const { data } = useInfiniteQuery(listProducts({ category }, MOST_RELATED + 1));
  const others = (data?.pages[0]?.items ?? []).filter((other) => other.id !== product.id);
  if (others.length === 0) return null;
  return (
    <section className={styles.related}>
      <h2>{t.product.related}</h2>
      <ProductGrid products={others.slice(0, MOST_RELATED)} action={action} />
    </section>
  );
}

function PageSkeleton() {
  const { t } = useI18n();
  return (
    <div role="status" aria-label={t.common.loading}>
      <div className={styles.path}>
        <Skeleton width="half" />
      </div>
      <div className={styles.product}>
        <div className={styles.picture}>
          <Skeleton shape="square" />
        </div>
        <div className={styles.details}>
          <h1 className={styles.name}>
            <Skeleton />
          </h1>
          <Skeleton width="short" />
          <Skeleton />
          <Skeleton width="half" />
        </div>
      </div>
    </div>
  );
}
