import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { fetchHealth, health } from "@/api/gateway/health";
import { Button } from "@/components/button";
import { StatusPill } from "@/components/status-pill";
import { useI18n } from "@/lib/i18n";

import styles from "./admin.module.css";

const TONES = { up: "good", idle: "neutral", down: "bad" } as const;

/** The services as the gateway last saw them. */
export function HealthStrip() {
  const { t, formats } = useI18n();
  const queries = useQueryClient();
  const { data, isError } = useQuery(health());
  const probing = useMutation({
    mutationFn: () => fetchHealth(true),
    onSuccess: (seen) => {
      queries.setQueryData(health().queryKey, seen);
    },
  });
  const services = Object.entries(data?.services ?? {});
  const down = services.filter(([, service]) => service.state === "down").map(([name]) => name);
  const isBad = isError || down.length > 0;
  return (
    <section className={styles.health} aria-label={t.admin.health}>
      <div className={styles.healthHead}>
        <span role="status">
          {(data !== undefined || isError) && (
            <StatusPill tone={isBad ? "bad" : "good"}>
              {isError
                ? t.admin.healthUnreachable
                : down.length > 0
                  ? t.admin.healthSome(formats.list(down))
                  : t.admin.healthAll(services.length)}
            </StatusPill>
          )}
        </span>
        <Button
          size="small"
          busy={probing.isPending}
          onClick={() => {
            probing.mutate();
          }}
        >
          {probing.isPending ? t.admin.probing : t.admin.probe}
        </Button>
      </div>
      <ul className={styles.services}>
        {services.map(([name, { state }]) => (
          <li key={name} data-state={state}>
            <span className={styles.dot} data-tone={TONES[state]} aria-hidden="true" />
            {name}
            <span className="visually-hidden">: {t.admin.states[state]}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
