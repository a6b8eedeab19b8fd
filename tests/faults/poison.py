"""Events that no notifier can understand: each must end as a dead letter, and delay no other."""

import json
from uuid import uuid4

from kafka import KafkaProducer

from shop.events import SCHEMAS, SOURCES

KEY = "poison"
_TOPICS = {"inventory": "inventory-events", "orders": "order-events"}


def send(address: str, kind: str, area: str) -> str:
    """Put one onto an area's topic; the id of its dead letter."""
    event_id = str(uuid4())
    name = "order.created" if area == "orders" else "product.created"
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": SOURCES[area],
        "ce_type": f"com.shophub.{name}.v1",
        "ce_subject": "orders/1",
        "ce_partitionkey": KEY,
        "ce_dataschema": SCHEMAS,
        "content-type": "application/json",
    }  # fmt: skip
    value = json.dumps({"order_id": "no number"}).encode()
    if kind == "unknown":
        headers["ce_type"] = "com.shophub.order.lost.v1"
    elif kind == "no-event":
        headers = {"content-type": "application/octet-stream"}
        value = b"\x00\xff"
    producer = KafkaProducer(
        bootstrap_servers=address, acks="all", allow_auto_create_topics=False, metrics_enabled=False
    )
    try:
        sent = producer.send(
            _TOPICS[area], key=KEY.encode(), value=value,
            headers=[(name, text.encode()) for name, text in headers.items()],
        ).get(timeout=10)  # fmt: skip
    finally:
        producer.close(timeout=2)
    if kind != "no-event":
        return event_id
    # KafkaSource makes an event of what is none, and names it by its place.
    return f"{_TOPICS[area]}/partition:{sent.partition}/offset:{sent.offset}"
