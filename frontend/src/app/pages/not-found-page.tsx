import { ButtonLink } from "@/components/button";
import { EmptyState } from "@/components/notice";
import { useI18n } from "@/lib/i18n";
import { useTitle } from "@/lib/title";

export default function NotFoundPage() {
  const { t } = useI18n();
  useTitle(t.errors.notFoundTitle);
  return (
    <EmptyState
      icon="search"
      title={t.errors.notFoundTitle}
      level={1}
      action={
        <ButtonLink to="/" kind="primary">
          {t.common.backToShop}
        </ButtonLink>
      }
    >
      {t.errors.notFound}
    </EmptyState>
  );
}
