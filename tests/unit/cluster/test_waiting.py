"""Waiting for a cluster's objects ends early where waiting is in vain."""

from typing import Any

import pytest

from cluster import image, waiting
from cluster.kubectl import ClusterError


def pod(reference: str, reason: str) -> dict[str, Any]:
    status = {"name": "run", "image": reference, "state": {"waiting": {"reason": reason}}}
    return {"metadata": {"name": "a-pod"}, "status": {"containerStatuses": [status]}}


@pytest.fixture(autouse=True)
def _no_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_last_lines", lambda *_: ["the last line"])


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"])
def test_a_missing_image_of_the_shop_names_the_verbs_that_bring_it(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = image.FUNCTIONS.reference
    monkeypatch.setattr(waiting, "pods_of", lambda *_: [pod(reference, reason)])
    with pytest.raises(ClusterError) as raised:
        waiting.require_pods(["get-order"])
    assert str(raised.value).startswith("get-order does not start: the cluster has no image ")
    assert "scripts/task image:load" in str(raised.value)


def test_a_missing_image_of_others_names_no_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "pods_of", lambda *_: [pod("postgres:17", "ErrImagePull")])
    with pytest.raises(ClusterError, match="cannot get it from its registry"):
        waiting.require_pods(["postgres"])


def test_a_container_that_is_being_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "pods_of", lambda *_: [pod("postgres:17", "ContainerCreating")])
    waiting.require_pods(["postgres"])


def test_a_missing_secret_is_told_in_the_kubelet_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = pod("postgres:17", "CreateContainerConfigError")
    status = found["status"]["containerStatuses"][0]
    status["state"]["waiting"]["message"] = 'secret "token-keys" not found'
    monkeypatch.setattr(waiting, "pods_of", lambda *_: [found])
    with pytest.raises(ClusterError, match='issue-token does not start: secret "token-keys" not'):
        waiting.require_pods(["issue-token"])


def test_a_process_that_dies_again_and_again_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = pod("postgres:17", "CrashLoopBackOff")
    monkeypatch.setattr(waiting, "pods_of", lambda *_: [found])
    waiting.require_pods(["courier"])
    found["status"]["containerStatuses"][0]["restartCount"] = 3
    with pytest.raises(ClusterError, match=r"courier has died 3 times[^\n]*\n  the last line"):
        waiting.require_pods(["courier"])
