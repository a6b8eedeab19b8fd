"""The running shop answers as its OpenAPI document says, whatever it is sent.

Requests are made from the document, valid ones and others, and no answer is a 5xx or tells of the
inside. SHOP_FUZZ says how many of each operation (600 are more than 10,000 through the gateway,
which the last test holds); every run is of another seed, which a failure prints.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import Case, CheckContext, Response
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from shop.gateway.routes import DOCUMENT
from tests.support.live import Live

EXAMPLES = int(os.environ.get("SHOP_FUZZ", "150"))
# With so many of each operation there must be 10,000 through the gateway.
ENOUGH = 600
# What may be answered to a request that the document does not allow. A body may be too large
# before it is anything else, and a condition may fail first.
REFUSALS = [304, 400, 404, 405, 412, 413, 414, 415, 422, 431]
# What would tell of the inside: stacks, statements, files, addresses, and what serves.
_INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|psycopg|sqlalchemy|SELECT |INSERT |UPDATE |relation \"|"
    r"127\.0\.0\.1|svc\.cluster\.local|postgres(ql)?://|kafka|uvicorn|aiohttp|site-packages",
    re.IGNORECASE,
)


def leaks_nothing(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """An answer that the client did not ask for in these words tells nothing of the inside."""
    said = response.text if response.status_code >= 400 else ""
    sent = f"{case.path_parameters} {case.query} {case.headers} {case.body!r}"
    for found in _INSIDE.finditer(said):
        assert found[0] in unquote(sent), f"it tells of {found[0]!r}: {said[:300]}"
    for name in ("server", "x-powered-by"):
        assert name not in response.headers, name


CHECKS = [
    leaks_nothing,
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    allow_header_conformance,
    unsupported_method,
]
bounded = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def schema(*, cluster_local: bool) -> BaseSchema:
    """The document, with the paths inside the cluster only, or with all others."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    document["paths"] = {
        path: methods
        for path, methods in document["paths"].items()
        if cluster_local == any(o.get("x-cluster-local") for o in methods.values())
    }
    # Where authentication is off nobody is asked for a token; with it on, other tests ask.
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    config = SchemathesisConfig.from_dict(
        {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
    )
    return schemathesis.openapi.from_dict(document, config=config)


SENT: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def told(request: pytest.FixtureRequest) -> Iterator[None]:
    """At the end it is printed how many requests were sent, in all and for each operation."""
    yield
    rows = [f"{name:24} {number:6,}" for name, number in sorted(SENT.items())]
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n\n" + "\n".join([*rows, f"{'requests':24} {SENT.total():6,}"]))  # noqa: T201


def ask(case: Case[Any], base_url: str) -> None:
    """Send what was made up, and hold its answer against the document."""
    SENT[case.operation.definition.raw["operationId"]] += 1
    case.call_and_validate(base_url=base_url, checks=CHECKS)


public = schema(cluster_local=False)
inside = schema(cluster_local=True)


@public.parametrize()
@bounded
def test_the_gateway_answers_as_the_document_says(case: Case[Any], running: Live) -> None:
    ask(case, running.url)


@inside.parametrize()
@bounded
def test_a_function_inside_answers_as_the_document_says(case: Case[Any], running: Live) -> None:
    name = case.operation.definition.raw["operationId"]
    ask(case, running.state.functions[name])


@pytest.mark.skipif(EXAMPLES < ENOUGH, reason=f"SHOP_FUZZ is less than {ENOUGH}")
def test_that_was_enough_requests_through_the_gateway(told: None) -> None:  # noqa: ARG001
    methods = [of for path in public.raw_schema["paths"].values() for of in path.values()]

    assert sum(SENT[operation["operationId"]] for operation in methods) >= 10_000
