import { useLocation } from "react-router";

import { Admin } from "@/features/admin/admin";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import { useSession } from "../session";
import NotFoundPage from "./not-found-page";

const SECTIONS = ["/admin", "/admin/low-stock", "/admin/activity"];

export default function AdminPage() {
  const { t } = useI18n();
  const { roles } = useSession();
  const { pathname } = useLocation();
  useTitle(t.admin.title);
  // Whoever may not do anything here is not told that there is something.
  if (!roles.includes("admin") || !SECTIONS.includes(pathname.replace(/\/$/, "")))
    return <NotFoundPage />;
  return <Admin />;
}
