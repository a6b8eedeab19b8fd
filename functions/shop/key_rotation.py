"""Exchanging the key of access tokens while everybody goes on: a step at a time.

1. A new key is published beside the old one, and does not sign: whoever verifies comes to know it.
2. It signs. The old one stays published: tokens that it has signed are still about.
3. The old one goes, when the last of them has expired.

Each step is taken only when the one before has had its time. What is under way stands in the keys
themselves, in members that a reader of keys passes over.
"""

import time
from collections.abc import Sequence

from shop.keys import Jwk, generate

# As long as the list of keys may be kept by those who have read it.
KNOWN_SECONDS = 300
# Clocks differ, and a verifier allows for that.
_LEEWAY_SECONDS = 60


class TooEarlyError(Exception):
    """The step before has not had its time; `seconds` is what is left of it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The next step may be taken in {seconds:.0f} s.")
        self.seconds = seconds


def next_step(
    keys: Sequence[Jwk], *, token_seconds: int, now: float | None = None
) -> tuple[list[Jwk], str, bool]:
    """The keys after the next step, what it has done, and whether the exchange is over.

    `token_seconds` is how long an access token lives.

    Raises:
        TooEarlyError: it is not yet time for it.
    """
    now = time.time() if now is None else now
    first, *others = keys
    since = str(int(now))
    for key in others:
        if key.get("state") == "next":
            _wait(key, KNOWN_SECONDS, now)
            signing = {name: value for name, value in key.items() if name not in ("state", "since")}
            rest = [each for each in others if each is not key]
            retired = first | {"state": "retired", "since": since}
            said = f"{key['kid']} signs; {first['kid']} stays until its last token has expired."
            return [signing, retired, *rest], said, False
    for key in others:
        if key.get("state") == "retired":
            _wait(key, token_seconds + _LEEWAY_SECONDS, now)
            rest = [each for each in others if each is not key]
            return [first, *rest], f"{key['kid']} is gone; {first['kid']} signs.", not rest
    made = generate(_kid(keys)) | {"state": "next", "since": since}
    said = f"{made['kid']} is published; {first['kid']} signs as before."
    return [first, *others, made], said, False


def _wait(key: Jwk, seconds: float, now: float) -> None:
    left = float(key["since"]) + seconds - now
    if left > 0:
        raise TooEarlyError(left)


def _kid(keys: Sequence[Jwk]) -> str:
    """An id after all that there are."""
    numbers = [int(key["kid"].rpartition(".")[2]) for key in keys if key["kid"][-1:].isdigit()]
    return f"tokens.{max(numbers, default=0) + 1}"
