"""What faults are made on: a shop that can be looked into, and broken."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from tests.faults.schedule import Fault
from tests.support.tables import Inventory, Orders, Tables
from tests.support.topics import Topics


class Target(Protocol):
    """A shop whose parts are processes of this machine, or pods of a cluster."""

    @property
    def url(self) -> str:
        """Where its clients find the gateway."""

    @property
    def topics(self) -> Topics:
        """The events on Kafka."""

    @property
    def without(self) -> Sequence[str]:
        """Kinds of fault that cannot be made on it."""

    @property
    def poison(self) -> Sequence[str]:
        """Ids of the events that were sent to be refused."""

    def tables(self) -> contextlib.AbstractContextManager[tuple[Inventory, Orders, Tables]]:
        """Sessions with the three databases."""

    async def strike(self, fault: Fault) -> None:
        """Let it go wrong, and return when it is over; what was killed may still be starting."""

    async def back(self) -> None:
        """Wait until every part serves."""

    async def settle(self) -> bool:
        """Have orders settled now that were left; whether settle_orders could be called."""

    @property
    def pending(self) -> int:
        """Deliveries that the faults have put off, and that are still to come."""


@contextlib.contextmanager
def opened(urls: dict[str, str]) -> Iterator[tuple[Inventory, Orders, Tables]]:
    """Sessions with the three databases at these addresses."""
    with contextlib.ExitStack() as stack:
        inventory, orders = Inventory(urls["inventory"]), Orders(urls["orders"])
        stack.callback(inventory.close)
        stack.callback(orders.close)
        notifications = Tables("notifications", urls["notifications"])
        stack.callback(notifications.close)
        yield inventory, orders, notifications
