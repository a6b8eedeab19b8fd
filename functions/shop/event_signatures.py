"""Events are signed by who publishes them: Kafka's word is not taken for where one comes from.

The signature is the extension `signature` of the CloudEvent: the id of a key, a colon, and what
the key made of source, id, type, subject, time and the bytes of the data.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from shop import trust
from shop.errors import EventNotTrusted
from shop.events import SOURCES, Received
from shop.keys import OPERATOR, Signer, Verifier, decoded, encoded, signer_of
from shop.settings import Settings

# Adds the extension to the attributes of an event with that data.
Vouch = Callable[[dict[str, str], bytes], None]

EXTENSION = "signature"
# Before what is signed, so that no signature made for something else could be one of an event.
_PURPOSE = "shophub event 1"
_SIGNED = ("source", "id", "type", "subject")
# An area's events are its relay's; an operator may send any.
_SIGNERS = {source: (f"{area}-relay", OPERATOR) for area, source in SOURCES.items()}


def signature(signer: Signer, attributes: Mapping[str, str], data: bytes) -> str:
    """The extension's value for an event with those attributes and that data."""
    return f"{signer.kid}:{encoded(signer.signature(_message(attributes, data)))}"


def operator(settings: Settings) -> Vouch:
    """Signs events in the operator's name, where the settings have his key.

    Raises:
        SettingError: the key is none.
    """
    key = trust.own_key(settings) if settings.has("IDENTITY_SIGNING_KEY") else None

    def vouch(attributes: dict[str, str], data: bytes) -> None:
        if key is not None:
            attributes[EXTENSION] = signature(key, attributes, data)

    return vouch


def holds(verifier: Verifier, event: Received) -> bool:
    """Whether one who may send events of that source has signed it as it is."""
    kid, _, text = str(event.attributes.get(EXTENSION) or "").partition(":")
    if signer_of(kid) not in _SIGNERS.get(event.source, ()):
        return False
    try:
        made = decoded(text)
    except ValueError:
        return False
    return verifier.holds(kid, _message(event.attributes, event.body), made)


def require(verifier: Verifier, event: Received) -> None:
    """Take the event; EventNotTrusted where nobody who may send it has signed it as it is."""
    if not holds(verifier, event):
        raise EventNotTrusted(f"Nobody who may tell of {event.source[:200]} has signed it.")


def _message(attributes: Mapping[str, str], data: bytes) -> bytes:
    named = [str(attributes.get(name) or "") for name in _SIGNED]
    words = [_PURPOSE, *named, _moment(str(attributes.get("time") or ""))]
    return json.dumps(words).encode() + b"\n" + data


def _moment(text: str) -> str:
    """The time, to the microsecond: brokers and dispatchers write it in forms of their own."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
