"""Load: what to send and what came back, whichever generator sent it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from bench.machine import on_core
from bench.processes import STATE, BenchError

_HERE = Path(__file__).parent
_SOURCES = _HERE / "loadgen"
PYTHON_GENERATOR = (sys.executable, "-I", str(_HERE / "python_load.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests to send; `{n}` and `{uuid}` in path and body become random values."""

    address: str
    path: str
    method: str = "GET"
    body: str = ""
    header: str = ""
    connections: int = 16
    seconds: float = 5.0
    warmup: float = 1.0
    rate: float = 0.0
    low: int = 1
    high: int = 1
    expect: int = 200


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back while the load was measured; latencies in milliseconds."""

    generator: str
    requests: int
    seconds: float
    rate: float
    latency_ms: dict[str, float]
    statuses: dict[str, int]
    errors: int
    unexpected: int
    examples: list[str]
    per_second: list[int]
    bytes_per_answer: float

    @property
    def failures(self) -> int:
        """Requests without the expected answer."""
        return self.errors + self.unexpected


def send(load: Load, *, core: int | None, command: Sequence[str] = ()) -> Answers:
    """Send a load and wait for its end; `command` is another generator than the one in use.

    Raises:
        BenchError: the generator failed.
    """
    arguments = [f"-{name}={value}" for name, value in asdict(load).items()]
    with on_core(core):
        process = subprocess.Popen(
            [*(command or generator()), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    output, complaint = process.communicate()
    if process.returncode != 0:
        raise BenchError(f"the load generator failed: {complaint.decode()[-500:]}")
    return Answers(**json.loads(output))


@cache
def generator() -> tuple[str, ...]:
    """The generator's command: the one in Go, or that in Python where Go cannot build it."""
    binary = build_go(_SOURCES, "loadgen")
    if binary is not None:
        return (str(binary),)
    return PYTHON_GENERATOR


def generator_name() -> str:
    """Say which generator is used."""
    return "Go (scripts/bench/loadgen)" if len(generator()) == 1 else "Python (no Go toolchain)"


def build_go(sources: Path, name: str) -> Path | None:
    """Build a Go program under .local/bench; None where there is no Go, or it cannot build.

    The reason of a failed build, such as no network for a module, goes to standard error.
    """
    if shutil.which("go") is None:
        return None
    binary = STATE / "bin" / name
    binary.parent.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        ["go", "build", "-trimpath", "-o", str(binary), "."],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        print(f"go build {name}: {built.stderr.strip()[-500:]}", file=sys.stderr)
        return None
    return binary
