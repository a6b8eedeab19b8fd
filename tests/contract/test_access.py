"""Every function says who may call it, and the document says the same."""

import json
from typing import Any

from shop.declaration import Operation
from shop.gateway.routes import DOCUMENT
from shop.keys import SIGNERS

ACCESS = {
    "list_products": "public", "get_product": "public", "list_categories": "public",
    "create_product": "admin", "update_product": "admin", "delete_product": "admin",
    "receive_stock": "admin", "reserve_stock": "system", "release_stock": "system",
    "create_order": "customer", "list_orders": "customer", "get_order": "customer",
    "cancel_order": "customer", "list_notifications": "admin", "list_dead_letters": "admin",
}  # fmt: skip


def described() -> dict[str, dict[str, Any]]:
    """The operations of the document, by their name."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return {o["operationId"]: o for path in document["paths"].values() for o in path.values()}


def test_every_function_says_who_may_call_it(operations: dict[str, Operation]) -> None:
    said = {name: operation.access for name, operation in operations.items()}
    assert [name for name, access in said.items() if access is None] == []
    own = {name for name, access in said.items() if access == "own"}
    assert own == {n for n, o in operations.items() if o.receives_events} | {"gateway"}
    identity = {name for name, operation in operations.items() if operation.area == "identity"}
    assert ACCESS | dict.fromkeys(identity, "public") == {
        name: access for name, access in said.items() if access != "own"
    }


def test_what_the_system_calls_names_who_of_it_may(operations: dict[str, Operation]) -> None:
    for operation in operations.values():
        assert (operation.access == "system") == bool(operation.callers)
        assert set(operation.callers) <= set(SIGNERS)
        assert operation.cluster_local or operation.access != "system"


def test_what_is_not_public_takes_events_that_are_signed(operations: dict[str, Operation]) -> None:
    """What only keeps them, or is only told that a minute has passed, takes any."""
    unsigned = {n for n, o in operations.items() if o.receives_events and not o.signed_events}
    assert unsigned == {"record_dead_letter", "settle_orders"}


def test_the_document_says_who_may_call(operations: dict[str, Operation]) -> None:
    for name, operation in described().items():
        access = operation["x-access"]
        assert access == operations[name].access
        schemes = [scheme for each in operation["security"] for scheme in each or ("none",)]
        if operation["tags"] == ["identity"]:
            assert schemes == []
            continue
        assert (
            schemes
            == {
                "public": ["none", "bearerAuth"],
                "customer": ["bearerAuth"],
                "admin": ["bearerAuth"],
                "system": ["identity"],
            }[access]
        )
        assert "401" in operation["responses"]
        assert ("403" in operation["responses"]) == (access != "public")
