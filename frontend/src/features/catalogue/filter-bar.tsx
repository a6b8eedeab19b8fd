import { useQuery } from "@tanstack/react-query";

import { listCategories } from "@/api/inventory/list-categories";
import { SORTS } from "@/api/inventory/list-products";
import { Icon } from "@/components/icon";
import { useI18n } from "@/lib/i18n";

import styles from "./filter-bar.module.css";
import type { Filters } from "./filters";

/** Categories, stock and order. Everything that is chosen here is in the address. */
export function FilterBar({ filters, change }: Filters) {
  const { t } = useI18n();
  const { data: categories = [] } = useQuery(listCategories());
  return (
    <div className={styles.bar}>
      <div className={styles.categories} role="group" aria-label={t.catalogue.categories}>
        <Chip
          isOn={filters.category === undefined}
          onPress={() => {
            change({ category: null });
          }}
        >
          {t.catalogue.all}
        </Chip>
        {categories.map(({ name }) => (
          <Chip
            key={name}
            isOn={filters.category === name}
            onPress={() => {
              change({ category: filters.category === name ? null : name });
            }}
          >
            {name}
          </Chip>
        ))}
      </div>
      <div className={styles.rest}>
        <label className={styles.toggle}>
          <input
            type="checkbox"
            checked={filters.inStock ?? false}
            onChange={(event) => {
              change({ inStock: event.currentTarget.checked });
            }}
          />
          {t.catalogue.inStock}
        </label>
        <label className={styles.sort}>
          <span className="visually-hidden">{t.catalogue.sort}</span>
          <Icon name="sliders" size={16} />
          <select
            value={filters.sort ?? "newest"}
            onChange={(event) => {
              const sort = SORTS.find((known) => known === event.currentTarget.value);
              if (sort) change({ sort });
            }}
          >
            {SORTS.map((sort) => (
              <option key={sort} value={sort}>
                {t.catalogue.sorts[sort]}
              </option>
            ))}
          </select>
        </label>
      </div>
    </div>
  );
}

function Chip({
  isOn,
  onPress,
  children,
}: {
  isOn: boolean;
  onPress: () => void;
  children: string;
}) {
  return (
    <button type="button" className={styles.chip} aria-pressed={isOn} dir="auto" onClick={onPress}>
      {children}
    </button>
  );
}
