"""Spans in a file, for a machine without a Collector.

A line is a span in OTLP's JSON form, as OpenTelemetry's file exporters write it and a Collector's
`otlpjsonfile` receiver reads it. Several processes write to one file: a line is appended in one
piece. When the file is full it becomes `<name>.1`, in the place of the one before, so that two
files hold the last minutes, however long the shop runs.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

_MOST_BYTES = 8 * 1024 * 1024
_KINDS = {
    SpanKind.INTERNAL: 1, SpanKind.SERVER: 2, SpanKind.CLIENT: 3, SpanKind.PRODUCER: 4,
    SpanKind.CONSUMER: 5,
}  # fmt: skip
_STATUS = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


class FileSpanExporter(SpanExporter):
    """Appends spans to a file that its process shares with others."""

    def __init__(self, path: str) -> None:
        """`path` is of the file; its folder is made where it is missing."""
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write each span as a line."""
        try:
            for span in spans:
                self._append(f"{line(span)}\n".encode())
        except OSError:
            self.shutdown()
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the base's
        """Nothing is held back."""
        return True

    def _append(self, data: bytes) -> None:
        if self._file is not None and not self._is_current(self._file):
            self.shutdown()
        if self._file is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
        os.write(self._file, data)
        # Two processes that find it full at once may both move it; the older minutes go early.
        if os.fstat(self._file).st_size > _MOST_BYTES and self._is_current(self._file):
            self._path.replace(self._path.with_name(self._path.name + ".1"))

    def _is_current(self, file: int) -> bool:
        """Whether the path still means the open file: another process may have moved it."""
        try:
            return self._path.stat().st_ino == os.fstat(file).st_ino
        except FileNotFoundError:
            return False


def line(span: ReadableSpan) -> str:
    """One span as a document of OTLP/JSON, without a line feed."""
    ids, scope = span.get_span_context(), span.instrumentation_scope
    if ids is None:
        raise ValueError("a span that is exported has a context")
    written: dict[str, Any] = {
        "traceId": f"{ids.trace_id:032x}",
        "spanId": f"{ids.span_id:016x}",
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": _STATUS[span.status.status_code]},
    }
    if span.parent is not None:
        written["parentSpanId"] = f"{span.parent.span_id:016x}"
    of_scope = {"scope": {"name": scope.name if scope else ""}, "spans": [written]}
    resource = {"attributes": _attributes(span.resource.attributes)}
    document = {"resourceSpans": [{"resource": resource, "scopeSpans": [of_scope]}]}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"stringValue": str(value)}
