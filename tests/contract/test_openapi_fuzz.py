"""The running shop answers as its OpenAPI document says, whatever it is sent.

Requests are made from the document, valid ones and others, and no answer is a 5xx or tells of the
inside. SHOP_FUZZ says how many of each operation (600 are more than 10,000 through the gateway);
every run is of another seed, which a failure prints.
"""

import json
import os
import re
from typing import Any
from urllib.parse import unquote

import hypothesis
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


public = schema(cluster_local=False)
inside = schema(cluster_local=True)


@public.parametrize()
@bounded
def test_the_gateway_answers_as_the_document_says(case: Case[Any], running: Live) -> None:
    case.call_and_validate(base_url=running.url, checks=CHECKS)


@inside.parametrize()
@bounded
def test_a_function_inside_answers_as_the_document_says(case: Case[Any], running: Live) -> None:
    name = case.operation.definition.raw["operationId"]
    case.call_and_validate(base_url=running.state.functions[name], checks=CHECKS)
