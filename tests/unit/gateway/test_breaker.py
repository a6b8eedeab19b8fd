import pytest

from shop.errors import DependencyDown
from shop.gateway.breaker import Breaker, Rules


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def openings() -> list[None]:
    return []


@pytest.fixture
def breaker(clock: Clock, openings: list[None]) -> Breaker:
    """The breaker of a service that is awake."""
    it = Breaker(Rules(), opened=lambda: openings.append(None), clock=clock)
    it.admit()
    it.ended(well=True)
    return it


def end(breaker: Breaker, ends: str) -> None:
    """One request after another: a dot is one that ended well."""
    for one in ends:
        breaker.admit()
        breaker.ended(well=one == ".")


def state(breaker: Breaker) -> str:
    return breaker.state


def test_it_opens_after_five_failures_in_a_row(breaker: Breaker, openings: list[None]) -> None:
    end(breaker, "xxxx")
    assert state(breaker) == "closed"

    end(breaker, "x")

    assert (state(breaker), len(openings)) == ("open", 1)
    with pytest.raises(DependencyDown) as refused:
        breaker.admit()
    assert int(refused.value.headers["Retry-After"]) >= 1


def test_a_success_in_between_begins_the_row_anew(breaker: Breaker) -> None:
    end(breaker, "xxxx.xxxx")

    assert state(breaker) == "closed"


def test_it_opens_where_half_of_the_last_requests_failed(breaker: Breaker) -> None:
    end(breaker, ".x" * 9)
    assert state(breaker) == "closed"

    end(breaker, "x")

    assert state(breaker) == "open"


def test_failures_of_long_ago_do_not_count(breaker: Breaker, clock: Clock) -> None:
    for _ in range(40):
        end(breaker, "x..")
        clock.now += 1.0

    assert state(breaker) == "closed"


def test_one_request_after_its_time_decides(breaker: Breaker, clock: Clock) -> None:
    end(breaker, "x" * 5)
    clock.now += 1.0
    assert state(breaker) == "half-open"

    breaker.admit()
    with pytest.raises(DependencyDown):
        breaker.admit()
    breaker.ended(well=True)

    assert state(breaker) == "closed"
    end(breaker, "..")


def test_each_failed_try_doubles_the_wait_up_to_four_seconds(
    breaker: Breaker, clock: Clock
) -> None:
    end(breaker, "x" * 5)
    waits = []
    for _ in range(6):
        began = clock.now
        while state(breaker) == "open":
            clock.now += 0.25
        waits.append(clock.now - began)
        end(breaker, "x")

    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0]


def test_after_a_success_it_opens_for_a_second_again(breaker: Breaker, clock: Clock) -> None:
    end(breaker, "x" * 5)
    clock.now += 1.0
    end(breaker, "x")
    clock.now += 2.0
    end(breaker, ".")
    end(breaker, "x" * 5)

    clock.now += 1.0
    assert state(breaker) == "half-open"


def test_what_was_sent_before_it_opened_neither_closes_it_nor_opens_it_for_longer(
    breaker: Breaker, clock: Clock, openings: list[None]
) -> None:
    for _ in range(10):
        breaker.admit()
    for _ in range(8):
        breaker.ended(well=False)
    breaker.ended(well=True)

    assert (state(breaker), len(openings)) == ("open", 1)
    clock.now += 1.0
    assert state(breaker) == "half-open"


def test_a_try_that_says_nothing_lets_another_try(breaker: Breaker, clock: Clock) -> None:
    end(breaker, "x" * 5)
    clock.now += 1.0
    breaker.admit()
    breaker.untold()

    breaker.admit()


def test_a_service_that_wakes_opens_no_breaker(clock: Clock) -> None:
    breaker = Breaker(Rules(), clock=clock)
    for _ in range(100):
        breaker.admit()
    clock.now += 20.0
    for _ in range(100):
        breaker.ended(well=False)

    assert state(breaker) == "closed"


def test_a_service_that_does_not_wake_in_time_opens_its_breaker(clock: Clock) -> None:
    breaker = Breaker(Rules(), clock=clock)
    for _ in range(13):
        end(breaker, "x")
        clock.now += 4.0

    assert state(breaker) != "closed"


def test_a_service_that_fell_asleep_may_wake_again(breaker: Breaker, clock: Clock) -> None:
    clock.now += 300.0
    for _ in range(10):
        breaker.admit()
    clock.now += 15.0
    for _ in range(10):
        breaker.ended(well=False)

    assert state(breaker) == "closed"
