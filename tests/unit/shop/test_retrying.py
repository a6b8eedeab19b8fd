import pytest

from shop.retrying import RetryBudget


@pytest.mark.parametrize("requests", [1, 10, 100, 1_000])
def test_no_more_than_a_tenth_of_the_requests_is_sent_again(requests: int) -> None:
    budget = RetryBudget()
    sent_again = 0
    for _ in range(requests):
        budget.request()
        sent_again += budget.take()

    assert sent_again <= requests * 0.1 + 1
    assert sent_again >= requests // 11


def test_a_quiet_hour_saves_ten_retries_and_no_more() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.request()

    assert sum(budget.take() for _ in range(100)) == 10
