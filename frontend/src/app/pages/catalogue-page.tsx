import { useEffect } from "react";

import { QuickAdd } from "@/features/cart/add-to-cart";
import { Catalogue } from "@/features/catalogue/catalogue";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { loadLikely } from "../routes";
import { useOpenCart } from "../shell/cart-drawer-context";

export default function CataloguePage() {
  const { t } = useI18n();
  const openCart = useOpenCart();
  useTitle(t.catalogue.title);
  useEffect(() => {
    // Once this page has what it needs, the likely next ones are fetched.
    const timer = setTimeout(loadLikely, 2_500);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return <Catalogue action={(product) => <QuickAdd product={product} onView={openCart} />} />;
}
