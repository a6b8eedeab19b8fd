"""A trace as a tree of lines, each with a bar that says when it was and for how long."""

import time
from collections.abc import Callable, Iterator, Sequence

from traces.reading import Span, Trace

Paint = Callable[[str, int], str]

_BAR = 28
_NAME = 46
_SERVICE = 17
_RED, _GREY, _GREEN = 31, 90, 32
_EIGHTHS = "▏▎▍▌▋▊▉█"


def table(traces: Sequence[Trace], paint: Paint) -> Iterator[str]:
    """A line for each trace, to choose from."""
    heading = f"{'BEGAN':<9} {'TRACE':<9} {'ANSWERED':>10} {'IN ALL':>10} {'SPANS':>6}  WHAT"
    yield paint(heading, 1)
    for trace in traces:
        root = trace.roots[0]
        line = (
            f"{_clock(trace.began):<9} {trace.id[:8]:<9} {_time(trace.answered):>10} "
            f"{_time(trace.ended - trace.began):>10} {len(trace.spans):>6}  "
            f"{root.service}: {root.name}{_status(root)}"
        )
        yield paint(line, _RED) if trace.failed else line


def tree(trace: Trace, paint: Paint) -> Iterator[str]:
    """The trace's spans, each below the one that it belongs to."""
    root = trace.roots[0]
    yield paint(
        f"{trace.id}  {root.name}{_status(root)}  answered in {_time(trace.answered)}, "
        f"all of it in {_time(trace.ended - trace.began)}, {_clock(trace.began)}",
        1,
    )
    for span in trace.roots:
        yield from _below(trace, span, "", "", paint)


def _below(trace: Trace, span: Span, branch: str, indent: str, paint: Paint) -> Iterator[str]:
    """The span behind its branch, and what is below it behind the indent."""
    name = f"{branch}{span.name}{_detail(span)}"
    if len(name) > _NAME:
        name = name[: _NAME - 1] + "…"
    bar = paint(_bar(trace, span), _RED if span.failed else _GREEN)
    yield (
        f"  {paint(f'{span.service:<{_SERVICE}}', _GREY)} {name:<{_NAME}} {bar} "
        f"{_time(span.seconds):>9}{_status(span)}"
    ).rstrip()
    children = trace.children(span)
    for child in children[:-1]:
        yield from _below(trace, child, f"{indent}├─ ", f"{indent}│  ", paint)
    for child in children[-1:]:
        yield from _below(trace, child, f"{indent}└─ ", f"{indent}   ", paint)


def _bar(trace: Trace, span: Span) -> str:
    whole = max(trace.ended - trace.began, 1e-6)
    first = min(round((span.began - trace.began) / whole * _BAR), _BAR - 1)
    length = span.seconds / whole * _BAR
    full = int(length + 1e-6)
    bar = "█" * full
    if first + full < _BAR:
        bar += _EIGHTHS[int(max(0.0, length - full) * 8)]
    return ("·" * first + bar)[:_BAR].ljust(_BAR, "·")


def _detail(span: Span) -> str:
    """What tells calls of one kind apart."""
    url = span.attributes.get("url.full") or span.attributes.get("http.url")
    return f" {url.partition('://')[2].partition('?')[0]}" if url else ""


def _status(span: Span) -> str:
    code = span.attributes.get("http.response.status_code") or span.attributes.get(
        "http.status_code"
    )
    return f"  {code}" if code else ("  failed" if span.failed else "")


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 10 else f"{seconds:.1f} s"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
