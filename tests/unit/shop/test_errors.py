import json

import pytest

from shop import errors
from shop.errors import Problem

KINDS = [
    each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Problem)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_has_a_status_a_title_and_words_on_when_it_occurs(
    kind: type[Problem],
) -> None:
    assert 400 <= kind.status < 600
    assert kind.title
    assert kind.__doc__
    assert kind.type == kind.type.lower().replace(" ", "-")


def test_no_two_problems_that_a_client_sees_have_one_type() -> None:
    kinds = [kind for kind in KINDS if kind not in (Problem, errors.Internal)]

    assert len({kind.type for kind in kinds}) == len(kinds)


def test_a_problem_is_one_json_document() -> None:
    problem = errors.InsufficientStock("Lámp: 2 asked for", products=[{"product_id": 1}])

    assert json.loads(problem.body()) == {
        "type": "/problems/insufficient-stock",
        "title": "Not enough stock",
        "status": 409,
        "detail": "Lámp: 2 asked for",
        "products": [{"product_id": 1}],
    }
    assert "Lámp".encode() in problem.body()


def test_without_a_detail_its_title_is_one() -> None:
    assert errors.Internal().document()["detail"] == "Something went wrong"


def test_an_invalid_request_names_each_field() -> None:
    problem = errors.Invalid([("price", "must be a number"), ("name", "must not be blank")])

    assert problem.document()["errors"] == [
        {"field": "price", "message": "must be a number"},
        {"field": "name", "message": "must not be blank"},
    ]
    assert problem.detail == "price: must be a number; name: must not be blank"


@pytest.mark.parametrize(
    ("kind", "status"),
    [(errors.DependencyDown, 503), (errors.BadGateway, 502), (errors.DeadlinePassed, 504)],
)
def test_whoever_meets_something_that_is_down_is_told_when_to_come_again(
    kind: type[errors.DependencyDown], status: int
) -> None:
    assert kind.status == status
    assert kind().headers == {"Retry-After": "1"}
    assert kind(retry_after=30).headers == {"Retry-After": "30"}


def test_a_wrong_method_is_told_the_right_ones() -> None:
    problem = errors.MethodNotAllowed(["PUT", "GET"])

    assert problem.headers == {"Allow": "GET, PUT"}
    assert "GET, PUT" in problem.detail
