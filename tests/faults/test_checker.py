"""The checker finds what it is for: each history here is broken in one way."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.faults.broken import BROKEN
from tests.faults.checker import RULES, check
from tests.faults.history import (
    Asked,
    Edit,
    Event,
    History,
    Page,
    Product,
    Record,
    Sight,
)
from tests.faults.sound import PRODUCTS, added, both, changed, sound


def rules_of(history: History) -> set[str]:
    """The rules that find something."""
    return {difference.rule for difference in check(history)}


def test_a_sound_history_has_no_difference() -> None:
    assert check(sound()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_it_finds(name: str) -> None:
    rule, break_it = BROKEN[name]
    assert rule in rules_of(break_it(sound()))


def test_every_rule_finds_something_that_no_other_finds() -> None:
    alone = {rule for rule, break_it in BROKEN.values() if rules_of(break_it(sound())) == {rule}}
    assert alone == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("status", ["confirmed", "rejected", "cancelled"])
def test_what_a_client_has_no_answer_to_may_have_ended_either_way(status: str) -> None:
    history = both(changed("asked", 3, answers=()), changed("orders", 3, status=status))(sound())
    assert "an_answer_is_what_is_stored" not in rules_of(history)


def test_a_cancel_that_was_never_answered_may_have_happened_or_not() -> None:
    assert check(changed("asked", 2, cancelled=None)(sound())) == []


def test_an_edit_that_was_never_answered_may_have_happened_or_not() -> None:
    assert check(changed("edits", 1, outcome="unknown")(sound())) == []
    assert check(added("edits", Edit("price", 7, 700, "unknown"))(sound())) == []
    assert check(added("edits", Edit("delete", 7, 0, "unknown"))(sound())) == []


def test_two_readings_at_the_same_time_may_see_a_change_in_either_order() -> None:
    history = both(
        added("sights", Sight(7, 7.5, 8.5, stock=11)), added("sights", Sight(7, 7.6, 8.6, stock=13))
    )(sound())
    assert check(history) == []


def test_a_page_that_is_full_lacks_what_is_older() -> None:
    page = Page(5.1, 5.2, ((3, "cancelled"), (2, "rejected")), full=True)
    assert check(replace(sound(), pages=(page,))) == []


def test_an_order_without_a_key_that_was_never_answered_may_exist() -> None:
    assert check(added("asked", Asked(None, ((7, 1),), ()))(sound())) == []


def test_products_that_were_never_touched_are_no_difference() -> None:
    history = both(
        added("products", Product(9, 0, 10, ())),
        added("events", Event(PRODUCTS, 9, "r-new", "com.shophub.product.created.v1", "9",
                              published=True, data={"price": Decimal(1)})),
        added("records", Record(PRODUCTS, 1, 40, "9", "r-new", b"{}")),
        added("notified", "r-new"),
    )(sound())  # fmt: skip
    assert check(history) == []
