"""A second reader of the topics, as a rebalance brings one.

The stand-in for KafkaSource assigns its partitions by hand, so that a group has nothing to move.
What a rebalance does to a shop is done here: for a while two consumers have the same partitions,
both deliver what was read before the change, and the commits of the slower one go back.
"""

import asyncio

import aiohttp

from local import manifests
from local.events.cloudevent import Event
from local.events.delivery import Sink
from local.events.feed import Feed
from local.layout import ROOT
from local.state import State


async def read_twice(state: State, seconds: float) -> None:
    """Deliver events beside the event sources for some seconds, and commit offsets as they do."""
    async with aiohttp.ClientSession() as session:
        feeds = [
            Feed(
                source,
                state.kafka,
                Sink(
                    session, f"{source.name} (second)", state.functions[source.sink],
                    source.delivery, _no_dead_letter,
                ).deliver,
            )
            for source in manifests.read(ROOT).kafka_sources
            if source.delivery.dead_letter_topic
        ]  # fmt: skip
        for feed in feeds:
            feed.start()
        await asyncio.sleep(seconds)
        await asyncio.gather(*(feed.stop(5.0) for feed in feeds))
        await asyncio.sleep(0.5)  # What was cut off ends before its session does.


async def _no_dead_letter(_topic: str, _event: Event) -> None:
    """The first reader writes it."""
