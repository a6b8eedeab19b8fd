from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from courier.deliver_notifications import Courier
from shop.settings import Settings
from tests.support import loops
from tests.support.notifications import Notifications
from tests.support.webhook import Webhook, webhook

MakeCourier = Callable[[str], Courier]


@pytest.fixture
def make_courier(notifications: Notifications) -> Iterator[MakeCourier]:
    """Makes couriers for some addresses, whose turns the test takes; they end with it."""
    with ExitStack() as stack:

        def make(urls: str) -> Courier:
            loop = stack.enter_context(loops.loop("courier", "notifications"))
            settings = {"DATABASE_URL": notifications.url, "NOTIFY_URLS": urls}
            courier = Courier(loop, Settings(settings))
            courier._failed = loops.Counter()
            stack.callback(courier.close)
            return courier

        yield make


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """A webhook on this machine."""
    with webhook() as running:
        yield running


@pytest.fixture
def other_hook() -> Iterator[Webhook]:
    """Another webhook."""
    with webhook() as running:
        yield running
