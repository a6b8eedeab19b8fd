"""A platform whose processes each run one of two releases, and change from one to the other."""

import asyncio
import io
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Literal

from local import manifests, probe
from local.layout import ROOT
from local.manifests import Function, Program
from local.plan import base_environment
from shop.migrate import migrate
from tests.faults.processes import Processes
from tests.faults.schedule import Fault
from tests.support.live import until

Release = Literal["before", "after"]

_SERVES_SECONDS = 60.0
# A process that ends sooner after its start is started again with a longer pause.
_STEADY_SECONDS = 21.0


class UnknownReleaseError(Exception):
    """The release that is to be upgraded from cannot be had; the message says what to do."""


def newest_tag() -> str:
    """The release that was tagged last; UnknownReleaseError where none was."""
    found = _git("describe", "--tags", "--abbrev=0")
    if found is None:
        raise UnknownReleaseError("No release is tagged: name the one before by --before COMMIT.")
    return found.decode().strip()


def _git(*arguments: str) -> bytes | None:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


class Releases(Processes):
    """The two are `before`, a commit of the repository, and `after`, the tree as it is now.

    It starts with the schema, functions, loops and jobs of `before`; what `before` does not have
    yet is of `after` throughout. Manifests, supervisor and the stand-in for KafkaSource are of
    `after`, as are the libraries.
    """

    def __init__(self, before: str) -> None:
        """Unpack both; UnknownReleaseError where the repository does not have the commit."""
        packed = _git("archive", "--format=zip", before, "functions")
        if packed is None:
            raise UnknownReleaseError(
                f"This repository has no commit {before}; where it is a shallow clone, "
                "git fetch --unshallow --tags brings the others."
            )
        self._folder = Path(tempfile.mkdtemp(prefix="shop-releases-"))
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(self._folder / "before")
        # A copy shows whose modules have been compiled, and outlives a change of the tree.
        shutil.copytree(
            ROOT / "functions", self._folder / "after" / "functions",
            ignore=shutil.ignore_patterns("__pycache__"),
        )  # fmt: skip
        found = manifests.read(ROOT)
        self.functions = [each for each in found.functions if self._has_function(each)]
        loops = [each for each in found.loops if self._has_module(each.command[-1])]
        jobs = [each for each in found.jobs if self._has_job(each)]
        self.replaced = [each.name for each in self.functions] + [each.name for each in loops]
        self.areas = [each.area for each in jobs if each.area is not None]
        self._chance = random.Random(1)
        self._turn = asyncio.Lock()
        self._last = 0.0
        chosen = [*self.replaced, *(job.name for job in jobs)]
        for name in chosen:
            self._choose(name, "before")
        super().__init__({name: self._path(name) for name in chosen})

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- which has what -----------------------------------------------------------------------

    def _has_function(self, function: Function) -> bool:
        return self.source("before", function).exists()

    def _has_module(self, module: str) -> bool:
        path = self._folder / "before" / "functions" / module.replace(".", "/")
        return path.with_suffix(".py").exists()

    def _has_job(self, job: Program) -> bool:
        migrations = self._folder / "before" / "functions" / "shop" / "migrations"
        return job.area is None or (migrations / job.area).exists()

    def source(self, release: Release, function: Function) -> Path:
        """The file of a function in a release."""
        return self._folder / release / "functions" / function.environment["FUNCTION_SOURCE"]

    def has_run(self, release: Release, function: Function) -> bool:
        """Whether a release's function has been imported, and so compiled."""
        source = self.source(release, function)
        return any((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"))

    # --- one after the other ------------------------------------------------------------------

    async def strike(self, fault: Fault) -> None:
        """`migrate` the databases to `after`, or let all `become` a release; one at a time."""
        async with self._turn:
            began = time.monotonic()
            match fault.kind, fault.target:
                case "migrate", _:
                    await asyncio.to_thread(self._migrate)
                case "become", "before" | "after" as release:
                    await self._become(release)
                case _:
                    await super().strike(fault)
            what = f"{fault.kind} {fault.target}".strip()
            print(f"  {what:<16} {time.monotonic() - began:5.1f} s", flush=True)

    def _migrate(self) -> None:
        databases = self.live.state.databases
        for area in self.areas:
            assert migrate(area, databases[area])

    async def _become(self, release: Release) -> None:
        """Replace one process after the other, in another order each time."""
        await asyncio.sleep(max(0.0, self._last + _STEADY_SECONDS - time.monotonic()))
        for name in self._chance.sample(self.replaced, len(self.replaced)):
            self._choose(name, release)
            await self._again(name)
        self._last = time.monotonic()

    async def _again(self, name: str) -> None:
        """End a process as a deployment does, and wait until its successor serves."""
        before = self._signal(name, signal.SIGTERM)

        async def serves() -> bool:
            process = self.live.state.processes[name]
            if process["pid"] in (None, before):
                return False
            return await probe.healthy(process["port"], "/health/ready")

        await until(serves, f"{name} serves again", _SERVES_SECONDS)

    def _choose(self, name: str, release: Release) -> None:
        """Let the process be of that release when it starts the next time."""
        draft = self._folder / "draft"
        draft.symlink_to(self._folder / release, target_is_directory=True)
        draft.replace(self._folder / name)

    def _path(self, name: str) -> dict[str, str]:
        here = base_environment()["PYTHONPATH"].split(os.pathsep)
        functions = str(ROOT / "functions")
        there = str(self._folder / name / "functions")
        return {"PYTHONPATH": os.pathsep.join(there if p == functions else p for p in here)}
