import { type ComponentProps, type ReactNode, useId } from "react";

import { useI18n } from "@/lib/i18n";

import styles from "./field.module.css";

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  isRequired?: boolean;
  children: (control: {
    id: string;
    className: string | undefined;
    "aria-invalid": boolean | undefined;
    "aria-describedby": string | undefined;
    required: boolean;
  }) => ReactNode;
}

/** A control with its label, and what is wrong with it where a screen reader finds it. */
export function Field({ label, hint, error, isRequired = false, children }: FieldProps) {
  const { t } = useI18n();
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
        {isRequired && <span className={styles.required}> ({t.common.required})</span>}
      </label>
      {children({
        id,
        className: styles.control,
        "aria-invalid": error !== undefined || undefined,
        "aria-describedby": described || undefined,
        required: isRequired,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
}

/** A field of one line. */
export function TextField({
  label,
  hint,
  error,
  isRequired,
  ...rest
}: Omit<FieldProps, "children"> & ComponentProps<"input">) {
  return (
    <Field label={label} hint={hint} error={error} {...(isRequired && { isRequired })}>
      {(control) => <input {...rest} {...control} />}
    </Field>
  );
}
