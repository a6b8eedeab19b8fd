"""Spans as the processes wrote them, put together to traces."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SERVER, _ERROR = 2, 2


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Times are Unix time in seconds; ids are lower-case hex."""

    trace_id: str
    id: str
    parent: str | None
    service: str
    name: str
    kind: int
    began: float
    ended: float
    attributes: dict[str, str]
    failed: bool

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass(slots=True)
class Trace:
    """Spans of one trace, those that have been written so far."""

    id: str
    spans: list[Span] = field(default_factory=list)

    @property
    def began(self) -> float:
        """When its first span began."""
        return min(span.began for span in self.spans)

    @property
    def ended(self) -> float:
        """When its last span ended."""
        return max(span.ended for span in self.spans)

    @property
    def failed(self) -> bool:
        """Whether a span of it failed."""
        return any(span.failed for span in self.spans)

    @property
    def services(self) -> set[str]:
        """Who took part."""
        return {span.service for span in self.spans}

    @property
    def roots(self) -> list[Span]:
        """Spans whose parent is not there: the first, and those whose parent is yet to end."""
        known = {span.id for span in self.spans}
        return _in_order(span for span in self.spans if span.parent not in known)

    @property
    def answered(self) -> float:
        """Seconds of the first span: what the client waited for."""
        return self.roots[0].seconds

    def children(self, span: Span) -> list[Span]:
        """The spans below one, in the order in which they began."""
        return _in_order(each for each in self.spans if each.parent == span.id)

    def about(self, text: str) -> bool:
        """Whether a span's attribute has that value, or its name or id begins so."""
        return self.id.startswith(text) or any(
            text in span.attributes.values() or text in span.name for span in self.spans
        )


def _in_order(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.began, -span.ended))


def traces(file: Path, *, since: float) -> list[Trace]:
    """The traces that began after `since` (Unix time), the newest last.

    `file` is the one that is written to; the one before it is read as well.
    """
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for path in (file.with_name(file.name + ".1"), file):
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    for span in _spans(line):
                        found[span.trace_id].append(span)
    made = [Trace(trace_id, spans) for trace_id, spans in found.items()]
    return sorted((trace for trace in made if trace.began >= since), key=lambda trace: trace.began)


def _spans(line: bytes) -> Iterator[Span]:
    try:
        document = json.loads(line)
    except ValueError:
        return  # The last line may be on its way.
    for of_resource in document["resourceSpans"]:
        service = _attributes(of_resource["resource"]).get("service.name", "")
        for of_scope in of_resource["scopeSpans"]:
            for each in of_scope["spans"]:
                yield Span(
                    trace_id=each["traceId"],
                    id=each["spanId"],
                    parent=each.get("parentSpanId"),
                    service=service,
                    name=each["name"],
                    kind=each["kind"],
                    began=int(each["startTimeUnixNano"]) / 1e9,
                    ended=int(each["endTimeUnixNano"]) / 1e9,
                    attributes=_attributes(each),
                    failed=each["status"]["code"] == _ERROR,
                )


def _attributes(holder: dict[str, Any]) -> dict[str, str]:
    return {
        entry["key"]: str(next(iter(entry["value"].values())))
        for entry in holder.get("attributes", [])
    }
