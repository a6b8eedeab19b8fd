import { lazy } from "react";
import { Route, Routes } from "react-router";

import { Only } from "./only";
import CataloguePage from "./pages/catalogue-page";
import { Shell } from "./shell/shell";

/** The pages by name; each is loaded when it is needed, or when a link to it is touched. */
const load = {
  product: () => import("./pages/product-page"),
  cart: () => import("./pages/cart-page"),
  checkout: () => import("./pages/checkout-page"),
  orders: () => import("./pages/orders-page"),
  order: () => import("./pages/order-page"),
  admin: () => import("./pages/admin-page"),
  signIn: () => import("./pages/sign-in-page"),
  register: () => import("./pages/register-page"),
  account: () => import("./pages/account-page"),
  notFound: () => import("./pages/not-found-page"),
};

const ProductPage = lazy(load.product);
const CartPage = lazy(load.cart);
const CheckoutPage = lazy(load.checkout);
const OrdersPage = lazy(load.orders);
const OrderPage = lazy(load.order);
const AdminPage = lazy(load.admin);
const SignInPage = lazy(load.signIn);
const RegisterPage = lazy(load.register);
const AccountPage = lazy(load.account);
const NotFoundPage = lazy(load.notFound);

/** Loads the code of the pages that a visitor is likely to open next. */
export function loadLikely(): void {
  for (const page of [load.product, load.cart, load.checkout]) void page().catch(() => undefined);
}

export function Pages() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<CataloguePage />} />
        <Route path="products/:id" element={<ProductPage />} />
        <Route path="cart" element={<CartPage />} />
        <Route path="sign-in" element={<SignInPage />} />
        <Route path="register" element={<RegisterPage />} />
        <Route element={<Only for="customer" />}>
          <Route path="checkout" element={<CheckoutPage />} />
          <Route path="orders" element={<OrdersPage />} />
          <Route path="orders/:id" element={<OrderPage />} />
          <Route path="account" element={<AccountPage />} />
        </Route>
        <Route element={<Only for="admin" />}>
          <Route path="admin/*" element={<AdminPage />} />
        </Route>
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}
