"""The commands of the local platform, as Taskfile.yml calls them."""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable

from local.console import Console
from local.layout import ROOT, Layout, PlatformError
from local.state import State

_KEPT = 3
# In each area a function whose variables its commands are given.
_BESIDE = {
    "inventory": "create_product",
    "orders": "create_order",
    "notifications": "record_dead_letter",
    "identity": "register_account",
}


def main(arguments: list[str]) -> int:
    """Run a command; the exit status is 1 where a sentence said what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(Layout.from_environment(), options)
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(
        name: str, run: Callable[[Layout, argparse.Namespace], None], about: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about)
        added.set_defaults(run=run)
        return added

    command("up", _up, "start everything and stay until Ctrl-C")
    command("stop", _stop, "stop the platform that runs elsewhere")
    command("status", _status, "show what runs")
    command("reset", _reset, "delete the data")
    backup = command("backup", _backup, "back up the databases of the platform that runs")
    backup.add_argument("--list", action="store_true", help="print those that there are")
    backup.add_argument("--keep", type=int, default=_KEPT, help=f"how many (default: {_KEPT})")
    restore = command("restore", _restore, "restore the databases to a moment")
    restore.add_argument("--to", required=True, help="2026-11-27T20:15:00Z, or latest")
    command("logs", _follow, "follow the log of one process").add_argument("process")
    psql = command("psql", _psql, "open a database")
    psql.add_argument("area")
    psql.add_argument("rest", nargs=argparse.REMAINDER)
    admin = command("admin", _admin, "make an admin")
    admin.add_argument("rest", nargs=argparse.REMAINDER)
    rotate = command("rotate-keys", _rotate_keys, "exchange the key of access tokens")
    rotate.add_argument("--wait", action="store_true", help="for each step, until it is over")
    beside = command("run", _run, "run a module beside the platform, with its addresses")
    beside.add_argument("--area", choices=sorted(_BESIDE), default="notifications")
    beside.add_argument("module")
    beside.add_argument("rest", nargs=argparse.REMAINDER)
    return parser


def _up(layout: Layout, _: argparse.Namespace) -> None:
    # What only a start needs is not imported by the others.
    from local import platform

    console = Console()
    try:
        platform.up(layout, console)
    finally:
        console.close()


def _status(layout: Layout, _: argparse.Namespace) -> None:
    state = State.read(layout)
    rows = [f"  {'PROCESS':<20} {'PID':>8} {'PORT':>6} RESTARTS"]
    for name, process in state.processes.items():
        rows.append(
            f"  {name:<20} {process['pid'] or 'down':>8} {process['port'] or '':>6} "
            f"{process['restarts']:>8}"
        )
    rows.append(f"  {'Ready' if state.ready else 'Starting'}, supervised by pid {state.pid}.")
    print("\n".join(rows))


def _reset(layout: Layout, _: argparse.Namespace) -> None:
    from local import checks

    with checks.only_one(layout):
        for name in (
            "postgres", "postgres.new", "postgres.replaced", "restoring", "kafka", "keys", "logs",
            "traces",
        ):  # fmt: skip
            shutil.rmtree(layout.data / name, ignore_errors=True)
        (layout.data / "passwords.json").unlink(missing_ok=True)
    print(f"Deleted databases, topics, keys, logs and traces under {layout.data}.")
    if layout.backups.exists():
        print(f"The backups in {layout.backups} are kept.")


def _backup(layout: Layout, options: argparse.Namespace) -> None:
    from local.backups import report

    if options.list:
        report.show(layout.backups)
    elif options.keep < 1:
        raise PlatformError("--keep is at least 1: the backup that is being made.")
    else:
        report.back_up(layout, State.read(layout), options.keep)


def _restore(layout: Layout, options: argparse.Namespace) -> None:
    from local.backups import report

    report.bring_back(layout, options.to)


def _stop(layout: Layout, _: argparse.Namespace) -> None:
    state = State.read(layout)
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while layout.state.exists():
        if time.monotonic() > deadline:
            raise PlatformError(f"The platform (pid {state.pid}) did not stop within a minute.")
        time.sleep(0.1)


def _follow(layout: Layout, options: argparse.Namespace) -> None:
    process = str(options.process)
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


def _psql(layout: Layout, options: argparse.Namespace) -> None:
    from local.postgres import program

    databases = State.read(layout).databases
    if options.area not in databases:
        raise PlatformError(
            f"{options.area!r} is no area; AREA is one of {', '.join(sorted(databases))}."
        )
    client = str(program("psql"))
    os.execv(client, [client, databases[options.area], *options.rest])


def _run(layout: Layout, options: argparse.Namespace) -> None:
    """Run one of the shop's commands with what an area's functions are given."""
    _beside(layout, options.area, options.module, options.rest)


def _admin(layout: Layout, options: argparse.Namespace) -> None:
    """Make an admin, with what the identity's functions are given."""
    _beside(layout, "identity", "shop.create_admin", options.rest)


def _rotate_keys(layout: Layout, options: argparse.Namespace) -> None:
    from local import keys

    if keys.exchange(lambda: keys.rotate(layout), wait=options.wait):
        sys.exit(1)


def _beside(layout: Layout, area: str, module: str, arguments: list[str]) -> None:
    """Become one of the shop's commands, with an area's environment and the operator's key."""
    from local import manifests
    from local.plan import Plan

    state = State.read(layout)
    plan = Plan(manifests.read(ROOT), layout, state.databases)
    environment = plan.environment_of(_BESIDE[area]) | plan.operators_key()
    if "ADMIN_PASSWORD" in os.environ:
        environment["ADMIN_PASSWORD"] = os.environ["ADMIN_PASSWORD"]
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)
