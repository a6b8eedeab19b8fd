"""Keep the events that could not be handled, for an operator to see and to replay."""

from collections.abc import Mapping
from typing import Any

from shop.dead_letters import store
from shop.event_signatures import holds
from shop.events import Received
from shop.operation import event_handler
from shop.services import Services


@event_handler(area="notifications", summary="Store dead letters")
async def record_dead_letter(received: Received, services: Services) -> Mapping[str, Any]:
    """Store the event whatever it holds; the same one from the same destination replaces its error.

    Nothing but a failing database refuses it: a dead letter has nowhere else to go. Where its
    source has not signed it, that is kept with it.
    """
    verified = holds(services.trust.verifier, received) if services.trust else None
    destination = await store(received, services.database, verified=verified)
    told = f"{received.type} of {received.source}, not taken by {destination}"
    return {"dead_letter": told, **({} if verified is None else {"verified": verified})}
