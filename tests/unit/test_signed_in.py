"""Tools sign in as whom the environment names, and once for as long as that lasts."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from signed_in import SignedIn, SignInError

_ADA = {"SHOP_EMAIL": "ada@example.com", "SHOP_PASSWORD": "correct horse battery"}


class Stub:
    """A shop that signs people in."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str, Any]] = []
        self.status = 200
        self.seconds = 900


@pytest.fixture
def stub() -> Iterator[Stub]:
    found = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.asked.append((self.path, self.headers["host"], body))
            token = f"token {len(found.asked)}"
            answer = json.dumps({"access_token": token, "expires_in": found.seconds}).encode()
            self.send_response(found.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def test_it_signs_in_once_and_behind_an_ingress(stub: Stub) -> None:
    account = SignedIn(stub.url, "shop.example.com", _ADA)
    assert account.headers() == account.headers() == {"Authorization": "Bearer token 1"}
    (asked,) = stub.asked
    assert asked == (
        "/api/auth/token",
        "shop.example.com",
        {"email": "ada@example.com", "password": "correct horse battery"},
    )


def test_it_signs_in_again_before_the_token_expires(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = SignedIn(stub.url, None, _ADA)
    account.headers()
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 841)
    assert account.headers() == {"Authorization": "Bearer token 2"}


def test_who_names_nobody_is_a_guest_and_a_token_is_taken_as_it_is(stub: Stub) -> None:
    assert SignedIn(stub.url, None, {}).headers() == {}
    given = SignedIn(stub.url, None, {"SHOP_TOKEN": "x"}).headers()
    assert given == {"Authorization": "Bearer x"}
    assert stub.asked == []


def test_credentials_that_are_refused_are_said_without_the_password(stub: Stub) -> None:
    stub.status = 401
    with pytest.raises(SignInError, match=r"answers 401 to ada@example\.com") as refused:
        SignedIn(stub.url, None, _ADA).headers()
    assert "battery" not in str(refused.value)
