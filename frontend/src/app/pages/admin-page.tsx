import { useLocation } from "react-router";

import { Admin } from "@/features/admin/admin";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

import NotFoundPage from "./not-found-page";

const SECTIONS = ["/admin", "/admin/low-stock", "/admin/activity"];

export default function AdminPage() {
  const { t } = useI18n();
  const { pathname } = useLocation();
  useTitle(t.admin.title);
  if (!SECTIONS.includes(pathname.replace(/\/$/, ""))) return <NotFoundPage />;
  return <Admin />;
}
