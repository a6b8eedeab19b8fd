"""Show the traces of the last minutes: `python -m traces`, `python -m traces --slowest`."""

import argparse
import os
import sys
import time

from local.layout import Layout, PlatformError
from traces import drawing, reading
from traces.reading import Trace


def main(arguments: list[str]) -> int:
    """Print a table of traces, and one as a tree; 1 where there is none to show."""
    options = _parser().parse_args(arguments)
    try:
        file = Layout.from_environment().traces
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    found = reading.traces(file, since=time.time() - 60 * options.minutes)
    chosen = _chosen(found, options)
    if not chosen:
        print(_none(found, options), file=sys.stderr)
        return 1
    listed, shown = chosen[-options.number :], chosen[-1]
    if options.slowest:
        listed = sorted(chosen, key=lambda trace: trace.answered)[-options.number :]
        shown = listed[-1]
    lines = [*drawing.table(listed, _paint), "", *drawing.tree(shown, _paint)]
    print("\n".join(lines))
    return 0


def _chosen(found: list[Trace], options: argparse.Namespace) -> list[Trace]:
    chosen = [trace for trace in found if not options.errors or trace.failed]
    if options.what:
        chosen = [trace for trace in chosen if trace.about(options.what)]
    return chosen


def _none(found: list[Trace], options: argparse.Namespace) -> str:
    if found:
        return f"None of the {len(found)} traces of the last {options.minutes:g} minutes is such."
    return (
        f"There are no traces of the last {options.minutes:g} minutes: send the shop of "
        "scripts/task up a request."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/task traces --", description=__doc__)
    parser.add_argument(
        "what", nargs="?",
        help="show one about this: the beginning of its id, part of a name as in /api/orders, "
        "or an attribute's value, such as an order's id",
    )  # fmt: skip
    parser.add_argument("--errors", action="store_true", help="only traces in which a span failed")
    parser.add_argument("--slowest", action="store_true", help="show the slowest, not the newest")
    parser.add_argument("--minutes", type=float, default=10.0, help="how far to look back")
    parser.add_argument("--number", type=int, default=10, help="how many to list")
    return parser


def _paint(text: str, colour: int) -> str:
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[{colour}m{text}\x1b[0m" if colours else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
