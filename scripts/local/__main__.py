"""The local platform's commands: `python -m local up`."""

import sys

from local import commands

sys.exit(commands.main(sys.argv[1:]))
