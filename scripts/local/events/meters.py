"""What the stand-in counts about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

DELIVERIES = Counter(
    "event_source_deliveries",
    "Events that are done with: delivered, dead-lettered or dropped.",
    ("source", "outcome"),
    registry=REGISTRY,
)
RETRIES = Counter(
    "event_source_retries",
    "Attempts after the first one.",
    ("source",),
    registry=REGISTRY,
)
LAG = Gauge(
    "event_source_lag",
    "Records on the source's topics that have not been answered yet.",
    ("source",),
    registry=REGISTRY,
)
SECONDS = Histogram(
    "event_source_delivery_seconds",
    "Time from a record's arrival here to its answer, waits and retries included.",
    ("source",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=REGISTRY,
)
