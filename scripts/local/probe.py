"""Asks a process of this machine over HTTP, without a client's import time."""

import asyncio

from local.layout import HOST


async def get(port: int, path: str, within: float = 2.0) -> tuple[int, bytes] | None:
    """The status and body of a GET, or None where nothing answers within `within` seconds."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    status, _, rest = answer.partition(b"\r\n")
    parts = status.split(b" ")
    if len(parts) < 2 or not parts[1].isdigit():
        return None
    return int(parts[1]), rest.partition(b"\r\n\r\n")[2]


async def healthy(port: int, path: str) -> bool:
    """Whether a GET of the path is answered with 200."""
    answer = await get(port, path)
    return answer is not None and answer[0] == 200


async def listening(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        async with asyncio.timeout(2.0):
            _, writer = await asyncio.open_connection(HOST, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
