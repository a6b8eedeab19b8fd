"""Metrics as a scrape shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.support.live import Client


@dataclass(frozen=True, slots=True)
class Samples:
    """One scrape: every sample with its labels."""

    samples: tuple[tuple[str, Mapping[str, str], float], ...]

    def labels(self, name: str) -> list[Mapping[str, str]]:
        """The labels of each series of that name."""
        return [labels for found, labels, _ in self.samples if found == name]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series of that name which have these labels; 0 where there is none."""
        return sum(
            value
            for found, has, value in self.samples
            if found == name and labels.items() <= has.items()
        )


async def scrape(client: Client, url: str) -> Samples:
    """What `/metrics` at an address shows."""
    answer = await client.get(f"{url}/metrics")
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("text/plain")
    return parse(answer.body.decode())


def parse(text: str) -> Samples:
    """What an exposition says."""
    return Samples(
        tuple(
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        )
    )
