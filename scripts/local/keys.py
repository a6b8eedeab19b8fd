"""Exchanging the key of access tokens of this machine's shop, a step at a time."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from local import manifests
from local.layout import HOST, ROOT, Layout, PlatformError
from local.plan import Plan
from local.state import State
from shop import key_rotation, keys, tokens

_SECONDS = 30.0


def rotate(layout: Layout) -> tuple[str, bool]:
    """Take the next step; what it has done, and whether the exchange is over."""
    state = State.read(layout)
    described = manifests.read(ROOT)
    issuing = Plan(described, layout, state.databases).environment_of("issue_token")
    known = keys.read_set(keys.path_of(keys.TOKENS, layout.keys).read_text())
    seconds = int(issuing.get("ACCESS_TOKEN_SECONDS") or tokens.ACCESS_SECONDS)
    after, said, over = key_rotation.next_step(known, token_seconds=seconds)
    variable = keys.variable_of(keys.TOKENS)
    keys.store(layout.keys, keys.TOKENS, {variable: keys.key_set(after)})
    for function in described.functions:
        if keys.TOKENS in function.secrets:
            _restart(layout, function.name)
    return said, over


def exchange(step: Callable[[], tuple[str, bool]], *, wait: bool) -> int:
    """Take the next step or, where it is to wait for each, all that are left; the exit status."""
    while True:
        try:
            said, over = step()
        except key_rotation.TooEarlyError as early:
            print(early, flush=True)
            if not wait:
                return 1
            time.sleep(early.seconds + 1)
            continue
        print(said, flush=True)
        if over or not wait:
            return 0


def _restart(layout: Layout, name: str) -> None:
    """Let a function begin anew, with the keys as they are now; its requests wait meanwhile."""
    before = State.read(layout).processes[name]
    os.kill(before["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _SECONDS
    while True:
        process = State.read(layout).processes[name]
        if process["pid"] not in (None, before["pid"]) and _serves(process["port"]):
            return
        if time.monotonic() > deadline:
            raise PlatformError(f"{name} did not come back within {_SECONDS:g} s.")
        time.sleep(0.1)


def _serves(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
