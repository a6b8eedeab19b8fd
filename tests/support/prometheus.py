"""A real Prometheus that looks at a shop which runs: each second, with the project's rules."""

import contextlib
import json
import math
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from local.layout import HOST, ROOT, Layout
from local.manifests import read
from local.plan import Plan
from local.prometheus import RULES, configuration
from tests.support.tools import need

_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Its address, and what it answers."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """What is behind an address of its API."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:  # noqa: S310 - its own
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """The series of an expression with their values now, but those that are no number."""
        found = self.ask("query", query=expression)["result"]
        values = [(each["metric"], float(each["value"][1])) for each in found]
        return [(labels, value) for labels, value in values if not math.isnan(value)]


@contextlib.contextmanager
def prometheus(layout: Layout, folder: Path) -> Iterator[Prometheus]:
    """Started on a shop of this machine; `folder` is for its data."""
    program = need("prometheus")
    manifests = read(ROOT)
    plan = Plan(manifests, layout, dict.fromkeys(manifests.areas, ""))
    document = configuration(plan, interval="1s") | {"rule_files": [str(_rules(folder))]}
    file = folder / "prometheus.json"
    file.write_text(json.dumps(document))
    port = _free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program, f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={HOST}:{port}", "--log.level=warn",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        made = Prometheus(f"http://{HOST}:{port}")
        _wait(made, process)
        yield made
    finally:
        process.terminate()
        process.wait(10)


def _rules(folder: Path) -> Path:
    """The project's rules, each group evaluated as often as the others."""
    target = folder / "rules"
    target.mkdir()
    for path in RULES.glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            group.pop("interval", None)
        (target / path.name).write_text(yaml.safe_dump(document, sort_keys=False))
    return target / "*.yaml"


def _wait(made: Prometheus, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            made.query("vector(1)")
        except OSError:
            assert process.poll() is None, "Prometheus has ended"
            assert time.monotonic() < deadline, "Prometheus does not answer"
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
