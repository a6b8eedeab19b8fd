"""Who calls, and what he may: decided at the edge, before a function's story begins."""

from dataclasses import dataclass
from typing import Literal

from shop.errors import Forbidden, Unauthenticated

# What an operation asks of its caller: nothing, an account, an admin's account, or to be a part of
# the shop that the operation names. `own` operations decide by themselves: the gateway by tokens,
# those that take events by the events.
Access = Literal["public", "customer", "admin", "system", "own"]
Role = Literal["guest", "customer", "admin", "system"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an account with its role, a guest, or a part of the shop.

    `account` is empty where it is none; `part` is the name of one that calls as the system.
    """

    account: str = ""
    role: Role = "guest"
    part: str = ""


GUEST = Caller()
# Where authentication is off, nobody is asked and nothing is kept from anybody.
ANYBODY = Caller(role="admin")


def check(caller: Caller, access: Access | None, callers: tuple[str, ...] = ()) -> None:
    """Let the caller pass.

    Raises:
        Unauthenticated: he has to say who he is.
        Forbidden: he has, and may not; nobody may where the operation does not say who.
    """
    if access in ("public", "own"):
        return
    if caller.role == "guest":
        raise Unauthenticated
    allowed = {
        "customer": caller.role in ("customer", "admin"),
        "admin": caller.role == "admin",
        "system": caller.role == "system" and caller.part in callers,
    }
    if access is None or not allowed[access]:
        raise Forbidden
