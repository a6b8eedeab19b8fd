"""The first admin is made by hand, and by nothing that a request can do."""

import asyncio
import io

import pytest

from shop import create_admin
from tests.support.identity import EMAIL, Accounts, Identity

_WORD = "a password of an admin"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, identity: Identity) -> None:
    monkeypatch.setenv("DATABASE_URL", identity.url)
    monkeypatch.setenv("ADMIN_PASSWORD", _WORD)


async def test_an_admin_signs_in_as_one(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await _run([EMAIL, "--name", "Ada"])
    answer = await accounts.sign_in(password=_WORD)
    assert made == 0
    assert accounts.claims(answer)["role"] == answer.json["account"]["role"] == "admin"
    assert answer.json["account"]["name"] == "Ada"
    printed = capsys.readouterr().out
    assert printed.startswith(f"{EMAIL} is an admin (")
    assert _WORD not in printed


async def test_an_account_becomes_an_admins_with_a_new_password_and_is_signed_out(
    accounts: Accounts, identity: Identity, capsys: pytest.CaptureFixture[str]
) -> None:
    account = (await accounts.register()).json
    token = (await accounts.sign_in()).json["refresh_token"]
    assert await _run([EMAIL.upper()]) == 0
    assert "is an admin now, with a new password" in capsys.readouterr().out
    assert (await accounts.sign_in()).status == 401
    assert (await accounts.sign_in(password=_WORD)).json["account"]["id"] == account["id"]
    assert (await accounts.refresh(token)).status == 401
    assert identity.value("SELECT count(*) FROM accounts") == 1


async def test_without_a_terminal_a_password_is_made_up_and_shown(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ADMIN_PASSWORD")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert await _run([EMAIL]) == 0
    shown = capsys.readouterr().out.splitlines()[-1].removeprefix("Password, shown this once: ")
    assert (await accounts.sign_in(password=shown)).json["account"]["role"] == "admin"


@pytest.mark.parametrize(("email", "word"), [("nobody", _WORD), (EMAIL, "short")])
async def test_what_no_account_could_have_is_refused(
    accounts: Accounts,  # noqa: ARG001 - its database is empty
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
    email: str,
    word: str,
) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", word)
    assert await _run([email]) == 2
    assert identity.value("SELECT count(*) FROM accounts") == 0


async def _run(arguments: list[str]) -> int:
    """The command, in a thread of its own: it has an event loop of its own."""
    return await asyncio.to_thread(create_admin.main, arguments)
