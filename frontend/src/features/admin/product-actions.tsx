import { lazy, Suspense, useState } from "react";

import type { Product } from "@/api/models";

import type { Action } from "./product-table";

// Loaded with the first one that is opened: most visits only look.
const ProductEditor = lazy(async () => ({
  default: (await import("./product-editor")).ProductEditor,
}));
const Restock = lazy(async () => ({ default: (await import("./restock")).Restock }));
const Deletion = lazy(async () => ({ default: (await import("./deletion")).Deletion }));

/** What is being done to which product, and the dialog for it. */
export function useProductActions() {
  const [current, setCurrent] = useState<{ action: Action; product: Product } | null>(null);

  function close() {
    setCurrent(null);
  }

  function dialog() {
    if (current === null) return null;
    const { action, product } = current;
    if (action === "edit") {
      return <ProductEditor id={product.id} name={product.name} onClose={close} />;
    }
    if (action === "restock") return <Restock product={product} onClose={close} />;
    return <Deletion product={product} onClose={close} />;
  }

  return {
    dialog: <Suspense>{dialog()}</Suspense>,
    start: (action: Action, product: Product) => {
      setCurrent({ action, product });
    },
  };
}
