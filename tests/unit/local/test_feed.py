import asyncio

from local.events.cloudevent import Record
from local.events.feed import Lane


def _numbered(offset: int) -> Record:
    return Record("t", 0, offset)


async def test_a_partition_keeps_its_order_and_counts_only_what_was_answered() -> None:
    seen: list[int] = []
    gate = asyncio.Event()

    async def deliver(record: Record) -> None:
        if record.offset == 2:
            await gate.wait()
        seen.append(record.offset)

    lane = Lane("t-0", deliver)
    records = [_numbered(offset) for offset in range(5)]
    lane.received = len(records)
    lane.put(records)
    await asyncio.sleep(0.01)
    assert seen == [0, 1]
    assert lane.answered == 2
    assert lane.waiting == 3
    gate.set()
    await asyncio.sleep(0.01)
    assert seen == [0, 1, 2, 3, 4]
    assert lane.answered == 5


async def test_stopping_waits_for_the_record_that_is_under_way_and_takes_no_other() -> None:
    seen: list[int] = []

    async def deliver(record: Record) -> None:
        await asyncio.sleep(0.05)
        seen.append(record.offset)

    lane = Lane("t-0", deliver)
    lane.received = 3
    lane.put([_numbered(0), _numbered(1), _numbered(2)])
    await asyncio.sleep(0.01)
    await lane.finish(1.0)
    assert seen == [0]
    assert lane.answered == 1
