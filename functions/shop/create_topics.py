"""Make the topics that are missing: `TOPICS='{…}' python -m shop.create_topics`.

TOPICS is JSON: `{"inventory-events": {"partitions": 6, "config": {"retention.ms": "604800000"}}}`.
It waits up to 60 s for Kafka. Settings of a topic that exists are brought to what is asked for;
its partitions are not, since an aggregate's events would move to another one and overtake.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from shop.settings import SettingError, Settings

_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic shall be like."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def read(text: str) -> list[Topic]:
    """The topics of the setting TOPICS; SettingError where it is not what it should be."""
    try:
        document = json.loads(text)
        return [
            Topic(
                name,
                int(wanted["partitions"]),
                {key: str(value) for key, value in wanted.get("config", {}).items()},
            )
            for name, wanted in document.items()
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingError(f"TOPICS is not a JSON object of topics: {error!r}") from None


def connect(servers: str, *, wait: float = _WAIT_SECONDS) -> KafkaAdminClient:
    """A client for the brokers, once one answers; KafkaError after `wait` seconds."""
    give_up = time.monotonic() + wait
    while True:
        try:
            return KafkaAdminClient(
                bootstrap_servers=servers.split(","),
                bootstrap_timeout_ms=2_000,
                reconnect_backoff_max_ms=500,
                request_timeout_ms=15_000,
            )
        except KafkaError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def ensure(client: KafkaAdminClient, topics: list[Topic], replication: int) -> list[str]:
    """Make what is missing, and bring settings to what is asked for; a line on each topic."""
    existing = {
        found["name"]: len(found["partitions"])
        for found in client.describe_topics()
        if found["name"] in {topic.name for topic in topics}
    }
    missing = [topic for topic in topics if topic.name not in existing]
    lines = [_create(client, topic, replication) for topic in missing]
    client.wait_for_topics([topic.name for topic in missing])
    present = [topic for topic in topics if topic not in missing]
    return lines + [_adjust(client, topic, existing[topic.name]) for topic in present]


def _create(client: KafkaAdminClient, topic: Topic, replication: int) -> str:
    wanted = {
        "num_partitions": topic.partitions,
        "replication_factor": replication,
        "configs": dict(topic.config),
    }
    try:
        client.create_topics({topic.name: wanted})
    except TopicAlreadyExistsError:
        return f"{topic.name}: made by another run meanwhile"
    return f"{topic.name}: made with {topic.partitions} partitions"


def _adjust(client: KafkaAdminClient, topic: Topic, partitions: int) -> str:
    changed = _change_config(client, topic)
    if partitions != topic.partitions:
        changed.append(
            f"has {partitions} partitions where {topic.partitions} are asked for; they are left, "
            "for a key's events would change their partition and their order"
        )
    return f"{topic.name}: {'; '.join(changed) or 'as asked for'}"


def _change_config(client: KafkaAdminClient, topic: Topic) -> list[str]:
    if not topic.config:
        return []
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    found: dict[str, Any] = client.describe_configs([resource], config_filter="all")
    now = found["topic"][topic.name]
    different = {
        key: value for key, value in topic.config.items() if now.get(key, {}).get("value") != value
    }
    if different:
        client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=different)]
        )
    return [f"{key} set to {value}" for key, value in different.items()]


def main() -> int:
    """The command line; returns the exit status."""
    settings = Settings()
    try:
        topics = read(settings.text("TOPICS"))
        servers = settings.text("KAFKA_BOOTSTRAP_SERVERS")
        replication = settings.integer("REPLICATION_FACTOR", 1, least=1, most=100)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        client = connect(servers)
        try:
            print("\n".join(ensure(client, topics, replication)))
        finally:
            client.close()
    except KafkaError as error:
        print(f"Kafka does not do it: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
