"""The notifications' database and functions, and posting events to them as KafkaSource does."""

import json
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from yarl import URL

from shop.emit_event import full_type
from tests.support.functions import Function, Host
from tests.support.shop import Answer
from tests.support.tables import Tables

NAMES = (
    "notify_inventory", "notify_order", "list_notifications", "list_dead_letters",
    "record_dead_letter",
)  # fmt: skip
LAPTOP = {
    "product_id": 1,
    "product": "Laptop",
    "price": 999.99,
    "stock": 50,
    "category": None,
    "created_at": "2026-01-02T03:04:05.000006Z",
}
# A name of 500 characters, as a header writes it: each takes four bytes, and none can be saved.
_CHARACTERS = random.Random(1).choices(range(0x10000, 0x2FFFD), k=500)
WIDE = quote("".join(map(chr, _CHARACTERS)))
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Notifications(Tables):
    """The notifications' database."""

    def __init__(self, url: str) -> None:
        super().__init__("notifications", url)

    def told(self) -> list[tuple[str, str, str]]:
        """(type, title, message) of each notification, in order."""
        return self.rows("SELECT type, title, message FROM notifications ORDER BY id")

    def tell(self, number: int = 1, type_: str = "product.created") -> None:
        """Notifications that wait for delivery, named 1 to `number`."""
        self.run(
            "INSERT INTO notifications"
            " (type, title, message, source, event_id, subject, traceparent)"
            " SELECT %s, '📦 New product added', 'Product ' || i, '/shophub/inventory', i::text,"
            " 'products/' || i, %s FROM generate_series(1, %s) i",
            type_, f"00-{TRACE}-b7ad6b7169203331-00", number,
        )  # fmt: skip


class Told:
    """The functions of the notifications, and a client of them."""

    def __init__(self, url: str, **settings: str) -> None:
        self.host = Host()
        given = {"DATABASE_URL": url, **settings}
        self._functions = {name: self.host.serve(name, given) for name in NAMES}
        self.measured: list[tuple[str, float, Mapping[str, str]]] = []
        for function in self._functions.values():
            _listen(function, self.measured)

    def close(self) -> None:
        """Stop them."""
        self.host.close()

    async def send(
        self,
        function: str,
        type_: str = "product.created",
        data: Any = LAPTOP,
        *,
        id_: str | None = None,
        source: str = "/shophub/inventory",
        **attributes: str,
    ) -> Answer:
        """Post an event in binary mode; `data` is sent as JSON, bytes as they are."""
        headers = {
            "ce-specversion": "1.0",
            "ce-id": id_ or str(uuid4()),
            "ce-source": source,
            "ce-type": full_type(type_),
            "content-type": "application/json",
        }
        headers |= {f"ce-{name}": value for name, value in attributes.items()}
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return await self.request("POST", function, "/", body, headers)

    async def get(self, function: str, path: str, **headers: str) -> Answer:
        """GET a path of a function."""
        return await self.request("GET", function, path, None, headers)

    async def request(
        self, method: str, function: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send a request to a function."""
        url = URL(self._functions[function].address + path, encoded=True)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as answer,
        ):
            return Answer(answer.status, answer.headers, await answer.read())


def _listen(function: Function, measured: list[tuple[str, float, Mapping[str, str]]]) -> None:
    """Let the function's measurements be seen."""

    def listener(name: str) -> Any:
        return lambda value, labels: measured.append((name, value, labels))

    telemetry = function.services.telemetry
    for name in (
        "notification_duplicate_events",
        "notification_event_latency",
        "notification_message_processing_duration",
    ):
        telemetry._made[name] = listener(name)
