import asyncio

import aiohttp
import pytest

from tests.support.live import Client


async def test_what_is_cut_off_is_not_sent_again() -> None:
    """The checker has to know of each request whether it was answered."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_answer = True
        while with_answer:
            seen.append((await reader.readuntil(b"\r\n\r\n")).split()[0])
            with_answer = seen[-1] == b"GET"
            if with_answer:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        client = Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {})
        await client.request("GET", "/")
        with pytest.raises(aiohttp.ClientError):
            await client.request("PUT", "/", None)
        await client.close()

    assert seen == [b"GET", b"PUT"]
