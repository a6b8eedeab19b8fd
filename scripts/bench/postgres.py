"""A PostgreSQL of the benchmark's own, set up as the local platform sets up its one."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench.machine import on_core
from bench.processes import STATE, BenchError, stop
from local.layout import Layout, PlatformError
from local.postgres import Postgres as LocalPostgres

_READY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, and its superuser's address."""

    pid: int
    admin_url: str

    def url(self, database: str) -> str:
        """Address of a database."""
        return database_url(self.admin_url, database)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Connect in autocommit."""
        return psycopg.connect(self.url(database), autocommit=True)

    def create_database(self, name: str) -> str:
        """Make a database anew and return its address."""
        with self.connect() as connection:
            create_database(connection, name)
        return self.url(name)

    def settle(self, database: str, *tables: str) -> None:
        """Vacuum tables and write a checkpoint, so that each run finds the same state."""
        with self.connect(database) as connection:
            for table in tables:
                connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
            connection.execute("CHECKPOINT")


def database_url(url: str, database: str, query: str = "") -> str:
    """Address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}", query=query))


def create_database(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    """Make an empty database, in place of one that has the name."""
    drop_database(connection, name)
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop_database(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    """Drop a database, whoever is connected to it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    connection.execute(statement.format(sql.Identifier(name)))


@contextmanager
def running_postgres(port: int, core: int | None) -> Iterator[Postgres]:
    """Run PostgreSQL on a core until the block ends; its data are deleted before and after.

    Raises:
        BenchError: it did not start.
    """
    home = STATE / "postgresql"
    shutil.rmtree(home, ignore_errors=True)
    layout = Layout(home, 0)
    layout = Layout(home, port - layout.postgres)
    layout.logs.mkdir(parents=True)
    local = LocalPostgres(layout, ())
    try:
        asyncio.run(local.initialise())
    except PlatformError as error:
        raise BenchError(str(error)) from error
    spec = local.spec()
    log = layout.logs / "postgres.log"
    with log.open("wb") as output, on_core(core):
        process = subprocess.Popen(
            spec.command, env=spec.environment, cwd=spec.cwd, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, user=spec.user, group=spec.user,
            extra_groups=None if spec.user is None else [],
        )  # fmt: skip
    try:
        server = Postgres(process.pid, local.admin_url)
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(server):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"PostgreSQL did not start: {log.read_text().strip()[-300:]}")
            time.sleep(0.05)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(spec.stop_signal)
        stop(process)
        shutil.rmtree(home, ignore_errors=True)


def _answers(server: Postgres) -> bool:
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True
