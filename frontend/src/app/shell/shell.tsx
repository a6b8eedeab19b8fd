import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Outlet, useLocation } from "react-router";

import { Toaster } from "@/components/toast";
import { useI18n } from "@/lib/i18n";

import { Crash } from "../crash";
import { CartDrawerContext } from "./cart-drawer-context";
import { Footer } from "./footer";
import { Header } from "./header";
import { OfflineBar } from "./offline-bar";
import { useScroll } from "./scroll";
import styles from "./shell.module.css";

const loadDrawer = () => import("@/features/cart/cart-drawer");
const CartDrawer = lazy(loadDrawer);

/** What stays while pages change: header, footer, cart drawer, announcements. */
export function Shell() {
  const { t } = useI18n();
  const [isCartOpen, setCartOpen] = useState(false);
  const { pathname, key } = useLocation();
  useScroll();
  useFocusOnNavigation(pathname);

  return (
    <CartDrawerContext
      value={() => {
        setCartOpen(true);
      }}
    >
      <a className={styles.skip} href="#content">
        {t.shell.skip}
      </a>
      <Header
        onCart={() => {
          setCartOpen(true);
        }}
        onCartNear={() => void loadDrawer()}
      />
      <OfflineBar />
      <main id="content" tabIndex={-1} className={styles.main}>
        <Crash key={key}>
          <Suspense
            fallback={
              <p role="status" className={styles.wait}>
                <span className="visually-hidden">{t.common.loading}</span>
              </p>
            }
          >
            <Outlet />
          </Suspense>
        </Crash>
      </main>
      <Footer />
      {isCartOpen && (
        <Suspense>
          <CartDrawer
            onClose={() => {
              setCartOpen(false);
            }}
          />
        </Suspense>
      )}
      <Toaster />
    </CartDrawerContext>
  );
}

/** Moves the focus to the new page, as a browser does where pages are documents. */
function useFocusOnNavigation(pathname: string) {
  const before = useRef(pathname);
  useEffect(() => {
    if (pathname === before.current) return;
    // Who types a search that leads to the catalogue goes on typing; so do the admin's tabs.
    const isTyping = document.activeElement instanceof HTMLInputElement;
    const isSection = [pathname, before.current].every((path) => path.startsWith("/admin"));
    before.current = pathname;
    if (!isTyping && !isSection) {
      document.getElementById("content")?.focus({ preventScroll: true });
    }
  }, [pathname]);
}
