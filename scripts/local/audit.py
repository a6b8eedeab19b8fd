"""Known vulnerabilities of what is locked: `python -m local.audit`.

Advisories come from services on the network. Where one cannot be had it says so and fails: an audit
that asked nobody has found nothing, which must not look like a shop that is well.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from local.layout import ROOT

LOCKS = ("runtime", "local", "dev", "bench")
# What pip-audit and npm say where the advisories did not come.
_UNREACHED = re.compile(
    r"could not be audited|audit endpoint returned an error|ConnectionError|Max retries|ENOTFOUND"
    r"|ECONNREFUSED|ServiceError|Timeout",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one audit ended: `well`, `vulnerable` or `unknown`, and what it said."""

    what: str
    verdict: str
    said: str = ""


def judge(what: str, status: int, said: str) -> Finding:
    """What an audit's exit status and words come to."""
    if _UNREACHED.search(said):
        return Finding(what, "unknown", "its advisories cannot be reached from here")
    return Finding(what, "well" if status == 0 else "vulnerable", said.strip())


def main() -> int:
    """Audit every lock; 0 where all are well, 1 where one is vulnerable, 2 where one is unknown."""
    findings = [*_python(), _npm()]
    for finding in findings:
        print(f"  {finding.what:<28} {finding.verdict:<11} {finding.said}")
    verdicts = {finding.verdict for finding in findings}
    return 1 if "vulnerable" in verdicts else 2 if "unknown" in verdicts else 0


def _python() -> list[Finding]:
    if shutil.which("pip-audit") is None:
        said = "pip-audit is not installed: pip install pip-audit, or uv tool install pip-audit"
        return [Finding("requirements/*.txt", "unknown", said)]
    return [
        _run(
            f"requirements/{lock}.txt",
            ["pip-audit", "--disable-pip", "--no-deps", "--progress-spinner", "off",
             "--requirement", str(ROOT / "requirements" / f"{lock}.txt")],
        )
        for lock in LOCKS
    ]  # fmt: skip


def _npm() -> Finding:
    if shutil.which("npm") is None:
        return Finding("frontend/package-lock.json", "unknown", "npm is not installed")
    return _run("frontend/package-lock.json", ["npm", "audit", "--prefix", str(ROOT / "frontend")])


def _run(what: str, command: Sequence[str]) -> Finding:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return judge(what, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(main())
