"""Starts the platform's Python processes as forks of one that has imported their libraries.

`python -m local.forkserver FD`: the descriptor is a socket of packets to the supervisor. A packet
to here asks for a process, its output's descriptor with it; packets back tell its id and, later,
how it ended. What all processes import is then in memory once, and a start takes none of the
processor time of its import. The shop's own modules are not among it: a function that starts
again runs the code as it is now.

Without a container there is no limit of memory for each process, and a laptop has to hold them
all; in a cluster every function is a process that Knative starts.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from typing import Any

import setproctitle

from local.child import die_with

_LIBRARIES = (
    "functions_framework.aio",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "psycopg",
    "psycopg_pool",
    "sqlalchemy.dialects.postgresql",
    "pydantic",
    "aiohttp",
    "cloudevents.http",
    "opentelemetry.exporter.prometheus",
    "opentelemetry.sdk.metrics.export",
    "opentelemetry.sdk.trace.export",
    "logging.handlers",
    "runpy",
)
MOST_BYTES = 1024 * 1024


def main() -> int:
    """Serve until the supervisor goes away; a fork comes back from it as its process."""
    supervisor = socket.socket(fileno=int(sys.argv[1]))
    for library in _LIBRARIES:
        importlib.import_module(library)
    if threading.active_count() > 1:
        raise RuntimeError("A library has started a thread, which a fork would not have.")
    setproctitle.getproctitle()  # It finds its memory only before the environment is replaced.
    gc.collect()
    gc.freeze()  # The collector of a fork that walked these would make copies of them.
    own_pid = os.getpid()
    asked = _serve(supervisor)
    if asked is not None:
        _become(asked, own_pid)
    return 0


def _serve(supervisor: socket.socket) -> dict[str, Any] | None:
    """Fork what is asked for; in a fork, what it is to be."""
    bell, rope = os.pipe()
    for end in (bell, rope):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(rope)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    sources: list[Any] = [supervisor, bell]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if bell in ready:
            os.read(bell, 4096)
            _tell_ended(supervisor)
        if supervisor not in ready:
            continue
        packet, descriptors, _, _ = socket.recv_fds(supervisor, MOST_BYTES, 1)
        if not packet:
            return None
        asked: dict[str, Any] = json.loads(packet)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            supervisor.close()
            os.close(bell)
            os.close(rope)
            return asked | {"output": descriptors[0]}
        os.close(descriptors[0])
        supervisor.send(json.dumps({"number": asked["number"], "pid": pid}).encode())


def _tell_ended(supervisor: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        told = {"pid": pid, "status": os.waitstatus_to_exitcode(status)}
        supervisor.send(json.dumps(told).encode())


def _become(asked: dict[str, Any], parent: int) -> None:
    """Run the module as `python -m` would."""
    os.setsid()
    die_with(parent, signal.Signals(asked["stop_signal"]))()
    os.dup2(asked["output"], 1)
    os.dup2(asked["output"], 2)
    os.close(asked["output"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]
    module, *arguments = asked["arguments"]
    # What ps and pgrep show is otherwise the forkserver's command.
    setproctitle.setproctitle(f"python -m {' '.join(asked['arguments'])} ({asked['name']})")
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    sys.exit(main())
