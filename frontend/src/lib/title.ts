import { useEffect } from "react";

const SHOP = "ShopHub";

/** Names the page in the browser's tab, in its history, and to screen readers. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title === undefined ? SHOP : `${title} · ${SHOP}`;
  }, [title]);
}
