import { useParams } from "react-router";

import { AddToCart, QuickAdd } from "@/features/cart/add-to-cart";
import { ProductPage } from "@/features/catalogue/product-page";

import { idOf } from "../id-of";
import { useOpenCart } from "../shell/cart-drawer-context";
import NotFoundPage from "./not-found-page";

export default function Page() {
  const id = idOf(useParams().id);
  const openCart = useOpenCart();
  if (id === null) return <NotFoundPage />;
  return (
    <ProductPage
      key={id}
      id={id}
      buy={(product) => <AddToCart product={product} onView={openCart} />}
      action={(product) => <QuickAdd product={product} onView={openCart} />}
    />
  );
}
