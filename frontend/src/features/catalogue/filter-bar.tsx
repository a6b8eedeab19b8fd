import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useRef } from "react";

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
      <Categories
        names={categories.map(({ name }) => name)}
        chosen={filters.category}
        onChoose={(category) => {
          change({ category });
        }}
      />
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

/**
 * The categories as a toolbar: one stop of the tab key, however many there are; the arrow keys go
 * from one to the next.
 */
function Categories({
  names,
  chosen,
  onChoose,
}: {
  names: readonly string[];
  chosen: string | undefined;
  onChoose: (name: string | null) => void;
}) {
  const { t } = useI18n();
  const bar = useRef<HTMLDivElement>(null);

  // The chosen one may lie beyond the edge: the bar goes there, and the page stays where it is.
  useEffect(() => {
    const chip = bar.current?.querySelector<HTMLElement>("[aria-pressed=true]");
    if (bar.current && chip) bar.current.scrollLeft = middleOf(chip) - middleOf(bar.current);
  }, [chosen, names.length]);

  return (
    <div
      ref={bar}
      className={styles.categories}
      role="toolbar"
      aria-label={t.catalogue.categories}
      onKeyDown={moveFocus}
    >
      {[undefined, ...names].map((name) => {
        const isOn = name === chosen;
        return (
          <button
            key={name ?? ""}
            type="button"
            className={styles.chip}
            dir="auto"
            aria-pressed={isOn}
            // A category that is chosen but empty by now is not among them.
            tabIndex={isOn || (name === undefined && !names.includes(chosen ?? "")) ? 0 : -1}
            onClick={() => {
              onChoose(isOn ? null : (name ?? null));
            }}
          >
            {name ?? t.catalogue.all}
          </button>
        );
      })}
    </div>
  );
}

function middleOf({ offsetLeft, offsetWidth }: HTMLElement): number {
  return offsetLeft + offsetWidth / 2;
}

function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const chips = [...event.currentTarget.querySelectorAll("button")];
  const at = chips.findIndex((chip) => chip === document.activeElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: chips.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  chips.at(to % chips.length)?.focus();
}
