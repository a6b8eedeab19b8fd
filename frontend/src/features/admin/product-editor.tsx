import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ProblemError } from "@/api/errors";
import { createProduct } from "@/api/inventory/create-product";
import { fetchVersioned, type Versioned } from "@/api/inventory/get-product";
import { updateProduct } from "@/api/inventory/update-product";
import { Failure } from "@/components/failure";
import { Modal, ModalBody } from "@/components/modal";
import { Skeleton } from "@/components/skeleton";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";
import { randomId } from "@/lib/random-id";

import { draftOf, EMPTY } from "./product-form";
import { ProductFields } from "./product-fields";

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
