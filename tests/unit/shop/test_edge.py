import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shop import tracing
from shop.declaration import Operation
from shop.edge import Edge, Receive, Scope, Send
from shop.errors import Conflict
from shop.exporting import configure
from shop.logs import RequestLog
from shop.services import Services
from shop.settings import Settings
from tests.support.asgi import exchange, lifespan

THINGS = Operation(
    "change_thing",
    "inventory",
    ("PUT", "POST"),
    "/things/{id}",
    "Change a thing",
    most_bytes=10,
    pattern=re.compile("/things/(?P<id>[1-9][0-9]{0,18})"),
)


class Log(RequestLog):
    """Keeps what would be written."""

    def __init__(self) -> None:
        super().__init__("change_thing", enabled=True)
        self.lines: list[dict[str, Any]] = []

    def write(self, **members: Any) -> None:
        self.lines.append(members)


class Served:
    """An edge around an application that answers with the body that it got."""

    def __init__(self, exporter: str = "none") -> None:
        self.settings = Settings({"OTEL_METRICS_EXPORTER": exporter})
        self.log = Log()
        self.seen: list[Scope] = []
        self.traces: list[str | None] = []
        self.failure: BaseException | None = None
        self.stopped = False
        self.edge = Edge(self.app, THINGS, start=self.start, stop=self.stop, log=self.log)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        self.traces.append(tracing.traceparent())
        if self.failure is not None:
            raise self.failure
        body = await Request(scope, receive).body()
        scope["shop.note"]["thing"] = 1
        await Response(body, 200)(scope, receive, send)

    async def start(self) -> Services:
        telemetry = configure(self.settings, function="change_thing", area="inventory")
        return Services(self.settings, telemetry, "change_thing")

    async def stop(self, services: Services) -> None:
        services.telemetry.shutdown()
        self.stopped = True


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    it = Served()
    async with lifespan(it.edge):
        yield it


async def test_a_request_reaches_the_function_with_what_the_edge_knows(served: Served) -> None:
    answer = await exchange(served.edge, "PUT", "/things/7", pieces=[b"body"])

    assert (answer.status, answer.body) == (200, b"body")
    assert served.seen[0]["shop.path"] == {"id": 7}
    assert served.seen[0]["shop.services"].function == "change_thing"


@pytest.mark.parametrize("path", ["/", "/things", "/things/0", "/things/x", "/things/7/", "//"])
async def test_another_path_is_404_as_a_problem(served: Served, path: str) -> None:
    answer = await exchange(served.edge, "PUT", path)

    assert (answer.status, answer.json["type"]) == (404, "/problems/not-found")
    assert answer.header("content-type") == "application/problem+json"
    assert int(answer.header("content-length")) == len(answer.body)
    assert served.seen == []


async def test_an_id_beyond_64_bits_is_404(served: Served) -> None:
    assert (await exchange(served.edge, "PUT", f"/things/{2**63 - 1}")).status == 200
    assert (await exchange(served.edge, "PUT", f"/things/{2**63}")).status == 404


async def test_another_method_is_405_and_told_what_is_allowed(served: Served) -> None:
    answer = await exchange(served.edge, "DELETE", "/things/7")

    assert (answer.status, answer.json["type"]) == (405, "/problems/method-not-allowed")
    assert answer.header("allow") == "POST, PUT"
    assert served.seen == []


@pytest.mark.parametrize(
    ("headers", "pieces", "read"),
    [
        ({"content-length": "11"}, [b"x" * 11], 0),
        ({"content-length": "9" * 30}, [b""], 0),
        ({}, [b"x" * 11], 1),
        ({}, [b"x" * 6, b"x" * 5, b"never read"], 2),
    ],
)
async def test_a_body_beyond_its_bound_is_413_and_is_not_read_on(
    served: Served, headers: dict[str, str], pieces: Sequence[bytes], read: int
) -> None:
    answer = await exchange(served.edge, "PUT", "/things/7", headers=headers, pieces=pieces)

    assert (answer.status, answer.json["type"]) == (413, "/problems/too-large")
    assert answer.pieces_read == read


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [({"content-length": "10"}, [b"x" * 10]), ({}, [b"x" * 4, b"", b"x" * 6]), ({}, [b""])],
)
async def test_a_body_within_its_bound_passes(
    served: Served, headers: dict[str, str], pieces: Sequence[bytes]
) -> None:
    answer = await exchange(served.edge, "PUT", "/things/7", headers=headers, pieces=pieces)

    assert (answer.status, answer.body) == (200, b"".join(pieces))


@pytest.mark.parametrize("length", ["-1", "ten", "", "1.5", "0x5"])
async def test_a_length_that_is_no_number_is_400(served: Served, length: str) -> None:
    answer = await exchange(served.edge, "PUT", "/things/7", headers={"content-length": length})

    assert answer.status == 400


async def test_a_request_has_no_deadline_of_the_one_before_on_its_connection(
    served: Served,
) -> None:
    """What is pipelined is begun by the request before it, and inherits its context."""
    due = str(int(time.time() * 1000) + 100)
    first = await exchange(served.edge, "PUT", "/things/7", headers={"shop-deadline": due})
    await asyncio.sleep(0.12)
    second = await exchange(served.edge, "PUT", "/things/7")

    assert (first.status, second.status) == (200, 200)


async def test_the_request_id_is_the_clients_or_a_new_one(served: Served) -> None:
    given = await exchange(served.edge, "PUT", "/things/7", headers={"X-Request-Id": "abc"})
    made = [await exchange(served.edge, "PUT", "/things/7") for _ in range(2)]
    refused = await exchange(served.edge, "PUT", "/nothing", headers={"X-Request-Id": "abc"})

    assert given.header("x-request-id") == refused.header("x-request-id") == "abc"
    assert all(re.fullmatch("[0-9a-f]{16}", answer.header("x-request-id")) for answer in made)
    assert made[0].header("x-request-id") != made[1].header("x-request-id")


async def test_a_long_request_id_is_cut(served: Served) -> None:
    answer = await exchange(served.edge, "PUT", "/things/7", headers={"X-Request-Id": "x" * 500})

    assert answer.header("x-request-id") == "x" * 128


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_the_callers_trace_goes_on(served: Served) -> None:
    header = f"00-{TRACE}-00f067aa0ba902b7-01"

    await exchange(served.edge, "PUT", "/things/7", headers={"traceparent": header})

    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", served.traces[0] or "")
    assert served.traces[0] != header


async def test_an_event_goes_on_with_the_trace_of_its_producer(served: Served) -> None:
    headers = {
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
        "ce-traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }

    await exchange(served.edge, "PUT", "/things/7", headers=headers)

    assert served.log.lines[0]["trace_id"] == TRACE


async def test_each_request_is_a_line_in_the_log_with_what_the_function_noted(
    served: Served,
) -> None:
    await exchange(served.edge, "PUT", "/things/7", headers={"X-Request-Id": "abc"})
    await exchange(served.edge, "GET", "/secret/7")

    first, second = served.log.lines
    assert first["seconds"] >= 0
    assert (first["method"], first["path"], first["route"]) == ("PUT", "/things/7", "/things/{id}")
    assert (first["status"], first["request_id"], first["extra"]) == (200, "abc", {"thing": 1})
    assert (second["status"], second["route"]) == (404, "unmatched")


async def test_a_problem_that_escapes_the_function_is_answered(served: Served) -> None:
    served.failure = Conflict("Not now.")

    answer = await exchange(served.edge, "PUT", "/things/7")

    assert (answer.status, answer.json["detail"]) == (409, "Not now.")


async def test_a_failure_is_logged_as_500_and_passed_on_to_the_server(served: Served) -> None:
    served.failure = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        await exchange(served.edge, "PUT", "/things/7")

    assert served.log.lines[0]["status"] == 500


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_the_edges_own_and_makes_no_line_in_the_log(path: str) -> None:
    served = Served()
    before = await exchange(served.edge, "GET", path)
    async with lifespan(served.edge):
        during = await exchange(served.edge, "GET", path)
    after = await exchange(served.edge, "GET", path)

    assert [answer.status for answer in (before, during, after)] == [503, 200, 503]
    assert during.json == {"status": "ok"}
    assert (served.seen, served.log.lines) == ([], [])


async def test_starting_and_stopping_are_told_to_the_server() -> None:
    served = Served()
    async with lifespan(served.edge) as sent:
        assert (sent, served.stopped) == (["lifespan.startup.complete"], False)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert served.stopped


async def test_a_function_that_cannot_start_says_so() -> None:
    served = Served(exporter="carrier pigeon")

    async with lifespan(served.edge) as sent:
        assert sent == ["lifespan.startup.failed"]
        assert (await exchange(served.edge, "GET", "/health/ready")).status == 503


async def test_metrics_are_served_where_prometheus_is_chosen() -> None:
    served = Served(exporter="prometheus")
    async with lifespan(served.edge):
        for method, path in (("PUT", "/things/7"), ("PUT", "/things/8"), ("GET", "/wp-login.php")):
            await exchange(served.edge, method, path)
        await exchange(served.edge, "BREW", "/things/7")
        answer = await exchange(served.edge, "GET", "/metrics")

    lines = answer.body.decode().splitlines()
    assert answer.header("content-type").startswith("text/plain; version=0.0.4")
    shown = [line for line in lines if line.startswith("inventory_http_requests_total{")]
    found = [line for line in shown if not line.endswith(" 0.0")]
    assert len(found) == 3
    assert any('route="/things/{id}"' in line and line.endswith(" 2.0") for line in found)
    assert any('route="unmatched"' in line and 'status="404"' in line for line in found)
    assert any('method="other"' in line and 'status="405"' in line for line in found)
    assert not any("wp-login" in line for line in lines)
    buckets = [line for line in lines if "inventory_http_request_duration_seconds_bucket" in line]
    assert any('le="0.025"' in line for line in buckets)
    assert any('le="0.15"' in line for line in buckets)


async def test_what_may_go_wrong_is_shown_before_it_does() -> None:
    """A series that begins with its first error has never grown, as Prometheus sees it."""
    served = Served(exporter="prometheus")
    async with lifespan(served.edge):
        answer = await exchange(served.edge, "GET", "/metrics")

    zeros = [line for line in answer.body.decode().splitlines() if line.endswith("} 0.0")]
    for status in (200, 500, 503):
        wanted = f'route="/things/{{id}}",status="{status}"'
        assert any("inventory_http_requests_total" in line and wanted in line for line in zeros)


async def test_a_function_tells_when_it_began_and_how_long_it_took_to_serve() -> None:
    served = Served(exporter="prometheus")
    async with lifespan(served.edge):
        answer = await exchange(served.edge, "GET", "/metrics")

    told = {
        line.partition("{")[0]: float(line.rpartition(" ")[2])
        for line in answer.body.decode().splitlines()
        if line.startswith("function_start_")
    }
    assert 0 < time.time() - told["function_start_time_seconds"] < 3600
    assert told["function_start_duration_seconds"] > 0


async def test_metrics_are_not_there_where_they_are_pushed_or_off(served: Served) -> None:
    answer = await exchange(served.edge, "GET", "/metrics")

    assert answer.status == 404


def test_a_line_of_the_log_is_json_whatever_a_client_sends(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log = RequestLog("change_thing", enabled=True)
    log.write(
        method="GET", path='/"\n\\\x1b\ud800☃', route="unmatched", status=404, seconds=0.0015,
        request_id='"\r\n', trace_id=TRACE, extra={"notification": "📦 New", "n": 1},
    )  # fmt: skip

    (line,) = capfd.readouterr().out.splitlines()
    document = json.loads(line)
    assert (document["request_id"], document["status"]) == ('"\r\n', 404)
    assert (document["duration_ms"], document["n"], document["trace_id"]) == (1.5, 1, TRACE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", document["time"])


async def test_a_request_that_is_given_up_at_the_end_may_be_tried_again(served: Served) -> None:
    served.failure = asyncio.CancelledError()

    answer = await exchange(served.edge, "PUT", "/things/7", pieces=[b"body"])

    assert answer.status == 503
    assert ("retry-after", "1") in answer.headers
    assert json.loads(answer.body)["type"] == "/problems/unavailable"
    assert served.log.lines[-1]["status"] == 503
