import { createContext, use } from "react";

/** Opens the cart beside the page. */
export const CartDrawerContext = createContext<() => void>(() => undefined);

export function useOpenCart(): () => void {
  return use(CartDrawerContext);
}
