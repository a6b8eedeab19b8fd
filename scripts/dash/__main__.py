"""Show the overview of the shop, again and again: `python -m dash`; with `--once`, once."""

import argparse
import os
import sys
import time

from dash import asking, drawing
from dash.asking import Readings, Unreachable
from local.layout import HOST, Layout, PlatformError

_BEGIN, _HOME, _CLEAR_LINE, _CLEAR_REST, _END = (
    "\x1b[?1049h\x1b[?25l", "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[?25h\x1b[?1049l",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run until Ctrl-C; 1 where Prometheus does not answer at the beginning."""
    options = _parser().parse_args(arguments)
    try:
        url = options.url or f"http://{HOST}:{Layout.from_environment().prometheus}"
        first = asking.ask(url)
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    except Unreachable:
        print(
            "Prometheus does not answer: scripts/task up starts it where it is installed "
            "(on Debian: apt-get install prometheus).",
            file=sys.stderr,
        )
        return 1
    if options.once or not sys.stdout.isatty():
        print("\n".join(drawing.lines(first, _paint)))
        return 0
    sys.stdout.write(_BEGIN)
    try:
        _show(first)
        while True:
            time.sleep(options.seconds)
            try:
                _show(asking.ask(url))
            except Unreachable:
                sys.stdout.write(f"{_HOME}{_CLEAR_LINE}Prometheus does not answer …")
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    finally:
        sys.stdout.write(_END)
        sys.stdout.flush()


def _show(readings: Readings) -> None:
    rows = os.get_terminal_size().lines - 1
    page = list(drawing.lines(readings, _paint))[:rows]
    sys.stdout.write(_HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in page) + _CLEAR_REST)
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/task dash --", description=__doc__)
    parser.add_argument("--once", action="store_true", help="print it, and end")
    parser.add_argument("--seconds", type=float, default=2.0, help="pause between two looks")
    parser.add_argument("--url", help="another Prometheus than that of this machine's shop")
    return parser


def _paint(text: str, colour: int) -> str:
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[{colour}m{text}\x1b[0m" if colours else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
