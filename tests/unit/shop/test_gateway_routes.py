import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.errors import MethodNotAllowed, NotFound
from shop.gateway.routes import Routes, Target

ROUTES = Routes(
    {
        "x-services": ["list-products", "get-product", "update-product", "cancel-order"],
        "paths": {
            "/api/products": {"get": {"operationId": "list_products"}},
            "/api/products/{id}": {
                "get": {"operationId": "get_product"},
                "put": {"operationId": "update_product"},
            },
            "/api/orders/{id}/cancel": {"post": {"operationId": "cancel_order"}},
            "/reservations": {"post": {"operationId": "reserve_stock"}},
        },
    }
)


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", "/api/products", Target("list-products", "/products", "/api/products")),
        ("HEAD", "/api/products", Target("list-products", "/products", "/api/products")),
        ("PUT", "/api/products/7", Target("update-product", "/products/7", "/api/products/{id}")),
        (
            "POST", "/api/orders/12/cancel",
            Target("cancel-order", "/orders/12/cancel", "/api/orders/{id}/cancel"),
        ),
    ],
)  # fmt: skip
def test_a_request_has_one_service(method: str, path: str, target: Target) -> None:
    assert ROUTES.find(method, path) == target


@pytest.mark.parametrize(
    "path",
    [
        "/", "/api", "/api/", "/api/product", "/api/products/", "/api/products/0",
        "/api/products/x", "/api/products/-1", f"/api/products/{2**63}", "/api/products/1/stock/x",
        "/api/products/1\n", "/api//products", "/api/../products", "/api/products/..",
        "/reservations", "/api/reservations", "/products", "/api/products?x",
    ],
)  # fmt: skip
def test_what_is_no_route_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        ROUTES.find("GET", path)


def test_a_route_is_told_which_methods_it_has() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        ROUTES.find("DELETE", "/api/products/7")

    assert caught.value.headers == {"Allow": "GET, HEAD, PUT"}


@given(st.text(max_size=60))
def test_what_is_forwarded_is_never_what_a_client_made_up(path: str) -> None:
    try:
        target = ROUTES.find("GET", "/api/products/" + path)
    except NotFound:
        return
    assert target.path == f"/products/{int(path)}"


def test_the_routes_of_the_document_are_those_of_public_functions() -> None:
    routes = Routes.load()

    assert routes.find("POST", "/api/orders").service == "create-order"
    with pytest.raises(NotFound):
        routes.find("POST", "/api/reservations")


def test_the_table_tells_how_every_route_may_end() -> None:
    outcomes = set(Routes.load().outcomes())
    assert ("POST", "/api/orders", 201) in outcomes
    assert ("GET", "/api/products/{id}", 504) in outcomes
    assert not any(template.startswith("/reservations") for _, template, _ in outcomes)
