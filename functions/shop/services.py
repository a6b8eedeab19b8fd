"""What a function's process holds while it serves: wired once, handed to every call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from shop.settings import Settings
from shop.telemetry import Telemetry

if TYPE_CHECKING:
    from shop.client import Client
    from shop.database import Database
    from shop.trust import Trust

Made = TypeVar("Made")


@dataclass(slots=True, eq=False)
class Services:
    """The process's wiring.

    Asking for the database or the client of a function that was not declared to use one is
    a defect and raises RuntimeError.
    """

    settings: Settings
    telemetry: Telemetry
    function: str
    database_or_none: "Database | None" = None
    client_or_none: "Client | None" = None
    # None where authentication is off.
    trust: "Trust | None" = None
    _made: dict[Callable[["Services"], Any], Any] = field(default_factory=dict)

    def one(self, make: Callable[["Services"], Made]) -> Made:
        """What `make` makes of these services, once in the process; later calls get the same."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    @property
    def database(self) -> "Database":
        """The database of the function's area."""
        if self.database_or_none is None:
            raise RuntimeError(f"{self.function} is not declared to use a database")
        return self.database_or_none

    @property
    def client(self) -> "Client":
        """The client for calls to other functions."""
        if self.client_or_none is None:
            raise RuntimeError(f"{self.function} is not declared to call others")
        return self.client_or_none
