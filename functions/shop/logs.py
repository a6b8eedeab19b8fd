"""Logs as JSON lines on standard output, one object a line, joined to traces by `trace_id`."""

import json
import logging
import os
import sys
import time
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from shop import tracing

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@lru_cache(maxsize=2)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1e6):06d}Z"


class JsonFormatter(logging.Formatter):
    """Renders a record, its `extra` fields and its exception as one JSON object."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self._function = function

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line without its line feed."""
        line: dict[str, Any] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "function": self._function,
            "message": record.getMessage(),
        }
        trace = tracing.current()
        if trace is not None:
            line["trace_id"] = trace.trace_id
        line.update({n: v for n, v in vars(record).items() if n not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class RequestLog:
    """One line a request.

    It writes past the logging module: a line on each request is the one place where that
    module's 15 µs are felt.
    """

    def __init__(self, function: str, *, enabled: bool) -> None:
        self._function = json.dumps(function)
        self._enabled = enabled

    def write(
        self,
        *,
        method: str,
        path: str,
        route: str,
        status: int,
        seconds: float,
        request_id: str,
        trace_id: str,
        extra: dict[str, Any] | None,
    ) -> None:
        """Write the line; `seconds` is how long the request took, `extra` further members.

        What a notifier tells of, its member `notification`, is its message too.
        """
        if not self._enabled:
            return
        message = f"{method} {path} {status}"
        if extra and "notification" in extra:
            message = extra["notification"]
        further = "" if not extra else "," + json.dumps(extra, ensure_ascii=False)[1:-1]
        level = "info" if status < 500 else "error"
        line = (
            f'{{"time":"{_timestamp(time.time())}","level":"{level}","function":{self._function},'
            f'"message":{quoted(message)},"method":"{method}",'
            f'"route":"{route}","status":{status},"duration_ms":{seconds * 1000:.2f},'
            f'"request_id":{quoted(request_id)},"trace_id":"{trace_id}"{further}}}\n'
        )
        os.write(1, line.encode("utf-8", "backslashreplace"))


def configure(function: str, level: str) -> None:
    """Send every logger of the process to standard output, as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(function))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kafka-python has a line on each try to connect; who uses it says once what matters.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    for chatty in ("apprise", "psycopg.pool", "alembic", "urllib3", "asyncio"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
