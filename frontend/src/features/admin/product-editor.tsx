import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useId, useRef, useState } from "react";

import { ProblemError } from "@/api/errors";
import { createProduct } from "@/api/inventory/create-product";
import { fetchVersioned, type Versioned } from "@/api/inventory/get-product";
import { listCategories } from "@/api/inventory/list-categories";
import { updateProduct } from "@/api/inventory/update-product";
import type { Product } from "@/api/models";
import { Button } from "@/components/button";
import { FailedAction, Failure } from "@/components/failure";
import { Field, TextField } from "@/components/field";
import { Modal, ModalActions, ModalBody } from "@/components/modal";
import { Callout } from "@/components/notice";
import { Skeleton } from "@/components/skeleton";
import { announce } from "@/components/toast";
import { type Messages, useI18n } from "@/lib/i18n";
import { randomId } from "@/lib/random-id";

import styles from "./product-editor.module.css";
import {
  differences,
  type Draft,
  draftOf,
  EMPTY,
  type Errors,
  errorsOf,
  read,
} from "./product-form";

/** A new product. */
export function ProductCreator({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  // The same until it is closed: saving again after a lost answer makes no second product.
  const [key] = useState(randomId);
  return (
    <Modal title={t.admin.createTitle} onClose={onClose}>
      <ProductFields
        initial={EMPTY}
        needsStock
        save={async (product) => {
          const created = await createProduct({ ...product, stock: product.stock ?? 0 }, key);
          announce(t.admin.created(created.name));
        }}
        onClose={onClose}
      />
    </Modal>
  );
}

/** An existing product, as it is now; saving fails where somebody else was faster. */
export function ProductEditor({
  id,
  name,
  onClose,
}: {
  id: number;
  name: string;
  onClose: () => void;
}) {
  const { t } = useI18n();
  const loaded = useQuery({
    queryKey: ["products", "versioned", id],
    queryFn: ({ signal }) => fetchVersioned(id, signal),
    // An answer that was kept would name a version that may be gone.
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  return (
    <Modal title={t.admin.editTitle(name)} onClose={onClose}>
      {loaded.isPending ? (
        <ModalBody>
          <div role="status" aria-label={t.common.loading}>
            <Skeleton />
            <Skeleton />
            <Skeleton width="half" />
          </div>
        </ModalBody>
      ) : loaded.isError ? (
        <Failure error={loaded.error} onRetry={() => void loaded.refetch()} />
      ) : (
        <Editing loaded={loaded.data} onClose={onClose} />
      )}
    </Modal>
  );
}

function Editing({ loaded, onClose }: { loaded: Versioned; onClose: () => void }) {
  const { t } = useI18n();
  const [base, setBase] = useState(loaded);
  const [theirs, setTheirs] = useState<Versioned | null>(null);
  // A form that takes over what is stored begins anew.
  const [round, setRound] = useState(0);
  return (
    <ProductFields
      key={round}
      initial={draftOf(base.product)}
      stockNow={base.product.stock}
      conflict={theirs?.product ?? null}
      save={async (product, { isOver }) => {
        const etag = isOver && theirs !== null ? theirs.etag : base.etag;
        try {
          const saved = await updateProduct(base.product.id, product, etag);
          announce(t.admin.saved(saved.name));
        } catch (error) {
          if (error instanceof ProblemError && error.status === 412) {
            setTheirs(await fetchVersioned(base.product.id));
          }
          throw error;
        }
      }}
      onTake={() => {
        if (theirs === null) return;
        setBase(theirs);
        setTheirs(null);
        setRound(round + 1);
      }}
      onClose={onClose}
    />
  );
}

type Edited = Extract<ReturnType<typeof read>, { product: unknown }>["product"];

function ProductFields({
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
            <Conflict draft={draft} stored={conflict} />
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

function Conflict({ draft, stored }: { draft: Draft; stored: Product }) {
  const { t } = useI18n();
  const theirs = draftOf(stored);
  return (
    <div className={styles.wide}>
      <Callout kind="bad" title={t.admin.conflictTitle}>
        <p>{t.admin.conflictText}</p>
        <table className={styles.conflict}>
          <thead>
            <tr>
              <th scope="col">{t.admin.conflictField}</th>
              <th scope="col">{t.admin.conflictTheirs}</th>
              <th scope="col">{t.admin.conflictYours}</th>
            </tr>
          </thead>
          <tbody>
            {differences(draft, stored).map((key) => (
              <tr key={key}>
                <th scope="row">{labelOf(key, t)}</th>
                <td>{shorten(theirs[key])}</td>
                <td>{shorten(draft[key])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Callout>
    </div>
  );
}

function labelOf(key: keyof Draft, t: Messages): ReactNode {
  return t.admin.fields[key];
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text || "–";
}
