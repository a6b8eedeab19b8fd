import pytest

from local import manifests
from local.layout import ROOT, PlatformError
from local.manifests import Delivery


@pytest.fixture(scope="module")
def described() -> manifests.Manifests:
    return manifests.read(ROOT)


def test_each_function_has_a_manifest_and_each_manifest_a_function(
    described: manifests.Manifests,
) -> None:
    areas = {function.area for function in described.functions}
    files = {
        (area, path.stem)
        for area in areas
        for path in (ROOT / "functions" / area).glob("*.py")
        if path.stem != "__init__" and "FUNCTION_TARGET" not in path.stem
    }
    for function in described.functions:
        assert (function.area, function.name) in files
        assert function.environment["FUNCTION_SOURCE"] == f"{function.area}/{function.name}.py"


def test_a_manifest_lies_in_the_folder_of_its_area(described: manifests.Manifests) -> None:
    for function in described.functions:
        path = ROOT / "knative" / "base" / function.area / f"{function.name}.yaml"
        assert path.is_file()


def test_what_a_container_names_wins_over_the_map_that_it_imports(
    described: manifests.Manifests,
) -> None:
    gateway = next(f for f in described.functions if f.name == "gateway")
    assert gateway.environment["LOG_LEVEL"] == "info"
    assert gateway.environment["UPSTREAM_URL"] == "http://{function}.shop.svc.cluster.local"
    assert gateway.database is None


def test_events_that_cannot_be_delivered_have_somewhere_to_go(
    described: manifests.Manifests,
) -> None:
    topics = {s.name: s.delivery.dead_letter_topic for s in described.kafka_sources}
    assert topics == {
        "inventory-events": "dead-letters",
        "order-events": "dead-letters",
        "dead-letters": None,
    }


def test_every_sink_is_a_function_that_exists(described: manifests.Manifests) -> None:
    names = {function.name for function in described.functions}
    sinks = {source.sink for source in described.kafka_sources}
    sinks |= {source.sink for source in described.ping_sources}
    assert sinks <= names


def test_backoff_doubles_as_knative_counts_it() -> None:
    delivery = Delivery(3, exponential=True, delay=0.2, timeout=30, dead_letter_topic=None)
    assert [delivery.pause(retry) for retry in (1, 2, 3)] == pytest.approx([0.4, 0.8, 1.6])


def test_linear_backoff_grows_by_the_delay() -> None:
    delivery = Delivery(3, exponential=False, delay=0.2, timeout=30, dead_letter_topic=None)
    assert [delivery.pause(retry) for retry in (1, 2, 3)] == pytest.approx([0.2, 0.4, 0.6])


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT0.2S", 0.2), ("PT30S", 30.0), ("PT2M", 120.0), ("PT1M0.5S", 60.5)]
)
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    assert manifests.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["PT", "0.2", "P1D", "PT-1S", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(PlatformError, match="is no duration"):
        manifests.seconds(text)
