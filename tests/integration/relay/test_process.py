import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.layout import ROOT
from local.plan import base_environment
from tests.support.kafka import Broker
from tests.support.processes import running
from tests.support.tables import Orders


def _environment(orders: Orders, broker: Broker) -> dict[str, str]:
    return {
        "AREA": "orders",
        "TOPIC": "order-events",
        "CONSUMER_GROUP": "notify-order",
        "DATABASE_URL": orders.url,
        "KAFKA_BOOTSTRAP_SERVERS": broker.servers,
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_relay_serves_its_health_and_metrics_and_ends_when_it_is_told(
    orders: Orders, broker: Broker, tmp_path: Path, number: signal.Signals
) -> None:
    orders.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload)"
        " VALUES ('orders', '1', 'com.shophub.order.created.v1', '{}')"
    )
    environment = _environment(orders, broker)

    with running("relay.publish_outbox", tmp_path, environment) as relay:
        relay.wait_for("/metrics", 'status="confirmed"} 1.0')
        metrics = relay.wait_for("/metrics", 'type="order.created"} 1.0')
        assert "order_outbox_backlog" in metrics
        relay.wait_for("/metrics", 'consumer="notify_order"')
        assert relay.get("/health/live")[0] == 200
        assert relay.get("/health/ready")[0] == 200
        assert relay.get("/orders")[0] == 404
        assert relay.stop(number) == 0

    assert len(broker.records("order-events")) == 1


def test_a_missing_setting_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay.publish_outbox"],
        env=base_environment() | {"PYTHONPATH": str(ROOT / "functions"), "AREA": "orders"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == "the environment variable DATABASE_URL is not set\n"


def test_an_event_goes_on_with_the_trace_of_its_change(
    orders: Orders, broker: Broker, tmp_path: Path
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    orders.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, traceparent)"
        " VALUES ('orders', '1', 'com.shophub.order.created.v1', '{}', %s)",
        f"00-{trace}-b7ad6b7169203331-01",
    )
    environment = _environment(orders, broker) | {"OTEL_TRACES_EXPORTER": "console"}

    with running("relay.publish_outbox", tmp_path, environment) as relay:
        relay.wait_for("/metrics", 'type="order.created"} 1.0')
        assert relay.stop() == 0

    (record,) = broker.records("order-events")
    version, trace_id, span_id, flags = record.headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", trace, "01")
    assert span_id != "b7ad6b7169203331"
    assert record.headers["ce_traceparent"] == record.headers["traceparent"]
    log = relay.log.read_text()
    assert '"name": "publish order-events"' in log
    assert f'"span_id": "0x{span_id}"' in log


def test_an_event_that_is_published_again_is_the_same_to_the_byte(
    orders: Orders, broker: Broker, tmp_path: Path
) -> None:
    orders.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, traceparent)"
        " VALUES ('orders', '1', 'com.shophub.order.created.v1', '{}', %s)",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    environment = _environment(orders, broker) | {"OTEL_TRACES_EXPORTER": "console"}

    with running("relay.publish_outbox", tmp_path, environment) as relay:
        relay.wait_for(
            "/metrics",
            'order_outbox_published_total{otel_scope_name="shop",'
            'otel_scope_schema_url="",otel_scope_version="",type="order.created"} 1.0',
        )
        # As where the relay dies before the mark is on disk.
        orders.run("UPDATE outbox SET published_at = NULL")
        relay.wait_for(
            "/metrics",
            'order_outbox_published_total{otel_scope_name="shop",'
            'otel_scope_schema_url="",otel_scope_version="",type="order.created"} 2.0',
        )
        assert relay.stop() == 0

    first, second = broker.records("order-events")
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
