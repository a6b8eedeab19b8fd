"""When this process began: what a start costs is told by its metrics."""

import os
import time
from pathlib import Path


def began() -> float:
    """Unix time in seconds; the time of the call where the system does not tell (it is no Linux).

    Asked of the system each time: a process that was forked began later than what it has imported.
    """
    try:
        # The 22nd field of proc(5), counted after the name, which may hold anything.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return time.time()
    return time.time() - age
