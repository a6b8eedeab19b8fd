import { useEffect, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";

import { Icon } from "@/components/icon";
import { readFilters, writeFilters } from "@/features/catalogue/filters";
import { useI18n } from "@/lib/i18n";

import styles from "./search-box.module.css";

const PAUSE_MS = 180;

interface Typed {
  text: string;
  /** The search that the address has once this has reached it; null until it is sent there. */
  sent: string | null;
}

/** Searches while somebody types; from any page it leads to the catalogue. */
export function SearchBox() {
  const { t } = useI18n();
  const { pathname, search } = useLocation();
  const navigate = useNavigate();
  const [typed, setTyped] = useState<Typed | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const isHere = pathname === "/";
  const filters = readFilters(new URLSearchParams(search));
  const shown = isHere ? (filters.q ?? "") : "";
  // What is typed stays as it is typed, with its blanks, until the address says something else.
  const isTyped = typed !== null && (typed.sent === null || (isHere && typed.sent === shown));
  const value = isTyped ? typed.text : shown;

  function go(text: string) {
    clearTimeout(timer.current);
    const words = text.trim();
    setTyped({ text, sent: words });
    if (isHere && words === shown) return;
    const { q: _, ...rest } = isHere ? filters : {};
    void navigate(`/${writeFilters({ ...rest, ...(words && { q: words }) })}`, {
      // The first letter is a step that "back" undoes; the following ones are not.
      replace: isHere && shown !== "",
    });
  }

  // The pause is over after a later rendering: it has to start from that one's address.
  const latest = useRef(go);
  useEffect(() => {
    latest.current = go;
  });

  function type(text: string) {
    setTyped({ text, sent: null });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      latest.current(text);
    }, PAUSE_MS);
  }

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
            type(event.currentTarget.value);
          }}
        />
        {value !== "" && (
          <button
            type="button"
            aria-label={t.search.clear}
            onClick={(event) => {
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
