"""The way from the edge to a function is the framework's handler, and nothing around it."""

from pathlib import Path

from functions_framework.aio import create_asgi_app

from shop.straight import straight_to
from tests.support.asgi import exchange

_SOURCE = """
import functions_framework.aio
from starlette.responses import PlainTextResponse


@functions_framework.aio.http
async def greet(request):
    body = await request.body()
    return PlainTextResponse(f"{request.method} {request.url.path} {body.decode()}", 202)
"""


async def test_the_registered_function_answers_what_the_edge_hands_on(tmp_path: Path) -> None:
    source = tmp_path / "greet.py"
    source.write_text(_SOURCE)
    app = straight_to(create_asgi_app("greet", str(source)))  # type: ignore[no-untyped-call]

    for path in ("/", "/things/7"):
        answer = await exchange(app, "POST", path, pieces=(b"hel", b"lo"))

        assert (answer.status, answer.body) == (202, f"POST {path} hello".encode())
