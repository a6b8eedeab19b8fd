import { useQueryClient } from "@tanstack/react-query";
import { useLocation, useParams } from "react-router";

import { getProduct } from "@/api/inventory/get-product";
import type { OrderWithTimeline } from "@/api/models";
import { Button } from "@/components/button";
import { announce } from "@/components/toast";
import { addToCart } from "@/features/cart/cart";
import { OrderPage } from "@/features/orders/order-page";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { idOf } from "../id-of";
import { useOpenCart } from "../shell/cart-drawer-context";
import NotFoundPage from "./not-found-page";

export default function Page() {
  const { t } = useI18n();
  const id = idOf(useParams().id);
  const location = useLocation();
  const state = location.state as { isNew?: boolean } | null;
  useTitle(id === null ? undefined : t.orders.order(id));
  if (id === null) return <NotFoundPage />;
  return (
    <OrderPage
      id={id}
      isNew={state?.isNew === true}
      again={(order) => <OrderAgain order={order} />}
    />
  );
}

/** Puts the order's lines into the cart, as far as they are still sold. */
function OrderAgain({ order }: { order: OrderWithTimeline }) {
  const { t } = useI18n();
  const queries = useQueryClient();
  const openCart = useOpenCart();

  async function add() {
    const answers = await Promise.allSettled(
      order.items.map((line) => queries.query(getProduct(line.product_id))),
    );
    const sold = answers.flatMap((answer, index) => {
      const quantity = order.items[index]?.quantity ?? 0;
      return answer.status === "fulfilled" && answer.value.stock > 0
        ? [{ product: answer.value, quantity }]
        : [];
    });
    for (const { product, quantity } of sold) addToCart(product, quantity);
    if (sold.length === 0) announce(t.orders.noneAgain);
    else openCart();
  }

  return <Button onClick={() => void add()}>{t.orders.again}</Button>;
}
