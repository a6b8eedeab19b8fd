"""Make an admin: `python -m shop.create_admin ada@example.com`, with the identity's database.

The password is that of ADMIN_PASSWORD; without it one is asked for on a terminal, and made up
elsewhere and shown once. An account that is there becomes an admin's, gets that password, and is
signed out everywhere.
"""

import argparse
import asyncio
import getpass
import secrets
import sys
from collections.abc import Sequence

import psycopg

from shop.accounts import MAKE_ADMIN
from shop.api.accounts import NewAccount
from shop.errors import Invalid
from shop.parsing import validate
from shop.passwords import Passwords
from shop.settings import SettingError, Settings


def password_of(settings: Settings) -> tuple[str, bool]:
    """The password, and whether it was made up."""
    if settings.has("ADMIN_PASSWORD"):
        return settings.text("ADMIN_PASSWORD"), False
    if sys.stdin.isatty():
        return getpass.getpass("Password of the admin: "), False
    return secrets.token_urlsafe(18), True


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(prog="create_admin", description="Make an admin.")
    made.add_argument("email", help="by which the admin signs in")
    made.add_argument("--name", help="what the admin is called")
    return made


def checked(email: str, name: str | None, password: str) -> NewAccount:
    """The account as anybody else's would have to be; Invalid says what does not hold."""
    return validate(NewAccount, {"email": email, "name": name, "password": password})


def make_admin(url: str, account: NewAccount) -> tuple[str, bool]:
    """The admin's id, and whether there was an account.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    hashed = asyncio.run(Passwords().hash(account.password))
    values = {"email": account.email, "name": account.name, "password_hash": hashed}
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        cursor = connection.execute(MAKE_ADMIN.sql, MAKE_ADMIN.arguments(values))
        row: tuple[str, bool] = cursor.fetchone()  # type: ignore[assignment]
    return row


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    given = parser().parse_args(arguments)
    settings = Settings()
    try:
        url = settings.text("DATABASE_URL")
        password, made_up = password_of(settings)
        account_id, existed = make_admin(url, checked(given.email, given.name, password))
    except (SettingError, Invalid) as error:
        print(error, file=sys.stderr)
        return 2
    except psycopg.OperationalError as error:
        print(f"the database does not answer: {error}", file=sys.stderr)
        return 1
    done = "is an admin now, with a new password" if existed else "is an admin"
    print(f"{given.email} {done} ({account_id}).")
    if made_up:
        print(f"Password, shown this once: {password}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
