"""The errors that a client can be told about, as one small tree.

A function raises one; the edge answers with it as `application/problem+json` (RFC 9457).
Whatever is not in this tree is a defect and is answered with a bare 500.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An error with an HTTP status.

    `detail` is for people and may be shown to the client. `extra` holds further members
    of the JSON body; `headers` go onto the answer.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = dict(headers or {})
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        return {
            "type": f"/problems/{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }

    def body(self) -> bytes:
        """The problem document as UTF-8 JSON."""
        return json.dumps(self.document(), ensure_ascii=False).encode()


class BadRequest(Problem):
    """The request cannot be read at all."""

    status, type, title = 400, "bad-request", "The request cannot be read"


class InvalidCredentials(Problem):
    """No account has this e-mail address with this password; which of them is wrong is not said."""

    status, type, title = 401, "invalid-credentials", "The e-mail address or the password is wrong"


class InvalidSession(Problem):
    """The refresh token is none, was used before, or its session has ended."""

    status, type, title = 401, "invalid-session", "The session has ended"


class Unauthenticated(Problem):
    """The caller does not say who he is, or not so that it can be believed.

    `error` is the word of RFC 6750 for what is wrong with a token that came.
    """

    status, type, title = 401, "unauthenticated", "Who calls is not known"

    def __init__(self, detail: str = "", *, error: str = "") -> None:
        challenge = 'Bearer realm="shophub"'
        if error:
            challenge += f', error="{error}", error_description="{detail}"'
        super().__init__(
            detail or "This needs an access token.", headers={"WWW-Authenticate": challenge}
        )


class Forbidden(Problem):
    """It is known who calls, and he may not."""

    status, type, title = 403, "forbidden", "Not allowed"

    def __init__(self, detail: str = "") -> None:
        challenge = 'Bearer realm="shophub", error="insufficient_scope"'
        super().__init__(
            detail or "The account may not do this.", headers={"WWW-Authenticate": challenge}
        )


class EventNotTrusted(Problem):
    """The event is not signed by whom it says that it comes from.

    Of the statuses that tell this, it is one that Knative does not repeat: the event is a dead
    letter at once.
    """

    status, type, title = 403, "event-not-trusted", "The event is not signed by its source"


class NotFound(Problem):
    """There is nothing at that address."""

    status, type, title = 404, "not-found", "Not found"


class ProductNotFound(NotFound):
    """One or more products do not exist, or exist no longer."""

    type, title = "product-not-found", "No such product"


class OrderNotFound(NotFound):
    """The order does not exist."""

    type, title = "order-not-found", "No such order"


class MethodNotAllowed(Problem):
    """The address exists, but not for that method."""

    status, type, title = 405, "method-not-allowed", "Method not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(f"Allowed here: {methods}.", headers={"Allow": methods})


class Conflict(Problem):
    """The request is fine, the state of the thing is not."""

    status, type, title = 409, "conflict", "Conflict"


class InsufficientStock(Conflict):
    """There is less in stock than asked for; `products` names each and what is available."""

    type, title = "insufficient-stock", "Not enough stock"

    @classmethod
    def of(cls, short: Sequence[tuple[int, str, int, int]]) -> "InsufficientStock":
        """Of products as (id, name, quantity asked for, quantity available)."""
        detail = "; ".join(
            f"{name}: {requested} asked for, {available} available"
            for _, name, requested, available in short
        )
        members = ("product_id", "name", "requested", "available")
        products = [dict(zip(members, each, strict=True)) for each in short]
        return cls(detail + ".", products=products)


class ReservationMismatch(Conflict):
    """The reservation's id was used before for other lines."""

    type, title = "reservation-mismatch", "The reservation id was used for other lines"


class ReservationReleased(Conflict):
    """The reservation was released before; it cannot be taken again."""

    type, title = "reservation-released", "The reservation was released"


class OrderCancelled(Conflict):
    """The order of this idempotency key was cancelled before it was confirmed."""

    type, title = "order-cancelled", "The order was cancelled"


class OrderNotCancellable(Conflict):
    """The order is in a state from which it cannot be cancelled."""

    type, title = "order-not-cancellable", "The order cannot be cancelled"


class AccountExists(Conflict):
    """The e-mail address has an account."""

    type, title = "account-exists", "The e-mail address has an account"


class PreconditionFailed(Problem):
    """If-Match names another version than the stored one."""

    status, type, title = 412, "precondition-failed", "Somebody else changed it meanwhile"


class TooLarge(Problem):
    """The body is larger than this function reads."""

    status, type, title = 413, "too-large", "The request body is too large"


class UnsupportedMediaType(Problem):
    """The body is not declared as JSON."""

    status, type, title = 415, "unsupported-media-type", "The body must be JSON"


class Invalid(Problem):
    """The request can be read but does not hold; `errors` names each field."""

    status, type, title = 422, "invalid", "The request is not valid"

    def __init__(self, errors: Sequence[tuple[str, str]], detail: str = "") -> None:
        super().__init__(
            detail or "; ".join(f"{field}: {message}" for field, message in errors),
            errors=[{"field": field, "message": message} for field, message in errors],
        )


class KeyReused(Problem):
    """The idempotency key came before, with another body."""

    status, type, title = 422, "idempotency-key-reused", "The idempotency key was used before"


class TooManyAttempts(Problem):
    """Somebody has tried too many passwords for one e-mail address."""

    status, type, title = 429, "too-many-attempts", "Too many attempts to sign in"

    def __init__(self, detail: str = "", *, retry_after: int = 60) -> None:
        said = detail or f"Try again in {retry_after} s."
        super().__init__(said, headers={"Retry-After": str(retry_after)})


class TooManyRequests(Problem):
    """The account or the address has sent more requests than it may; `Retry-After` says when."""

    status, type, title = 429, "too-many-requests", "Too many requests"


class DependencyDown(Problem):
    """Something that this function needs does not answer; trying again later may help."""

    status, type, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class BadGateway(DependencyDown):
    """A service behind the gateway broke off or answered what is not HTTP."""

    status, type, title = 502, "bad-gateway", "A service broke off its answer"


class DeadlinePassed(DependencyDown):
    """A service behind the gateway did not answer in time."""

    status, type, title = 504, "deadline-passed", "A service did not answer in time"


class Internal(Problem):
    """A defect; the cause is in the log, under the answer's trace id, and nowhere else."""
