"""What a running platform tells about itself."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from local.layout import Layout, PlatformError


@dataclass(frozen=True, slots=True)
class State:
    """What runs where: process ids, ports, addresses, the folder of backups."""

    pid: int
    ready: bool
    urls: dict[str, str]
    functions: dict[str, str]
    databases: dict[str, str]
    admin_database: str
    kafka: str
    backups: str
    processes: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, layout: Layout) -> "State":
        """The state of the platform that runs; PlatformError where none does."""
        try:
            state = cls(**json.loads(layout.state.read_text()))
            os.kill(state.pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            raise PlatformError(
                "The platform does not run: start it with scripts/task up."
            ) from None
        return state

    def write(self, layout: Layout) -> None:
        """Tell tools and tests; the file appears whole or not at all."""
        draft = layout.state.with_suffix(".tmp")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(layout.state)
