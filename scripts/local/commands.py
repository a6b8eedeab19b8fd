"""The commands of the local platform, as Taskfile.yml calls them."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time

from local.console import Console
from local.layout import Layout, PlatformError
from local.state import State


def main(arguments: list[str]) -> int:
    """Run a command; the exit status is 1 where a sentence said what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and stay until Ctrl-C")
    commands.add_parser("status", help="show what runs")
    commands.add_parser("reset", help="delete the data")
    commands.add_parser("stop", help="stop the platform that runs elsewhere")
    logs = commands.add_parser("logs", help="follow the log of one process")
    logs.add_argument("process")
    psql = commands.add_parser("psql", help="open a database")
    psql.add_argument("area")
    psql.add_argument("rest", nargs="*")
    options = parser.parse_args(arguments)
    try:
        layout = Layout.from_environment()
        match options.command:
            case "up":
                _up(layout)
            case "status":
                print(_status(State.read(layout)))
            case "reset":
                _reset(layout)
            case "stop":
                _stop(layout)
            case "logs":
                _follow(layout, options.process)
            case "psql":
                _psql(layout, options.area, options.rest)
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _up(layout: Layout) -> None:
    # What only a start needs is not imported by the others.
    from local import platform

    console = Console()
    try:
        platform.up(layout, console)
    finally:
        console.close()


def _status(state: State) -> str:
    rows = [f"  {'PROCESS':<20} {'PID':>8} {'PORT':>6} RESTARTS"]
    for name, process in state.processes.items():
        rows.append(
            f"  {name:<20} {process['pid'] or 'down':>8} {process['port'] or '':>6} "
            f"{process['restarts']:>8}"
        )
    rows.append(f"  {'Ready' if state.ready else 'Starting'}, supervised by pid {state.pid}.")
    return "\n".join(rows)


def _reset(layout: Layout) -> None:
    from local import checks

    with checks.only_one(layout):
        for name in ("postgres", "kafka", "logs"):
            shutil.rmtree(layout.data / name, ignore_errors=True)
        (layout.data / "passwords.json").unlink(missing_ok=True)
    print(f"Deleted databases, topics and logs under {layout.data}.")


def _stop(layout: Layout) -> None:
    state = State.read(layout)
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while layout.state.exists():
        if time.monotonic() > deadline:
            raise PlatformError(f"The platform (pid {state.pid}) did not stop within a minute.")
        time.sleep(0.1)


def _follow(layout: Layout, process: str) -> None:
    path = layout.logs / f"{process.replace('-', '_')}.log"
    if not path.exists():
        path = layout.logs / f"{process}.log"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in layout.logs.glob("*.log")))
        raise PlatformError(f"{process} has no log; these have: {known or 'none yet'}.")
    from local.console import render

    console = Console()
    with path.open("rb") as file:
        for line in file.readlines()[-50:]:
            render(console, path.stem, line)
        while True:
            if line := file.readline():
                render(console, path.stem, line)
            else:
                time.sleep(0.1)


def _psql(layout: Layout, area: str, rest: list[str]) -> None:
    from local.postgres import program

    databases = State.read(layout).databases
    if area not in databases:
        raise PlatformError(f"{area!r} is no area; AREA is one of {', '.join(sorted(databases))}.")
    raise SystemExit(subprocess.call([str(program("psql")), databases[area], *rest]))
