"""Runs the curl lines of the documentation as they stand, without curl."""

import re
import shlex
from collections.abc import Iterator

from local.layout import HOST
from tests.support.live import Client
from tests.support.shop import Answer

_LOOP = re.compile(r"for \w+ in \{(\d+)\.\.(\d+)\}; do (.+); done")
_PORT = re.compile(r"http://localhost:(80\d\d)")


def commands(line: str) -> Iterator[str]:
    """The commands of a line: a loop unrolled, or what semicolons part."""
    if loop := _LOOP.fullmatch(line):
        for _ in range(int(loop[1]), int(loop[2]) + 1):
            yield loop[3]
    else:
        yield from line.split("; ")


async def curl(client: Client, command: str, offset: int) -> Answer:
    """The answer to a curl command; `offset` is added to the port that it names."""
    program, *words = shlex.split(command)
    assert program == "curl", command
    method, url, headers, body = "GET", "", {}, None
    given = iter(words)
    for word in given:
        if word == "-X":
            method = next(given)
        elif word == "-H":
            name, _, value = next(given).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(given).encode()
        else:
            url = word
    found = _PORT.match(url)
    assert found is not None, command
    here = f"http://{HOST}:{int(found[1]) + offset}{url[found.end() :]}"
    return await client.send(method, here, body, headers=headers)
