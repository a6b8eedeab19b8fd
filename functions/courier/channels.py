"""Where notifications go: the log, and whatever Apprise knows an address for."""

import hashlib
import logging
import queue
import re
import time
from typing import TYPE_CHECKING, Protocol

from courier.claims import Claimed
from shop.settings import SettingError

if TYPE_CHECKING:
    from apprise import NotifyBase

LOG = "log://"

# Sends at a time to a service that sets no rate.
_AT_A_TIME = 8
# A channel that failed is left alone for so long: a dead one must not hold up the others.
_REST_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Channel(Protocol):
    """A place that notifications are sent to; `name` identifies it across restarts.

    It takes one notification in `seconds_each`, where that is not 0.
    """

    name: str
    remote: bool
    seconds_each: float

    def send(self, notification: Claimed) -> bool:
        """Send, and say whether it arrived. Called by several threads at a time."""


class LogChannel:
    """A line in the courier's log."""

    name = "log"
    remote = False
    seconds_each = 0.0

    def send(self, notification: Claimed) -> bool:
        """Write the line."""
        text = f"{notification.title}: {notification.message}"
        _log.info(text, extra={"notification": text, "type": notification.type})
        return True


class AppriseChannel:
    """A service that Apprise sends to: mail, chat, a webhook, and so on."""

    remote = True

    def __init__(self, url: str, place: int) -> None:
        from apprise import Apprise, AppriseAsset

        asset = AppriseAsset(app_id="ShopHub", app_desc="ShopHub notifications")
        scheme = url.partition(":")[0]
        # The address holds secrets, and the name is stored.
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        self.name = f"{scheme}-{digest}"
        self._idle: queue.SimpleQueue[NotifyBase] = queue.SimpleQueue()
        self._rests_until = 0.0
        made = 0
        while made < _AT_A_TIME:
            service = Apprise.instantiate(url, asset=asset)
            if service is None:
                raise SettingError(f"address {place} of NOTIFY_URLS ({scheme}:…) is not known")
            self._idle.put(service)
            made += 1
            self.seconds_each = float(service.request_rate_per_sec)
            if self.seconds_each > 0:
                break  # A second instance would not know when the first one sent.

    def send(self, notification: Claimed) -> bool:
        """Send with an instance of our own: Apprise's are not meant for several threads."""
        service = self._idle.get()
        try:
            if time.monotonic() < self._rests_until:
                return False
            arrived = bool(service.notify(body=notification.message, title=notification.title))
        except Exception:  # noqa: BLE001 - a service is others' code: in whatever way it failed
            _log.exception("%s failed", self.name)
            arrived = False
        finally:
            self._idle.put(service)
        if not arrived:
            self._rests_until = time.monotonic() + _REST_SECONDS
        return arrived


def open_channels(urls: str) -> list[Channel]:
    """The channels of NOTIFY_URLS, addresses with commas or white space between them.

    Raises:
        SettingError: an address is none that Apprise knows; the message does not show it.
    """
    channels: list[Channel] = []
    for place, url in enumerate(re.split(r"[,\s]+", urls.strip()), start=1):
        if url == LOG:
            channels.append(LogChannel())
        elif url:
            channels.append(AppriseChannel(url, place))
    if not channels:
        raise SettingError("NOTIFY_URLS names no address")
    return channels
