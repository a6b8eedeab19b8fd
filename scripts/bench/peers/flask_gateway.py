"""A gateway as it is written first: functions-framework, Flask, and a session of requests.

It looks at nothing, limits nothing and gives nothing up; it only passes on.
"""

import os

import flask
import functions_framework
import requests

_UPSTREAM = os.environ["UPSTREAM"]
_DROPPED = {"connection", "transfer-encoding", "keep-alive", "content-encoding"}
_session = requests.Session()
_session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))


@functions_framework.http
def gateway(request: flask.Request) -> flask.Response:
    """The service's answer."""
    answer = _session.request(
        request.method,
        _UPSTREAM + request.path.removeprefix("/api"),
        params=request.query_string.decode(),
        headers={k: v for k, v in request.headers if k.lower() not in ("host", "connection")},
        data=request.get_data(),
        allow_redirects=False,
        timeout=10,
    )
    kept = {k: v for k, v in answer.headers.items() if k.lower() not in _DROPPED}
    return flask.Response(answer.content, answer.status_code, kept)
