import { useState } from "react";

import type { Product } from "@/api/models";
import { Button } from "@/components/button";
import { Icon } from "@/components/icon";
import { QuantityStepper } from "@/components/quantity-stepper";
import { announce } from "@/components/toast";
import { type Messages, useI18n } from "@/lib/i18n";

import styles from "./add-to-cart.module.css";
import { addToCart, useCart } from "./cart";

/** Pieces of the product that can still be put into the cart. */
function useRoom(product: Product): number {
  const line = useCart().find((other) => other.id === product.id);
  return Math.max(0, product.stock - (line?.quantity ?? 0));
}

function add(product: Product, quantity: number, t: Messages, onView: () => void) {
  const outcome = addToCart(product, quantity);
  const view = { label: t.cart.view, run: onView };
  if (outcome === "full") announce(t.cart.tooMany, view);
  else if (outcome === "limited") announce(t.cart.addedMost(product.name), view);
  else announce(t.cart.added(product.name), view);
}

/** The small button on a product's card: one piece more. */
export function QuickAdd({ product, onView }: { product: Product; onView: () => void }) {
  const { t } = useI18n();
  const room = useRoom(product);
  // Counts presses, so that the mark appears anew with each.
  const [presses, setPresses] = useState(0);
  return (
    <button
      type="button"
      className={styles.quick}
      aria-label={t.cart.addNamed(product.name)}
      disabled={room < 1}
      onClick={() => {
        setPresses(presses + 1);
        add(product, 1, t, onView);
      }}
    >
      <Icon name="plus" />
      {presses > 0 && (
        <span key={presses} className={styles.done} aria-hidden="true">
          <Icon name="check" />
        </span>
      )}
    </button>
  );
}

/** Quantity and button of the product page. */
export function AddToCart({ product, onView }: { product: Product; onView: () => void }) {
  const { t } = useI18n();
  const room = useRoom(product);
  const [wanted, setWanted] = useState(1);
  const quantity = Math.min(wanted, Math.max(1, room));
  return (
    <div className={styles.row}>
      {room > 0 && (
        <QuantityStepper name={product.name} value={quantity} most={room} onChange={setWanted} />
      )}
      <Button
        kind="primary"
        size="large"
        disabled={room < 1}
        onClick={() => {
          add(product, quantity, t, onView);
          setWanted(1);
        }}
      >
        <Icon name="cart" />
        {product.stock === 0 ? t.stock.none : room < 1 ? t.cart.all : t.cart.add}
      </Button>
    </div>
  );
}
