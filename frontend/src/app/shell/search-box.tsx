import { useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router";

import { Icon } from "@/components/icon";
import { readFilters, writeFilters } from "@/features/catalogue/filters";
import { useDebounced } from "@/lib/debounced";
import { useI18n } from "@/lib/i18n";

import styles from "./search-box.module.css";

const PAUSE_MS = 180;

/** Searches while somebody types; from any page it leads to the catalogue. */
export function SearchBox() {
  const { t } = useI18n();
  const { pathname, search } = useLocation();
  const navigate = useNavigate();
  const filters = readFilters(new URLSearchParams(search));
  const shown = pathname === "/" ? (filters.q ?? "") : "";
  // What is typed and has not reached the address; null where nothing is.
  const [typed, setTyped] = useState<string | null>(null);
  const settled = useDebounced(typed, PAUSE_MS);

  function go(q: string) {
    const isHere = pathname === "/";
    const { q: _, ...rest } = isHere ? filters : {};
    const words = q.trim();
    void navigate(`/${writeFilters({ ...rest, ...(words && { q: words }) })}`, {
      // The first letter is a step that "back" undoes; the following ones are not.
      replace: isHere && shown !== "",
    });
  }

  useEffect(() => {
    if (settled === null || settled !== typed) return;
    if (settled.trim() !== shown) go(settled);
    // Only what was typed moves the address: what it then says must not be typed back.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [settled, typed]);

  useEffect(() => {
    // Whoever leaves or goes back sees what the address says.
    setTyped(null);
  }, [pathname, filters.category]);

  const value = typed ?? shown;
  return (
    <search className={styles.search}>
      <form
        action="/"
        onSubmit={(event) => {
          event.preventDefault();
          go(value);
        }}
      >
        <Icon name="search" />
        <input
          type="search"
          name="q"
          value={value}
          maxLength={200}
          autoComplete="off"
          enterKeyHint="search"
          aria-label={t.search.label}
          placeholder={t.search.placeholder}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
          }}
          onBlur={() => {
            if (typed !== null && typed.trim() === shown) setTyped(null);
          }}
        />
        {value !== "" && (
          <button
            type="button"
            aria-label={t.search.clear}
            onClick={(event) => {
              setTyped(null);
              go("");
              event.currentTarget.form?.querySelector("input")?.focus();
            }}
          >
            <Icon name="close" size={16} />
          </button>
        )}
      </form>
    </search>
  );
}
