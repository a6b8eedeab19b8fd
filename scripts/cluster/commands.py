"""The commands for a shop on a cluster, as Taskfile.yml calls them."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable

from cluster.kubectl import ClusterError

Run = Callable[[argparse.Namespace], int | None]


def main(arguments: list[str]) -> int:
    """Run a command; the exit status is 1 where a sentence said what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("--overlay", default=os.environ.get("OVERLAY") or "minikube")
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: Run, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about)
        added.set_defaults(run=run)
        return added

    command("create", _create, "make a Minikube with Knative")
    command("remove", _remove, "delete that Minikube")
    command("build", _build, "build the images")
    command("load", _load, "bring the images into the cluster")
    command("deploy", _deploy, "deploy, or update")
    undeploy = command("undeploy", _undeploy, "take the shop away")
    undeploy.add_argument("--data", action="store_true", help="its data and passwords as well")
    command("status", _status, "show what is deployed")
    command("url", _url, "print the address")
    command("logs", _logs, "follow the log of a function or loop").add_argument("name")
    command("dashboards", _dashboards, "open Prometheus and Grafana on this machine")
    command("smoke", _smoke, "try a product and an order")
    canary = command("canary", _canary, "give a share of the requests to this tree's version")
    canary.add_argument("function")
    canary.add_argument("percent", type=int)
    command("promote", _promote, "give all requests to the canary").add_argument("function")
    command("rollback", _rollback, "end the canary").add_argument("function")
    inside = command("run", _run, "run one of the shop's modules in the cluster")
    inside.add_argument("--area", default="notifications", help="whose database it gets")
    inside.add_argument("module")
    inside.add_argument("rest", nargs=argparse.REMAINDER)
    admin = command("admin", _admin, "make an admin")
    admin.add_argument("rest", nargs=argparse.REMAINDER)
    rotate = command("rotate-keys", _rotate_keys, "exchange the key of access tokens")
    rotate.add_argument("--wait", action="store_true", help="for each step, until it is over")
    either = command("either", _either, "run a command where the shop is, here or on the cluster")
    either.add_argument("rest", nargs=argparse.REMAINDER)
    beside = command("with", _with, "run a program that is told where the shop is")
    beside.add_argument("--here", action="store_true", help="at an address of this machine")
    beside.add_argument("rest", nargs=argparse.REMAINDER)
    return parser


# What a command needs is imported when it runs: most need little of it.


def _create(_: argparse.Namespace) -> None:
    from cluster import create

    create.create()


def _remove(_: argparse.Namespace) -> None:
    from cluster import create

    create.remove()


def _build(_: argparse.Namespace) -> None:
    from cluster import image

    for each in image.images():
        image.build(each)


def _load(_: argparse.Namespace) -> None:
    from cluster import image

    for each in image.images():
        image.load(each)


def _deploy(options: argparse.Namespace) -> None:
    from cluster import deploy

    deploy.deploy(options.overlay)


def _undeploy(options: argparse.Namespace) -> None:
    from cluster import deploy

    deploy.undeploy(options.overlay, data=options.data)


def _status(_: argparse.Namespace) -> int:
    from cluster import status

    return 0 if status.status() else 1


def _url(_: argparse.Namespace) -> None:
    from cluster.address import address

    found = address()
    print(f"export SHOP_URL={found.url} SHOP_HOST={found.host}")
    print(f"curl -H 'Host: {found.host}' {found.url}/health", file=sys.stderr)


def _logs(options: argparse.Namespace) -> None:
    from cluster import logs

    logs.follow(options.name)


def _dashboards(_: argparse.Namespace) -> None:
    from cluster import address

    address.dashboards()


def _smoke(_: argparse.Namespace) -> None:
    from cluster import smoke

    smoke.smoke()


def _canary(options: argparse.Namespace) -> None:
    from cluster import canary

    canary.split(options.overlay, options.function, options.percent)


def _promote(options: argparse.Namespace) -> None:
    from cluster import canary

    canary.promote(options.overlay, options.function)


def _rollback(options: argparse.Namespace) -> None:
    from cluster import canary

    canary.roll_back(options.overlay, options.function)


def _run(options: argparse.Namespace) -> int:
    from cluster import inside

    return inside.run(options.module, options.rest, area=options.area)


def _admin(options: argparse.Namespace) -> int:
    from cluster import admin

    return admin.create(options.rest)


def _rotate_keys(options: argparse.Namespace) -> int:
    from cluster import keys
    from local.keys import exchange

    return exchange(keys.rotate, wait=options.wait)


def _either(options: argparse.Namespace) -> int:
    from cluster import either

    return either.run(options.rest)


def _with(options: argparse.Namespace) -> int:
    from cluster import either
    from cluster.address import reachable

    if os.environ.get("SHOP_URL") or not either.on_knative():
        return subprocess.run(options.rest, check=False).returncode
    with reachable(here=options.here) as place:
        environment = os.environ | place.environment
        return subprocess.run(options.rest, env=environment, check=False).returncode
