"""The client of calls within the shop: whole and flowing answers, broken ones, connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from shop.calling import Session

_SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\n\r\nhello"
_SOON = aiohttp.ClientTimeout(total=None, sock_read=0.2)

Answering = Callable[["Peer"], Awaitable[None]]


class Peer:
    """A connection as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request with its body, which is as long as its head says."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                head += await self.reader.readexactly(int(line.partition(b":")[2]))
        return head

    def send(self, data: bytes) -> None:
        """Send at once."""
        self.writer.write(data)


class Server:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.connections = 0


@asynccontextmanager
async def _serving(answering: Answering | bytes) -> AsyncIterator[Server]:
    """A server that writes the same answer to each request, or runs `answering` once for each."""
    server = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        peer = Peer(reader, writer)
        try:
            while True:
                server.requests.append(await peer.request())
                if isinstance(answering, bytes):
                    peer.send(answering)
                else:
                    await answering(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session(patience=0.0)
    yield session
    await session.close()


async def test_a_request_is_sent_as_it_was_given_and_its_answer_read(session: Session) -> None:
    async with _serving(_SHORT) as server:
        async with session.post(
            f"{server.url}/orders?a=%20", data=b"body", headers={"X-Two": "zwei"}
        ) as answer:
            assert (answer.status, await answer.read()) == (200, b"hello")
            assert answer.headers["x-one"] == "1"
            assert answer.content_length == 5
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /orders?a=%20 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nX-Two: zwei\r\nContent-Length: 4" in head
        assert body == b"body"


async def test_one_connection_serves_one_request_after_another(session: Session) -> None:
    async with _serving(_SHORT) as server:
        for _ in range(3):
            async with session.get(server.url) as answer:
                assert await answer.read() == b"hello"
        assert server.connections == 1


async def test_requests_at_a_time_have_a_connection_each_up_to_the_bound() -> None:
    session = Session(patience=0.0, most=2)
    most = open_now = 0

    async def slowly(peer: Peer) -> None:
        nonlocal most, open_now
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        peer.send(_SHORT)

    async def ask(url: str) -> None:
        async with session.get(url) as answer:
            assert await answer.read() == b"hello"

    async with _serving(slowly) as server:
        await asyncio.gather(*(ask(server.url) for _ in range(6)))
        assert (most, server.connections) == (2, 2)
    await session.close()


async def test_a_connection_that_the_server_wants_closed_is_not_used_again(
    session: Session,
) -> None:
    async with _serving(_SHORT.replace(b"X-One: 1", b"Connection: close")) as server:
        for _ in range(2):
            async with session.get(server.url) as answer:
                assert await answer.read() == b"hello"
        assert server.connections == 2


async def test_an_answer_without_a_body_is_complete(session: Session) -> None:
    async with (
        _serving(b"HTTP/1.1 204 No Content\r\n\r\n") as server,
        session.post(server.url, data=b"") as answer,
    ):
        assert (answer.status, await answer.read()) == (204, b"")


async def test_a_head_has_the_length_of_a_body_that_does_not_come(session: Session) -> None:
    async with _serving(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n") as server:
        for _ in range(2):
            async with session.request("HEAD", server.url) as answer:
                assert answer.content_length == 500_000
                assert await answer.read() == b""
        assert server.connections == 1


async def test_an_interim_answer_is_passed_over(session: Session) -> None:
    async with (
        _serving(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _SHORT) as server,
        session.get(server.url) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"hello")
        assert "link" not in answer.headers


async def test_a_chunked_answer_flows_while_it_comes(session: Session) -> None:
    go_on = asyncio.Event()

    async def in_pieces(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        peer.send(b"3\r\ntwo\r\n0\r\nX-Trailer: 1\r\n\r\n")

    async with _serving(in_pieces) as server:
        async with session.get(server.url) as answer:
            pieces = answer.content.iter_any()
            assert await anext(pieces) == b"one"
            go_on.set()
            assert [piece async for piece in pieces] == [b"two"]
            assert "x-trailer" not in answer.headers
        async with session.get(server.url) as answer:
            assert await answer.read() == b"onetwo"
        assert server.connections == 1


async def test_a_long_answer_is_read_no_faster_than_it_is_taken(session: Session) -> None:
    size = 32_000_000
    sent = asyncio.Event()

    async def much(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(32):
            peer.send(b"x" * (size // 32))
            await peer.writer.drain()
        sent.set()

    async with _serving(much) as server, session.get(server.url) as answer:
        await asyncio.sleep(0.3)
        assert not sent.is_set()
        assert sum([len(piece) async for piece in answer.content.iter_any()]) == size


async def test_the_end_of_the_connection_ends_a_body_of_no_known_length(session: Session) -> None:
    async def until_closed(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")
        peer.writer.close()

    async with _serving(until_closed) as server, session.get(server.url) as answer:
        assert await answer.read() == b"all of it"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_an_error(session: Session, broken: bytes) -> None:
    async def breaking(peer: Peer) -> None:
        peer.send(broken)
        peer.writer.close()

    async with _serving(breaking) as server:
        with pytest.raises(aiohttp.ClientError):
            async with session.post(server.url, data=b"") as answer:
                await answer.read()
        assert len(server.requests) == 1


async def test_a_body_that_breaks_off_on_its_way_is_an_error(session: Session) -> None:
    async def breaking(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await peer.writer.drain()
        await asyncio.sleep(0.05)
        peer.writer.close()

    async with _serving(breaking) as server, session.get(server.url) as answer:
        with pytest.raises(aiohttp.ClientError):
            await answer.read()


async def test_nobody_listens(session: Session) -> None:
    async with _serving(_SHORT) as server:
        url = server.url
    with pytest.raises(aiohttp.ClientConnectorError):
        async with session.get(url):
            pass


async def test_a_refused_connection_is_tried_again_for_a_while() -> None:
    session = Session(patience=5.0)
    async with _serving(_SHORT) as server:
        port = int(server.url.rpartition(":")[2])
    asking = asyncio.create_task(_status(session, server.url))
    await asyncio.sleep(0.2)
    late = await asyncio.start_server(lambda _, writer: writer.write(_SHORT), "127.0.0.1", port)
    assert await asking == 200
    late.close()
    await session.close()


async def _status(session: Session, url: str) -> int:
    async with session.get(url) as answer:
        status: int = answer.status
        return status


@pytest.mark.parametrize("bound", [aiohttp.ClientTimeout(total=0.2), _SOON])
async def test_a_head_that_does_not_come_in_time(
    session: Session, bound: aiohttp.ClientTimeout
) -> None:
    async with _serving(b"") as server:
        with pytest.raises(TimeoutError):
            async with session.get(server.url, timeout=bound):
                pass
        assert await _closes(session)


async def test_a_piece_that_does_not_come_in_time(session: Session) -> None:
    async with (
        _serving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n") as server,
        session.get(server.url, timeout=_SOON) as answer,
    ):
        with pytest.raises(TimeoutError):
            await answer.read()


async def test_an_answer_that_is_left_early_closes_its_connection(session: Session) -> None:
    async with _serving(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nbegun") as server:
        for _ in range(2):
            async with session.get(server.url) as answer:
                assert answer.status == 200
        assert server.connections == 2


async def test_a_request_that_is_cancelled_closes_its_connection(session: Session) -> None:
    async with _serving(b"") as server:
        asking = asyncio.create_task(_status(session, server.url))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await _closes(session)


async def _closes(session: Session) -> bool:
    """Whether what was under way holds no place in the pool any more."""
    async with _serving(_SHORT) as server:
        for _ in range(600):
            assert await _status(session, server.url) == 200
    return True


@pytest.mark.parametrize(("method", "asked"), [("GET", 3), ("POST", 2)])
async def test_only_what_may_be_repeated_is_sent_again_where_an_idle_connection_had_ended(
    session: Session, method: str, asked: int
) -> None:
    """The server takes the second request on the connection, and closes it without a word."""
    number = 0

    async def closing(peer: Peer) -> None:
        nonlocal number
        number += 1
        if number == 2:
            peer.writer.close()
        else:
            peer.send(_SHORT)

    async with _serving(closing) as server:
        assert await _status(session, server.url) == 200
        if method == "GET":
            async with session.request(method, server.url) as answer:
                assert await answer.read() == b"hello"
        else:
            with pytest.raises(aiohttp.ClientError):
                async with session.request(method, server.url, data=b""):
                    pass
        assert len(server.requests) == asked


async def test_an_idle_connection_that_the_server_closed_is_not_used(session: Session) -> None:
    async def once(peer: Peer) -> None:
        peer.send(_SHORT)
        await peer.writer.drain()
        peer.writer.close()

    async with _serving(once) as server:
        for _ in range(2):
            async with session.post(server.url, data=b"") as answer:
                assert await answer.read() == b"hello"
            await asyncio.sleep(0.05)


async def test_words_that_nobody_asked_for_are_no_answer_to_the_next_request(
    session: Session,
) -> None:
    async def twice(peer: Peer) -> None:
        peer.send(_SHORT)
        await asyncio.sleep(0.02)
        peer.send(_SHORT.replace(b"hello", b"wrong"))

    async with _serving(twice) as server:
        for _ in range(2):
            async with session.get(server.url) as answer:
                assert await answer.read() == b"hello"
            await asyncio.sleep(0.05)
        assert server.connections == 2


@pytest.mark.parametrize("value", ["a\r\nX-Three: 3", "a\nb", "a\rb"])
async def test_a_value_cannot_end_its_line(session: Session, value: str) -> None:
    with pytest.raises(ValueError, match="end of a line"):
        session.get("http://127.0.0.1:1/", headers={"X": value})


async def test_a_body_that_flows_goes_through_the_other_client() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with aiohttp.ClientSession() as rest:
        session = Session(rest, patience=0.0)
        async with (
            _serving(_SHORT) as server,
            session.post(
                server.url, data=pieces(), headers={"Content-Length": "6"}, allow_redirects=False
            ) as answer,
        ):
            assert await answer.read() == b"hello"
            assert server.requests[0].endswith(b"\r\n\r\nonetwo")
        await session.close()
