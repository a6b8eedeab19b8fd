from hypothesis import given
from hypothesis import strategies as st

from relay.outbox import Waiting, waves


def event(position: int, aggregate: int) -> Waiting:
    return Waiting(position, str(position), "products", str(aggregate), "type", "time", None, "{}")


@given(st.lists(st.integers(1, 5), max_size=60), st.integers(1, 20))
def test_waves_hold_each_event_once_one_of_an_aggregate_and_in_order(
    aggregates: list[int], most: int
) -> None:
    events = [event(position, aggregate) for position, aggregate in enumerate(aggregates)]

    found = waves(events, most)

    assert all(found)
    assert len(found) <= most
    for wave in found:
        subjects = [each.subject for each in wave]
        assert len(subjects) == len(set(subjects))
        assert [each.position for each in wave] == sorted(each.position for each in wave)
    for aggregate in set(aggregates):
        mine = [e.position for e in events if e.aggregate_id == str(aggregate)]
        sent = [e.position for wave in found for e in wave if e.aggregate_id == str(aggregate)]
        assert sent == mine[:most]


def test_events_of_different_aggregates_go_together() -> None:
    assert len(waves([event(n, n) for n in range(500)], 16)) == 1
