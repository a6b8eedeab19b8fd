"""The commands for a shop on a cluster: `python -m cluster deploy`."""

import sys

from cluster import commands

sys.exit(commands.main(sys.argv[1:]))
