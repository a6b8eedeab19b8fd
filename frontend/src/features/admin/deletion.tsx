import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ProblemError } from "@/api/errors";
import { deleteProduct } from "@/api/inventory/delete-product";
import type { Product } from "@/api/models";
import { Button } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { Modal, ModalActions } from "@/components/modal";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";

/** Asks before a product is taken out of the catalogue. */
export function Deletion({ product, onClose }: { product: Product; onClose: () => void }) {
  const { t } = useI18n();
  const queries = useQueryClient();
  const deleting = useMutation({
    mutationFn: async () => {
      try {
        await deleteProduct(product.id);
      } catch (error) {
        // Gone already: what was wanted holds.
        if (!(error instanceof ProblemError && error.status === 404)) throw error;
      }
    },
    onSuccess: () => {
      announce(t.admin.deleted(product.name));
      onClose();
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["products"] }),
        queries.invalidateQueries({ queryKey: ["categories"] }),
      ]),
  });
  return (
    <Modal
      title={t.admin.deleteTitle(product.name)}
      description={t.admin.deleteText}
      onClose={onClose}
    >
      {deleting.isError && <FailedAction error={deleting.error} />}
      <ModalActions>
        <Button kind="quiet" onClick={onClose}>
          {t.common.cancel}
        </Button>
        <Button
          kind="danger"
          busy={deleting.isPending}
          onClick={() => {
            deleting.mutate();
          }}
        >
          {t.admin.delete}
        </Button>
      </ModalActions>
    </Modal>
  );
}
