import { Link, NavLink, useLocation } from "react-router";

import type { Account } from "@/api/models";
import { Icon } from "@/components/icon";
import { pieces, useCart } from "@/features/cart/cart";
import { useI18n } from "@/lib/i18n";

import { type Role, useSession } from "../session";
import { signInFor } from "../sign-in-address";
import styles from "./header.module.css";
import { LanguageChoice, ThemeChoice } from "./preferences";
import { SearchBox } from "./search-box";

/** Logo, search, ways to the other pages, cart. */
export function Header({ onCart, onCartNear }: { onCart: () => void; onCartNear: () => void }) {
  const { t } = useI18n();
  const { roles, hasAccounts, account } = useSession();
  const links: { to: string; label: string; icon: "receipt" | "gauge"; role: Role }[] = [
    { to: "/orders", label: t.shell.orders, icon: "receipt", role: "customer" },
    { to: "/admin", label: t.shell.admin, icon: "gauge", role: "admin" },
  ];
  return (
    <header className={styles.header}>
      <div className={styles.inner}>
        <Link to="/" className={styles.logo} aria-label={t.shell.home}>
          <Logo />
          <span>ShopHub</span>
        </Link>
        <SearchBox />
        <nav className={styles.nav} aria-label={t.shell.main}>
          {links
            .filter((link) => roles.includes(link.role))
            .map((link) => (
              <NavLink key={link.to} to={link.to} className={styles.link ?? ""}>
                <Icon name={link.icon} />
                <span>{link.label}</span>
              </NavLink>
            ))}
          {hasAccounts && <AccountLink account={account} />}
        </nav>
        <div className={styles.preferences}>
          <LanguageChoice />
          <ThemeChoice />
        </div>
        <CartButton onOpen={onCart} onNear={onCartNear} />
      </div>
    </header>
  );
}

/** To the account, or to where one signs in and comes back from. */
function AccountLink({ account }: { account: Account | null }) {
  const { t } = useI18n();
  const { pathname, search } = useLocation();
  const isThere = pathname === "/sign-in" || pathname === "/register";
  const to = account ? "/account" : isThere ? pathname + search : signInFor(pathname + search);
  return (
    <NavLink to={to} className={styles.link ?? ""}>
      <Icon name="person" />
      <span>{account ? t.account.short : t.account.signIn}</span>
    </NavLink>
  );
}

function CartButton({ onOpen, onNear }: { onOpen: () => void; onNear: () => void }) {
  const { t } = useI18n();
  const count = pieces(useCart());
  return (
    <button
      type="button"
      className={styles.cart}
      aria-label={t.shell.cart(count)}
      aria-haspopup="dialog"
      onClick={onOpen}
      onPointerEnter={onNear}
      onFocus={onNear}
    >
      <Icon name="cart" size={22} />
      <span className={styles.cartWord}>{t.shell.cartShort}</span>
      {count > 0 && (
        <span key={count} className={styles.count} data-count={count > 99 ? "99+" : count} />
      )}
    </button>
  );
}

function Logo() {
  return (
    <svg width="34" height="34" viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="18" className={styles.mark} />
      <path d="M17 27h30l-3 21a4 4 0 0 1-4 3.4H24a4 4 0 0 1-4-3.4z" className={styles.bag} />
      <path d="M24 31v-8a8 8 0 0 1 16 0v8" className={styles.handle} />
    </svg>
  );
}
