import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";

import { receiveStock } from "@/api/inventory/receive-stock";
import type { Product } from "@/api/models";
import { Button } from "@/components/button";
import { FailedAction } from "@/components/failure";
import { TextField } from "@/components/field";
import { Modal, ModalActions, ModalBody } from "@/components/modal";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";
import { randomId } from "@/lib/random-id";

import { parseCount } from "./product-form";

/** Books pieces that arrived. */
export function Restock({ product, onClose }: { product: Product; onClose: () => void }) {
  const { t } = useI18n();
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const [error, setError] = useState<string>();
  const [key] = useState(randomId);
  const id = useId();
  const booking = useMutation({
    mutationFn: (quantity: number) =>
      receiveStock(product.id, quantity, `${key}-${String(quantity)}`),
    onSuccess: (now) => {
      announce(t.admin.restocked(now.name, now.stock));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["products"] }),
  });
  return (
    <Modal title={t.admin.restockTitle(product.name)} onClose={onClose}>
      <ModalBody>
        <form
          id={id}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            const quantity = parseCount(text, 1);
            setError(quantity === null ? t.admin.errors.arrived : undefined);
            if (quantity !== null && !booking.isPending) booking.mutate(quantity);
          }}
        >
          {booking.isError && <FailedAction error={booking.error} />}
          <TextField
            label={t.admin.fields.arrived}
            hint={t.admin.restockNow(product.stock)}
            error={error}
            isRequired
            inputMode="numeric"
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
            }}
          />
        </form>
      </ModalBody>
      <ModalActions>
        <Button kind="quiet" onClick={onClose}>
          {t.common.cancel}
        </Button>
        <Button kind="primary" type="submit" form={id} busy={booking.isPending}>
          {t.admin.restock}
        </Button>
      </ModalActions>
    </Modal>
  );
}
