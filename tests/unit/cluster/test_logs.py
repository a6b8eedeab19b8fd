"""Which logs are followed: those of containers that run, and each of their lives once."""

from typing import Any

import pytest

from cluster import logs
from cluster.kubectl import ClusterError


def pod(state: str, restarts: int = 0) -> dict[str, Any]:
    return {
        "metadata": {"name": "get-order-1"},
        "status": {
            "containerStatuses": [
                {"name": "queue-proxy", "state": {"running": {}}},
                {"name": "user-container", "state": {state: {}}, "restartCount": restarts},
            ]
        },
    }


def test_a_container_that_has_begun_has_a_log_and_another_after_a_restart() -> None:
    assert logs.lives(pod("waiting")) == []
    assert logs.lives(pod("running")) == ["get-order-1 0"]
    assert logs.lives(pod("running", restarts=1)) == ["get-order-1 1"]
    assert logs.lives(pod("terminated")) == ["get-order-1 0"]


def test_a_name_that_is_not_deployed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "get", lambda *_: [])
    with pytest.raises(ClusterError, match="create_ordr is not deployed"):
        logs.follow("create_ordr")
