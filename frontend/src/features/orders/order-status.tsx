import type { OrderStatus } from "@/api/models";
import { StatusPill, type Tone } from "@/components/status-pill";
import { useI18n } from "@/lib/i18n";

const TONES: Record<OrderStatus, Tone> = {
  pending: "calm",
  confirmed: "good",
  rejected: "bad",
  cancelled: "neutral",
};

export function OrderStatusPill({ status }: { status: OrderStatus }) {
  const { t } = useI18n();
  return (
    <StatusPill tone={TONES[status]} isLive={status === "pending"}>
      {t.orders.statuses[status]}
    </StatusPill>
  );
}
