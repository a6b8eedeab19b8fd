import { useState } from "react";

import { useI18n } from "@/lib/i18n";

import { Icon } from "./icon";
import styles from "./quantity-stepper.module.css";

/** A number of pieces from 1 to `most`, by buttons, arrow keys or typing. */
export function QuantityStepper({
  name,
  value,
  most,
  onChange,
  size = "normal",
}: {
  /** Of what: part of the labels. */
  name: string;
  value: number;
  most: number;
  onChange: (value: number) => void;
  size?: "small" | "normal";
}) {
  const { t } = useI18n();
  // What is being typed, which may be empty or too much for a moment.
  const [draft, setDraft] = useState<string | null>(null);

  function change(wanted: number) {
    const next = Math.min(Math.max(1, wanted), Math.max(1, most));
    if (next !== value) onChange(next);
  }

  function settle() {
    if (draft !== null && /^\d+$/.test(draft)) change(Number(draft));
    setDraft(null);
  }

  return (
    <div className={styles.stepper} data-size={size}>
      <button
        type="button"
        aria-label={t.cart.fewer(name)}
        disabled={value <= 1}
        onClick={() => {
          change(value - 1);
        }}
      >
        <Icon name="minus" size={16} />
      </button>
      <input
        aria-label={t.cart.quantityOf(name)}
        inputMode="numeric"
        role="spinbutton"
        aria-valuenow={value}
        aria-valuemin={1}
        aria-valuemax={Math.max(1, most)}
        value={draft ?? String(value)}
        onFocus={(event) => {
          event.currentTarget.select();
        }}
        onChange={(event) => {
          setDraft(event.currentTarget.value.replace(/\D/g, "").slice(0, 7));
        }}
        onBlur={settle}
        onKeyDown={(event) => {
          if (event.key === "ArrowUp") change(value + 1);
          else if (event.key === "ArrowDown") change(value - 1);
          else if (event.key === "Enter") settle();
          else return;
          event.preventDefault();
          setDraft(null);
        }}
      />
      <button
        type="button"
        aria-label={t.cart.moreOf(name)}
        disabled={value >= most}
        onClick={() => {
          change(value + 1);
        }}
      >
        <Icon name="plus" size={16} />
      </button>
    </div>
  );
}
