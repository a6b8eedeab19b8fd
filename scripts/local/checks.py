"""What must hold before the platform starts; each failure is a sentence that says what to do."""

import contextlib
import fcntl
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from local.layout import HOST, Layout, PlatformError

_LEAST_FREE_BYTES = 1024**3
_GRACE_SECONDS = 3.0


def check_disk(folder: Path) -> None:
    """Refuse to start where the data would fill the disk."""
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise PlatformError(
            f"Only {free / 1024**2:.0f} MB are free where {folder} lies, and the databases need "
            "1 GB: make room, or name another place with SHOP_DATA."
        )


def check_ports(ports: dict[int, str]) -> None:
    """Refuse ports that others listen on; what an earlier run left gets a moment to end."""
    deadline = time.monotonic() + _GRACE_SECONDS
    for port, purpose in ports.items():
        while not _is_free(port):
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"Port {port} ({purpose}) is in use{_owner(port)}: stop what uses it, or move "
                    "every port with SHOP_PORT_OFFSET=1000."
                )
            time.sleep(0.1)


@contextlib.contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Hold the platform's lock; a second platform on the same data is refused."""
    layout.data.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PlatformError(
                f"The platform already runs on {layout.data}: stop it with Ctrl-C where it runs, "
                "or start another beside it with SHOP_DATA and SHOP_PORT_OFFSET."
            ) from None
        yield


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that has just ended is no reason not to listen.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _owner(port: int) -> str:
    """` by NAME (pid N)`, where the system tells."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            here = connection.laddr and connection.laddr.port == port
            if here and connection.status == psutil.CONN_LISTEN and connection.pid:
                process = psutil.Process(connection.pid)
                return f" by {process.name()} (pid {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""
    return ""
