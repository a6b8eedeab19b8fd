"""Passwords: hashed with argon2id, beside the event loop, and never compared in any other way.

The parameters are the least that OWASP names, 19 MiB in two passes: 21 ms of one core here. So a
pod signs some 45 people in each second, and whoever has stolen the table tries as many passwords
with each of his cores. A pod has 256 MiB: two are hashed in it at a time, and the rest waits.
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import argon2

from shop.services import Services

Answer = TypeVar("Answer")

MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
_SALT_BYTES, _HASH_BYTES = 16, 32
_AT_ONCE = 2


class Passwords:
    """Hashes and verifies."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=PASSES,
            memory_cost=MEMORY_KIB,
            parallelism=LANES,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._threads = ThreadPoolExecutor(_AT_ONCE, "argon2")
        # No password is known to have it; comparing one with it takes what any comparison takes.
        self._decoy = (
            f"$argon2id$v={argon2.low_level.ARGON2_VERSION}$m={MEMORY_KIB},t={PASSES},p={LANES}"
            f"${_text(_SALT_BYTES)}${_text(_HASH_BYTES)}"
        )

    async def hash(self, password: str) -> str:
        """The password's hash, with its salt and its parameters."""
        return await self._aside(self._hasher.hash, _prepared(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the hash is the password's; where there is none, as slowly as where there is."""
        fits = await self._aside(self._fits, stored or self._decoy, _prepared(password))
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than it would be today."""
        return self._hasher.check_needs_rehash(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except argon2.exceptions.VerifyMismatchError:
            return False

    async def _aside(self, work: Callable[..., Answer], *arguments: str) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


@lru_cache(maxsize=1)
def passwords(_: Services) -> Passwords:
    """The process's own."""
    return Passwords()


def _prepared(password: str) -> str:
    """The same for the same characters, however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)


def _text(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
