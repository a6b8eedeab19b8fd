import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from courier import deliver_notifications
from courier.channels import open_channels
from courier.deliver_notifications import Courier
from shop.settings import SettingError
from tests.support.loops import Counter
from tests.support.notifications import TRACE, Notifications
from tests.support.processes import running
from tests.support.webhook import Webhook
from traces.reading import traces

MakeCourier = Callable[[str], Courier]


def undelivered(notifications: Notifications) -> int:
    count: int = notifications.value(
        "SELECT count(*) FROM notifications WHERE delivered_at IS NULL"
    )
    return count


def let_time_pass(notifications: Notifications) -> None:
    """Let every next attempt be due, and no channel rest any more."""
    notifications.run("UPDATE notifications SET next_attempt_at = now()")


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "courier.channels"]


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("courier.channels._REST_SECONDS", 0.0)
    caplog.set_level("INFO")


def test_without_an_address_the_log_has_every_notification(
    make_courier: MakeCourier, notifications: Notifications, caplog: pytest.LogCaptureFixture
) -> None:
    notifications.tell(3)

    make_courier("").turn()

    assert logged(caplog) == [f"📦 New product added: Product {i}" for i in (1, 2, 3)]
    assert undelivered(notifications) == 0
    assert notifications.rows("SELECT * FROM delivered_tally") == [("product.created", 3)]


def test_a_webhook_gets_title_and_message(
    make_courier: MakeCourier, notifications: Notifications, hook: Webhook
) -> None:
    notifications.tell(20)

    make_courier(hook.address).turn()

    assert {each["title"] for each in hook.taken} == {"📦 New product added"}
    assert sorted(hook.messages) == sorted(f"Product {i}" for i in range(1, 21))
    assert undelivered(notifications) == 0


def test_one_that_fails_first_gets_it_later_and_the_others_only_once(
    make_courier: MakeCourier,
    notifications: Notifications,
    hook: Webhook,
    other_hook: Webhook,
    caplog: pytest.LogCaptureFixture,
) -> None:
    notifications.tell()
    hook.answer = lambda number: 503 if number <= 2 else 200
    courier = make_courier(f"log:// {hook.address},{other_hook.address}")

    for _ in range(4):
        courier.turn()
        let_time_pass(notifications)

    assert (len(hook.taken), len(other_hook.taken), len(logged(caplog))) == (3, 1, 1)
    assert notifications.row("SELECT attempts, delivered_at IS NULL FROM notifications") == (
        3,
        False,
    )
    assert notifications.rows("SELECT * FROM delivered_tally") == [("product.created", 1)]
    assert isinstance(courier._failed, Counter)
    assert courier._failed.total == 2


def test_attempts_come_ever_more_rarely(
    make_courier: MakeCourier, notifications: Notifications, hook: Webhook
) -> None:
    notifications.tell()
    hook.answer = lambda _: 500
    courier = make_courier(hook.address)

    pauses = []
    for attempt in range(12):
        notifications.run(
            "UPDATE notifications SET attempts = %s, next_attempt_at = now()", attempt
        )
        courier.turn()
        pauses.append(
            notifications.value(
                "SELECT extract(epoch FROM next_attempt_at - clock_timestamp())::float"
                " FROM notifications"
            )
        )

    for attempt, pause in enumerate(pauses, start=1):
        assert min(2.0**attempt, 600) / 2 - 1 <= pause <= min(2.0**attempt, 600)
    assert courier.turn() > 0
    assert len(hook.taken) == 12


def test_what_a_dead_courier_had_claimed_is_due_again_when_its_lease_is_over(
    make_courier: MakeCourier, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifications.tell(2)
    with monkeypatch.context() as patch:
        patch.setattr(Courier, "_settle", lambda *_: None)
        make_courier("").turn()

    courier = make_courier("")
    courier.turn()
    assert undelivered(notifications) == 2
    let_time_pass(notifications)
    courier.turn()
    assert undelivered(notifications) == 0


def test_what_is_not_begun_in_time_is_given_back(
    make_courier: MakeCourier, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifications.tell(2)
    with monkeypatch.context() as patch:
        patch.setattr(deliver_notifications, "_BEGIN_SECONDS", -1.0)
        make_courier("").turn()
    assert notifications.rows("SELECT attempts FROM notifications") == [(0,), (0,)]

    make_courier("").turn()
    assert undelivered(notifications) == 0


@pytest.mark.parametrize(("seconds_each", "taken"), [(0.0, 64), (0.2, 64), (1.2, 16), (5.5, 3)])
def test_a_turn_takes_no_more_than_its_slowest_channel_takes_in_time(
    make_courier: MakeCourier, notifications: Notifications, monkeypatch: pytest.MonkeyPatch,
    seconds_each: float, taken: int,
) -> None:  # fmt: skip
    """A loop that does not turn for a minute is ended, and what it had sent would be sent again."""
    plugin = "apprise.plugins.custom_json.NotifyJSON"
    monkeypatch.setattr(f"{plugin}.request_rate_per_sec", seconds_each)
    monkeypatch.setattr(f"{plugin}.notify", lambda *_, **__: True)
    notifications.tell(80)

    make_courier("json://127.0.0.1:1 log://").turn()

    assert undelivered(notifications) == 80 - taken
    assert notifications.value("SELECT sum(attempts) FROM notifications") == taken


def test_two_couriers_share_the_work_and_tell_nothing_twice(
    make_courier: MakeCourier, notifications: Notifications, hook: Webhook
) -> None:
    notifications.tell(300)
    couriers = [make_courier(hook.address) for _ in range(2)]

    def work(courier: Courier) -> None:
        while undelivered(Notifications(notifications.url)):
            courier.turn()

    threads = [threading.Thread(target=work, args=(courier,)) for courier in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(hook.messages) == sorted(f"Product {i}" for i in range(1, 301))
    assert notifications.rows("SELECT * FROM delivered_tally") == [("product.created", 300)]


def test_a_channel_that_fails_in_its_own_way_has_failed(
    make_courier: MakeCourier, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifications.tell()
    courier = make_courier("json://127.0.0.1:1")

    def breaks(*_: object, **__: object) -> None:
        raise KeyError("what")

    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.notify", breaks)
    courier.turn()

    assert notifications.row("SELECT attempts, delivered_at FROM notifications") == (1, None)


def test_an_address_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingError) as refused:
        open_channels("log://, nonsense://user:secret@host")

    assert str(refused.value) == "address 2 of NOTIFY_URLS (nonsense:…) is not known"


def test_the_process_says_what_it_delivers_in_its_log(
    notifications: Notifications, tmp_path: Path
) -> None:
    notifications.tell(2)

    with running(
        "courier.deliver_notifications", tmp_path, {"DATABASE_URL": notifications.url}
    ) as courier:
        metrics = courier.wait_for("/metrics", 'type="product.created"} 2.0')
        assert "notification_undelivered" in metrics
        assert "notification_delivery_failures_total" in metrics
        assert courier.get("/health/live")[0] == 200
        assert courier.stop() == 0

    lines = [json.loads(line) for line in courier.log.read_text().splitlines()]
    told = [line for line in lines if "notification" in line]
    assert [line["message"] for line in told] == [
        "📦 New product added: Product 1",
        "📦 New product added: Product 2",
    ]
    assert {line["trace_id"] for line in told} == {TRACE}
    assert {line["function"] for line in told} == {"courier"}


def test_a_delivery_belongs_to_the_trace_of_its_event(
    notifications: Notifications, hook: Webhook, tmp_path: Path
) -> None:
    notifications.tell()
    notifications.run("UPDATE notifications SET traceparent = %s", f"00-{TRACE}-{'b' * 16}-01")
    environment = {
        "DATABASE_URL": notifications.url,
        "NOTIFY_URLS": f"log:// {hook.address}",
        "OTEL_TRACES_EXPORTER": "file",
        "TRACES_FILE": str(tmp_path / "spans.jsonl"),
    }

    with running("courier.deliver_notifications", tmp_path, environment) as courier:
        courier.wait_for("/metrics", 'type="product.created"} 1.0')
        assert courier.stop() == 0

    version, trace_id, span_id, flags = hook.headers[0]["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01")
    assert span_id != "b" * 16
    (trace,) = traces(tmp_path / "spans.jsonl", since=0)
    (delivery,) = trace.roots
    assert (trace.id, delivery.parent) == (TRACE, "b" * 16)
    assert (delivery.service, delivery.name) == ("courier", "deliver product.created")
    # What Apprise sends is a span as well, and it is the one that the webhook is told of.
    (request,) = trace.children(delivery)
    assert (request.name, request.id) == ("POST", span_id)


def test_a_delivery_of_a_trace_that_is_not_recorded_makes_no_trace_of_its_own(
    notifications: Notifications, hook: Webhook, tmp_path: Path
) -> None:
    notifications.tell()
    notifications.run("UPDATE notifications SET traceparent = NULL")
    environment = {
        "DATABASE_URL": notifications.url,
        "NOTIFY_URLS": hook.address,
        "OTEL_TRACES_EXPORTER": "file",
        "TRACES_FILE": str(tmp_path / "spans.jsonl"),
    }

    with running("courier.deliver_notifications", tmp_path, environment) as courier:
        courier.wait_for("/metrics", 'type="product.created"} 1.0')
        assert courier.stop() == 0

    assert len(hook.taken) == 1
    assert traces(tmp_path / "spans.jsonl", since=0) == []
