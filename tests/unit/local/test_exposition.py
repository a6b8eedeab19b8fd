from prometheus_client.parser import text_string_to_metric_families

from local import exposition

_ONE = """\
# HELP order_http_requests_total HTTP requests answered.
# TYPE order_http_requests_total counter
order_http_requests_total{function="create_order",status="201"} 3.0
# HELP order_http_request_duration_seconds Time.
# TYPE order_http_request_duration_seconds histogram
order_http_request_duration_seconds_bucket{function="create_order",le="+Inf"} 3.0
order_http_request_duration_seconds_count{function="create_order"} 3.0
order_http_request_duration_seconds_sum{function="create_order"} 0.5
"""
_TWO = _ONE.replace("create_order", "list_orders").replace("3.0", "4.0")


def test_each_family_stands_once_with_the_samples_of_all() -> None:
    families = list(
        text_string_to_metric_families(
            exposition.merge({"create_order": _ONE, "list_orders": _TWO})
        )
    )
    assert [family.name for family in families] == [
        "order_http_requests",
        "order_http_request_duration_seconds",
    ]
    assert {s.labels["function"]: s.value for s in families[0].samples} == {
        "create_order": 3.0,
        "list_orders": 4.0,
    }
    assert len(families[1].samples) == 6


def test_a_series_that_two_show_is_shown_once() -> None:
    assert exposition.merge({"a": _ONE, "b": _ONE}) == exposition.merge({"a": _ONE})


def test_what_python_tells_of_a_process_is_told_apart() -> None:
    text = 'python_info{version="3.13"} 1.0\nprocess_open_fds 17.0\n'
    families = text_string_to_metric_families(exposition.merge({"a": text, "b": text}))
    labels = [sample.labels["function"] for family in families for sample in family.samples]
    assert sorted(labels) == ["a", "a", "b", "b"]


def test_nothing_merges_to_an_empty_exposition() -> None:
    assert exposition.merge({}) == "\n"
