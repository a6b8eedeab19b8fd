import json
from pathlib import Path

import pytest

from local.routes import Table
from shop.errors import MethodNotAllowed, NotFound


@pytest.fixture
def table(tmp_path: Path) -> Table:
    document = {
        "paths": {
            "/api/products": {
                "get": {"operationId": "list_products", "tags": ["inventory"]},
                "post": {"operationId": "create_product", "tags": ["inventory"]},
            },
            "/api/products/{id}": {"get": {"operationId": "get_product", "tags": ["inventory"]}},
            "/reservations/{id}/release": {
                "post": {"operationId": "release_stock", "tags": ["inventory"]}
            },
            "/api/orders": {"get": {"operationId": "list_orders", "tags": ["orders"]}},
        }
    }
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    return Table.of_area(path, "inventory")


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("GET", "/products", "list_products"),
        ("HEAD", "/products", "list_products"),
        ("POST", "/products", "create_product"),
        ("GET", "/products/7", "get_product"),
        ("POST", "/reservations/6f0e/release", "release_stock"),
    ],
)
def test_a_route_leads_to_its_function(table: Table, method: str, path: str, function: str) -> None:
    assert table.find(method, path) == function


def test_another_method_is_refused_with_those_that_work(table: Table) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        table.find("PATCH", "/products")
    assert refused.value.headers == {"Allow": "GET, HEAD, POST"}


@pytest.mark.parametrize("path", ["/orders", "/products/7/stock", "/api/products", "/"])
def test_what_the_area_does_not_serve_is_not_found(table: Table, path: str) -> None:
    with pytest.raises(NotFound):
        table.find("GET", path)
