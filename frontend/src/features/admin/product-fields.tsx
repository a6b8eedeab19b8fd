import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";

import { ProblemError } from "@/api/errors";
import { listCategories } from "@/api/inventory/list-categories";
import type { Product } from "@/api/models";
import { Button } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { Field, TextField } from "@/components/field";
import { ModalActions, ModalBody } from "@/components/modal";
import { Callout } from "@/components/notice";
import { useI18n } from "@/lib/i18n";

import { ProductConflict } from "./product-conflict";
import styles from "./product-editor.module.css";
import { type Draft, type Errors, errorsOf, read } from "./product-form";

type Edited = Extract<ReturnType<typeof read>, { product: unknown }>["product"];

/** The form of a product. `save` fails with the problem that is shown, at its fields where it names some. */
export function ProductFields({
  initial,
  needsStock = false,
  stockNow,
  conflict = null,
  save,
  onTake,
  onClose,
}: {
  initial: Draft;
  needsStock?: boolean;
  stockNow?: number;
  /** What is stored now, where somebody else changed it meanwhile. */
  conflict?: Product | null;
  save: (product: Edited, how: { isOver: boolean }) => Promise<void>;
  onTake?: () => void;
  onClose: () => void;
}) {
  const { t } = useI18n();
  const queries = useQueryClient();
  const { data: categories = [] } = useQuery(listCategories());
  const [draft, setDraft] = useState(initial);
  const [errors, setErrors] = useState<Errors>({});
  const form = useRef<HTMLFormElement>(null);
  const id = useId();

  const saving = useMutation({
    mutationFn: ({ product, isOver }: { product: Edited; isOver: boolean }) =>
      save(product, { isOver }),
    onSuccess: onClose,
    onError: (error) => {
      if (error instanceof ProblemError) setErrors(errorsOf(error.fields));
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["products"], predicate: isShown }),
        queries.invalidateQueries({ queryKey: ["categories"] }),
      ]),
  });

  function submit(isOver: boolean) {
    const outcome = read(draft, t, { needsStock });
    if ("errors" in outcome) {
      setErrors(outcome.errors);
      const first = Object.keys(initial).find((name) => name in outcome.errors);
      form.current?.querySelector<HTMLElement>(`[name="${first ?? ""}"]`)?.focus();
      return;
    }
    setErrors({});
    saving.mutate({ product: outcome.product, isOver });
  }

  function field(name: keyof Draft) {
    return {
      name,
      error: errors[name],
      value: draft[name],
      onChange: (event: { currentTarget: { value: string } }) => {
        setDraft({ ...draft, [name]: event.currentTarget.value });
      },
    };
  }

  const isConflict = conflict !== null && saving.isError;
  return (
    <>
      <ModalBody>
        <form
          ref={form}
          id={id}
          className={styles.form}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            submit(false);
          }}
        >
          {isConflict ? (
            <ProductConflict draft={draft} stored={conflict} />
          ) : saving.isError ? (
            <FailedAction error={saving.error} />
          ) : (
            Object.keys(errors).length > 0 && <Callout kind="bad">{t.admin.errors.summary}</Callout>
          )}
          <div className={styles.wide}>
            <TextField label={t.admin.fields.name} isRequired maxLength={200} {...field("name")} />
          </div>
          <TextField
            label={t.admin.fields.price}
            isRequired
            inputMode="decimal"
            {...field("price")}
          />
          <TextField
            label={t.admin.fields.category}
            maxLength={100}
            list={`${id}-categories`}
            {...field("category")}
          />
          <datalist id={`${id}-categories`}>
            {categories.map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <TextField
            label={needsStock ? t.admin.fields.stock : t.admin.fields.stockCount}
            hint={
              stockNow === undefined
                ? undefined
                : `${t.admin.restockNow(stockNow)}. ${t.admin.fields.stockHint}`
            }
            inputMode="numeric"
            {...field("stock")}
          />
          <TextField label={t.admin.fields.threshold} inputMode="numeric" {...field("threshold")} />
          <div className={styles.wide}>
            <TextField
              label={t.admin.fields.image}
              hint={t.admin.fields.imageHint}
              maxLength={2000}
              {...field("image")}
            />
          </div>
          <div className={styles.wide}>
            <Field label={t.admin.fields.description} error={errors.description}>
              {(control) => (
                <textarea
                  {...control}
                  name="description"
                  maxLength={10_000}
                  value={draft.description}
                  onChange={field("description").onChange}
                />
              )}
            </Field>
          </div>
        </form>
      </ModalBody>
      <ModalActions>
        {isConflict ? (
          <>
            <Button kind="quiet" onClick={onTake}>
              {t.admin.conflictTake}
            </Button>
            <Button
              kind="danger"
              busy={saving.isPending}
              onClick={() => {
                submit(true);
              }}
            >
              {t.admin.conflictKeep}
            </Button>
          </>
        ) : (
          <>
            <Button kind="quiet" onClick={onClose}>
              {t.common.cancel}
            </Button>
            <Button kind="primary" type="submit" form={id} busy={saving.isPending}>
              {saving.isPending ? t.admin.saving : t.admin.save}
            </Button>
          </>
        )}
      </ModalActions>
    </>
  );
}

/** Everything about products but the version that this editor started from. */
function isShown({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[1] !== "versioned";
}
