import { useState } from "react";

import type { Product } from "@/api/models";

import { Deletion } from "./deletion";
import { ProductEditor } from "./product-editor";
import type { Action } from "./product-table";
import { Restock } from "./restock";

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
    dialog: dialog(),
    start: (action: Action, product: Product) => {
      setCurrent({ action, product });
    },
  };
}
