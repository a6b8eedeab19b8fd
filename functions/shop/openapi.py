"""The OpenAPI document, generated from the functions' own types.

`python -m shop.openapi` writes `functions/gateway/openapi.json`, which the gateway serves and
routes by; a test holds it to the code.
"""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from shop.declaration import REGISTRY, Operation
from shop.errors import (
    BadRequest,
    DependencyDown,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    Problem,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from shop.gateway.routes import DOCUMENT, PREFIX

FUNCTIONS = Path(__file__).resolve().parent.parent
AREAS = ("inventory", "orders", "notifications", "identity", "gateway")
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "description": "A problem (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Each field that does not hold.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


# How callers say who they are; asked for where authentication is on.
_SCHEMES = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of /api/auth/token, or of an issuer that the shop trusts.",
    },
    "identity": {
        "type": "apiKey",
        "in": "header",
        "name": "shop-identity",
        "description": "Inside the cluster: what a part of the shop has signed with its key.",
    },
}


def load_functions() -> dict[str, Operation]:
    """Import every function's file; the operations by name."""
    for area in AREAS:
        for file in sorted((FUNCTIONS / area).glob("*.py")):
            if file.stem not in REGISTRY:
                _import(file)
    return REGISTRY


def _import(file: Path) -> None:
    spec = spec_from_file_location(f"function_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(file)
    spec.loader.exec_module(module_from_spec(spec))


def document(operations: dict[str, Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the operations."""
    http = [o for o in operations.values() if not o.receives_events and o.area != "gateway"]
    models = {o.body for o in http if o.body} | {m for o in http for m in _models(o.answer)}
    _, definitions = models_json_schema(
        [
            (model, "validation" if any(o.body is model for o in http) else "serialization")
            for model in sorted(models, key=lambda model: model.__name__)
        ],
        ref_template=_REFERENCE,
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in sorted(http, key=lambda o: (AREAS.index(o.area), o.path, o.methods)):
        path = operation.path if operation.cluster_local else PREFIX + operation.path
        paths.setdefault(path, {})[operation.methods[0].lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ShopHub",
            "version": "1.0.0",
            "description": "Inventory and orders that never sell what is not there.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": area} for area in AREAS[:-1]],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": _SCHEMES,
        },
        "x-services": {
            o.name.replace("_", "-"): o.area
            for o in sorted(operations.values(), key=lambda o: o.name)
            if o.area != "gateway"
        },
    }


def _models(answer: Any) -> list[type[BaseModel]]:
    if answer is None:
        return []
    return list(getattr(answer, "__args__", (answer,)))


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.area],
        "x-access": operation.access,
        "security": _security(operation),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        reference = {"$ref": _REFERENCE.format(model=operation.body.__name__)}
        described["requestBody"] = {
            "required": not operation.body_optional,
            "content": {"application/json": {"schema": reference}},
        }
    if operation.cluster_local:
        described["x-cluster-local"] = True
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.access == "system":
        return [{"identity": []}]
    if operation.area == "identity":
        # Whoever signs in says who he is in the body; that his token is old must not hinder him.
        return []
    needed: dict[str, list[str]] = {"bearerAuth": []}
    return [{}, needed] if operation.access == "public" else [needed]


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    schema: dict[str, Any]
    if "{id}" in operation.path:
        schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
        parameters.append({"name": "id", "in": "path", "required": True, "schema": schema})
    if "{uuid}" in operation.path:
        schema = {"type": "string", "format": "uuid"}
        parameters.append({"name": "uuid", "in": "path", "required": True, "schema": schema})
    if operation.query is not None:
        schema = TypeAdapter(operation.query).json_schema()
        for name, member in schema["properties"].items():
            description = member.pop("description", None)
            member.pop("title", None)
            parameter = {"name": name, "in": "query", "required": False, "schema": member}
            if description:
                parameter["description"] = description
            parameters.append(parameter)
    if operation.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key and body have one effect, and one answer, for 24 h.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    parameters.extend(
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in operation.conditions
    )
    return parameters


def _responses(operation: Operation) -> dict[str, Any]:
    succeeded: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        (model,) = _models(operation.answer)
        schema: dict[str, Any] = {"$ref": _REFERENCE.format(model=model.__name__)}
        if operation.answer is not model:
            schema = {"type": "array", "items": schema}
        succeeded["content"] = {"application/json": {"schema": schema}}
    responses = {str(operation.status): succeeded}
    if "If-None-Match" in operation.conditions:
        responses["304"] = {"description": "It is what If-None-Match says."}
    for status, titles in sorted(_failures(operation).items()):
        reference = {"$ref": _REFERENCE.format(model="Problem")}
        responses[str(status)] = {
            "description": "; ".join(sorted(titles)) + ".",
            "content": {"application/problem+json": {"schema": reference}},
        }
    return responses


def _failures(operation: Operation) -> dict[int, set[str]]:
    failures: list[type[Problem]] = [*operation.errors, DependencyDown, Internal]
    if _security(operation):
        failures.append(Unauthenticated)
    if operation.access != "public":
        failures.append(Forbidden)
    if "{" in operation.path:
        failures.append(NotFound)
    if operation.body is not None:
        failures += [BadRequest, TooLarge, UnsupportedMediaType, Invalid]
    if operation.query is not None:
        failures += [BadRequest, Invalid]
    if operation.keyed or operation.conditions:
        failures.append(BadRequest)
    found: dict[int, set[str]] = {}
    for failure in failures:
        found.setdefault(failure.status, set()).add(failure.title)
    of_the_gateway = (
        (414, "The target is too long"), (429, "Too many requests"),
        (431, "The headers are too long"), (502, "A service broke off its answer"),
        (504, "Too late"),
    )  # fmt: skip
    for status, title in of_the_gateway:
        if not operation.cluster_local:
            found.setdefault(status, set()).add(title)
    return found


def main() -> int:
    """Write the document."""
    text = json.dumps(document(load_functions()), indent=2, ensure_ascii=False, sort_keys=False)
    DOCUMENT.write_text(text + "\n")
    print(f"{DOCUMENT.name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
