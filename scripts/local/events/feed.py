"""Reads a source's topics, keeps each partition's order, and commits what was answered."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from local.events import meters
from local.events.cloudevent import Event, Record, from_record
from local.manifests import KafkaSource

_LOG = logging.getLogger(__name__)
_POLL_MS = 250
# What is held back is let go soon after its sink has caught up.
_HELD_POLL_MS = 20
_COMMIT_SECONDS = 0.5
_MEASURE_SECONDS = 2.0
# Records that come faster than this are gathered for a moment: a fetch costs as much as several
# records do, for the broker as well.
_FAST_SECONDS = 0.012
_GATHER_SECONDS = 0.006
_CROWD = 3
_MOST_GATHER_SECONDS = 0.06
_MOST_WAITING = 500
_FEW_WAITING = 100
_PAUSE_AFTER_FAILURE = 0.5

Deliver = Callable[[Event], Awaitable[None]]


class Lane:
    """One partition: its records are delivered one after another, in order.

    `answered` is the offset up to which all is done with; the reading thread commits it. `next`
    is the offset that is read next, `end` the partition's end as last seen; `held` says that it
    is not read for the time being.
    """

    def __init__(self, name: str, deliver: Callable[[Record], Awaitable[None]]) -> None:
        self.name = name
        self.answered: int | None = None
        self.received = 0
        self.next = 0
        self.end = 0
        self.held = False
        self._done = 0
        self._deliver = deliver
        self._records: deque[Record] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Records that have been read and not answered."""
        return self.received - self._done

    def put(self, records: list[Record]) -> None:
        """Take records that were read, in their order."""
        self._records.extend(records)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name=self.name)

    async def _drain(self) -> None:
        while self._records:
            record = self._records.popleft()
            await self._deliver(record)
            self._done += 1
            self.answered = record.offset + 1

    async def finish(self, seconds: float) -> None:
        """Take nothing further; let the record that is under way be answered."""
        self._records.clear()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()


class Feed:
    """The consumer of one KafkaSource.

    The client blocks, so it has a thread; deliveries happen on the event loop. Partitions are
    assigned by hand: there is one consumer, and a group would keep it waiting for the session
    of a predecessor that was killed.
    """

    def __init__(self, source: KafkaSource, address: str, deliver: Deliver) -> None:
        """`address` is Kafka's HOST:PORT; `deliver` returns once an event is done with."""
        self.source = source
        self.connected = False
        self._address = address
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[TopicPartition, Lane] = {}
        # What is done with, from one consumer to the next: Kafka may lose what was committed.
        self._reached: dict[TopicPartition, int] = {}
        self._stopping = threading.Event()
        self._drained = threading.Event()
        self._thread = threading.Thread(target=self._read, name=source.name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    async def stop(self, seconds: float) -> None:
        """Stop reading, wait for answers that are due, commit them."""
        self._stopping.set()
        await asyncio.gather(*(lane.finish(seconds) for lane in self._lanes.values()))
        self._drained.set()
        await asyncio.to_thread(self._thread.join, 3.0)

    # --- in the thread ------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                self._consume()
            except KafkaError as error:
                self.connected = False
                _LOG.warning("%s: Kafka does not answer (%s)", self.source.name, error)
                self._stopping.wait(_PAUSE_AFTER_FAILURE)
                self._abandon()

    def _consume(self) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=self._address,
            client_id=f"source-{self.source.name}",
            group_id=self.source.group,
            auto_offset_reset=self.source.initial_offset,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            fetch_max_wait_ms=500,
            reconnect_backoff_max_ms=500,
            retry_backoff_ms=50,
            max_poll_records=_MOST_WAITING,
            metrics_enabled=False,
        )
        try:
            self._assign(consumer)
            self.connected = True
            committed: dict[TopicPartition, int] = {}
            arrived = next_commit = next_measure = 0.0
            while not self._stopping.is_set():
                fetched = self._poll(consumer)
                for partition, batch in fetched.items():
                    self._hand_over(partition, [to_record(each) for each in batch])
                self._hold_back(consumer)
                now = time.monotonic()
                if now > next_commit:
                    next_commit = now + _COMMIT_SECONDS
                    self._commit(consumer, committed, wait=False)
                if now > next_measure:
                    next_measure = now + _MEASURE_SECONDS
                    self._measure(consumer)
                if fetched:
                    crowd = sum(map(len, fetched.values()))
                    if crowd >= _CROWD:
                        time.sleep(min(_GATHER_SECONDS * crowd, _MOST_GATHER_SECONDS))
                    elif now - arrived < _FAST_SECONDS:
                        time.sleep(_GATHER_SECONDS)
                    arrived = now
            self._drained.wait(timeout=10.0)
            self._commit(consumer, committed, wait=True)
        finally:
            consumer.close(autocommit=False, timeout_ms=1000)

    def _assign(self, consumer: KafkaConsumer) -> None:
        partitions = [
            TopicPartition(topic, number)
            for topic in self.source.topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        if not partitions:
            raise KafkaError(f"there is no topic {' or '.join(self.source.topics)} yet")
        consumer.assign(partitions)
        for each in partitions:
            lane = self._lanes[each] = Lane(f"{each.topic}-{each.partition}", self._one)
            if each in self._reached:
                lane.answered = lane.next = self._reached[each]
                consumer.seek(each, lane.next)

    def _poll(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        held = [lane.held for lane in self._lanes.values()]
        if all(held):
            time.sleep(_HELD_POLL_MS / 1000)
            return {}
        fetched: dict[TopicPartition, list[Any]] = consumer.poll(
            timeout_ms=_HELD_POLL_MS if any(held) else _POLL_MS
        )
        return fetched

    def _hand_over(self, partition: TopicPartition, records: list[Record]) -> None:
        lane = self._lanes[partition]
        lane.received += len(records)
        lane.next = records[-1].offset + 1
        self._loop.call_soon_threadsafe(lane.put, records)

    def _hold_back(self, consumer: KafkaConsumer) -> None:
        """Read no further where answers are slow; the other partitions go on.

        What is held back is taken out of the assignment. The client's own pause() is not used:
        a partition whose records were fetched before the pause may stay silent after its
        resume() (3.0.12 puts them aside, and takes them up again only where nothing else was
        read before).
        """
        let_go = []
        changed = False
        for partition, lane in self._lanes.items():
            if not lane.held and lane.waiting > _MOST_WAITING:
                lane.held = changed = True
            elif lane.held and lane.waiting < _FEW_WAITING:
                lane.held, changed = False, True
                let_go.append(partition)
        read = [partition for partition, lane in self._lanes.items() if not lane.held]
        if not changed or not read:
            return
        consumer.assign(read)
        for partition in let_go:
            consumer.seek(partition, self._lanes[partition].next)

    def _commit(
        self, consumer: KafkaConsumer, committed: dict[TopicPartition, int], *, wait: bool
    ) -> None:
        offsets = {
            partition: lane.answered
            for partition, lane in self._lanes.items()
            if lane.answered is not None and lane.answered != committed.get(partition)
        }
        if not offsets:
            return
        request = {each: OffsetAndMetadata(offset, "", -1) for each, offset in offsets.items()}
        if wait:
            consumer.commit(request, timeout_ms=2000)
        else:
            # One that fails is made good by the next; at worst an event comes twice.
            consumer.commit_async(request, callback=partial(_note_commit, committed, offsets))

    def _measure(self, consumer: KafkaConsumer) -> None:
        lag = 0
        for partition, lane in self._lanes.items():
            if not lane.held:
                lane.end = consumer.highwater(partition) or lane.end
                lane.next = consumer.position(partition, 0) or lane.next
            lag += max(0, lane.end - lane.next) + lane.waiting
        meters.LAG.labels(self.source.name).set(lag)

    def _abandon(self) -> None:
        """Forget what was read: the next consumer begins at what was answered."""
        lanes = list(self._lanes.values())
        finished = asyncio.run_coroutine_threadsafe(_finish_all(lanes), self._loop)
        finished.result()
        for partition, lane in self._lanes.items():
            if lane.answered is not None:
                self._reached[partition] = lane.answered

    # --- on the event loop --------------------------------------------------------------------

    async def _one(self, record: Record) -> None:
        event = from_record(record, namespace=self.source.namespace, source=self.source.name)
        await self._deliver(event)


def _note_commit(
    committed: dict[TopicPartition, int],
    offsets: dict[TopicPartition, int],
    _request: object,
    failure: object,
) -> None:
    if not isinstance(failure, Exception):
        committed.update(offsets)


async def _finish_all(lanes: list[Lane]) -> None:
    await asyncio.gather(*(lane.finish(30.0) for lane in lanes))


def to_record(fetched: Any) -> Record:
    """What counts of a record as kafka-python hands it out."""
    return Record(
        fetched.topic, fetched.partition, fetched.offset, fetched.timestamp,
        fetched.key, fetched.value, fetched.headers,
    )  # fmt: skip
