"""Bring one area's database to the newest schema: `python -m shop.migrate inventory`.

It waits up to 60 s for the database, takes an advisory lock so that two runs do not meet,
and does nothing where there is nothing to do: nor where a later release has been here, whose
schema bears this one, so that a release can be taken back.
"""

import importlib
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable

from shop.settings import SettingError, Settings

AREAS = ("inventory", "orders", "notifications", "identity")
_WAIT_SECONDS = 60
_LOCK = 7_410_001
_LOCK_SECONDS = 2.0
_ATTEMPTS = 30


def configuration(area: str, connection: sa.Connection) -> Config:
    """Alembic's configuration for one area."""
    folder = Path(__file__).with_name("migrations")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(folder / area))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = importlib.import_module(f"shop.model.{area}").metadata
    return config


def connect(url: str, *, wait: float = _WAIT_SECONDS) -> sa.Connection:
    """A connection to the database, once it answers; OperationalError after `wait` seconds."""
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
    )
    give_up = time.monotonic() + wait
    while True:
        try:
            return engine.connect()
        except sa.exc.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def migrate(area: str, url: str, revision: str = "head") -> bool:
    """Run what is missing of the area's migrations, up to a revision.

    A change of a table waits for whoever uses it, and all who come later wait behind it. So it
    gives up after two seconds, lets them pass, and tries again. Returns whether the schema is
    this release's; False where it is a later one's, which is left as it is.

    Raises:
        OperationalError: PostgreSQL does not answer, or a table is in use all the time.
    """
    with connect(url) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
        connection.commit()
        if _is_of_a_later_release(area, connection):
            return False
        for attempt in range(1, _ATTEMPTS + 1):
            connection.exec_driver_sql(f"SET lock_timeout = {_LOCK_SECONDS * 1000:.0f}")
            connection.commit()
            try:
                _drop_unfinished_indexes(connection)
                command.upgrade(configuration(area, connection), revision)
                connection.commit()
            except sa.exc.OperationalError as error:
                connection.rollback()
                if attempt == _ATTEMPTS or not isinstance(error.orig, LockNotAvailable):
                    raise
                time.sleep(_LOCK_SECONDS)
            else:
                return True
    raise AssertionError("unreachable")


def _is_of_a_later_release(area: str, connection: sa.Connection) -> bool:
    """Whether a migration has been run that this release does not know."""
    known = {each.revision for each in _scripts(area, connection).walk_revisions()}
    found = MigrationContext.configure(connection).get_current_heads()
    connection.commit()
    return not known.issuperset(found)


def _scripts(area: str, connection: sa.Connection) -> ScriptDirectory:
    return ScriptDirectory.from_config(configuration(area, connection))


def _drop_unfinished_indexes(connection: sa.Connection) -> None:
    """What a CREATE INDEX CONCURRENTLY leaves that was cut off: IF NOT EXISTS would take it."""
    names = connection.exec_driver_sql(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    ).scalars()
    for name in list(names):
        connection.exec_driver_sql(f"DROP INDEX {name}")
    connection.commit()


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    if len(arguments) != 1 or arguments[0] not in AREAS:
        print(f"usage: python -m shop.migrate {'|'.join(AREAS)}", file=sys.stderr)
        return 2
    try:
        is_ours = migrate(arguments[0], Settings().text("DATABASE_URL"))
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    except sa.exc.OperationalError as error:
        print(f"the database does not answer: {error.orig}", file=sys.stderr)
        return 1
    state = "up to date" if is_ours else "of a later release, and left as it is"
    print(f"{arguments[0]}: the schema is {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
