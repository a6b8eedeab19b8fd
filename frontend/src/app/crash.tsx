import { Component, type ReactNode } from "react";

import { Button } from "@/components/button";
import { EmptyState } from "@/components/notice";
import { useI18n } from "@/lib/i18n";

/** Shows a way out where a page fails, or where a part of it cannot be loaded. */
export class Crash extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Crashed /> : this.props.children;
  }
}

function Crashed() {
  const { t } = useI18n();
  return (
    <main>
      <EmptyState
        icon="warning"
        title={t.errors.title}
        level={1}
        action={
          <Button
            kind="primary"
            onClick={() => {
              location.reload();
            }}
          >
            {t.errors.reload}
          </Button>
        }
      >
        {t.errors.crashed}
      </EmptyState>
    </main>
  );
}
