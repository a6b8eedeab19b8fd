"""A PostgreSQL server of the tests' own, with the shop's four databases in it."""

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.layout import HOST, Layout
from local.postgres import Postgres
from shop.migrate import AREAS, migrate

# What a test writes need not survive a power cut.
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `urls` holds, by area, the connection of its owner."""

    urls: Mapping[str, str]
    admin: str = ""
    """The connection of a superuser."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """A server on a free port whose databases are migrated; it is gone at the end."""
    # Not below pytest's own directory: the server's user is another one where root runs this.
    data = Path(tempfile.mkdtemp(prefix="shop-test-"))
    data.chmod(0o755)
    layout = Layout(data, free_port() - Layout(data).postgres)
    layout.logs.mkdir()
    postgres = Postgres(layout, AREAS)
    asyncio.run(postgres.initialise())
    spec = postgres.spec()
    with (layout.logs / "postgres.log").open("wb") as log:
        child = subprocess.Popen(
            [*spec.command, *(part for setting in _FAST for part in ("-c", setting))],
            env=spec.environment,
            cwd=spec.cwd,
            user=spec.user,
            group=spec.user,
            extra_groups=[] if spec.user is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        asyncio.run(_prepared(postgres))
        urls = {area: postgres.url(area) for area in AREAS}
        for area, url in urls.items():
            migrate(area, url)
        yield Server(urls, postgres.admin_url)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        shutil.rmtree(data, ignore_errors=True)


async def _prepared(postgres: Postgres) -> None:
    async with asyncio.timeout(30):
        await postgres.wait()
    await postgres.create_databases()
