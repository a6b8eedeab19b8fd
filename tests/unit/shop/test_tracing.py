import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop import tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_trace_goes_on_with_a_new_span() -> None:
    trace = tracing.enter(f"00-{TRACE}-{SPAN}-01")

    assert (trace.trace_id, trace.flags) == (TRACE, "01")
    assert trace.span_id != SPAN
    assert tracing.current() == trace
    assert tracing.traceparent() == trace.traceparent == f"00-{TRACE}-{trace.span_id}-01"


@pytest.mark.parametrize(
    "header",
    [
        None, "", "00", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}",
        f" 00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more",
    ],
)  # fmt: skip
def test_a_header_that_is_none_begins_a_trace(header: str | None) -> None:
    trace = tracing.enter(header)

    assert trace.trace_id != TRACE
    assert re.fullmatch("[0-9a-f]{32}", trace.trace_id)
    assert trace.flags == "00"


@given(st.text(max_size=80))
def test_any_header_yields_a_context_that_can_be_handed_on(header: str) -> None:
    handed_on = tracing.enter(header).traceparent

    assert re.fullmatch("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", handed_on)


async def test_tasks_do_not_see_one_anothers_trace() -> None:
    async def of_a_task() -> str:
        mine = tracing.enter(None).trace_id
        await asyncio.sleep(0)
        current = tracing.current()
        assert current is not None
        assert current.trace_id == mine
        return mine

    found = await asyncio.gather(*(asyncio.create_task(of_a_task()) for _ in range(5)))

    assert len(set(found)) == 5


def test_a_span_of_the_sdk_is_adopted() -> None:
    trace = tracing.adopt(int(TRACE, 16), int(SPAN, 16), 1)

    assert trace.traceparent == f"00-{TRACE}-{SPAN}-01"
