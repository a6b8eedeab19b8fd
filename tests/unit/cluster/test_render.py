"""Rendered objects: images filled in, and stamps that follow the settings."""

from typing import Any

from cluster.render import STAMP, databases, stamp
from cluster.waiting import completed, rolled_out, serves_newest


def workload(setting: str) -> list[dict[str, Any]]:
    container = {
        "image": "shop/functions",
        "envFrom": [
            {"configMapRef": {"name": "shop"}}, {"secretRef": {"name": "orders-database"}},
        ],
    }  # fmt: skip
    return [
        {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"},
            "data": {"LOG_LEVEL": setting},
        },
        {
            "apiVersion": "serving.knative.dev/v1", "kind": "Service",
            "metadata": {"name": "get-order"},
            "spec": {"template": {"spec": {"containers": [container]}}},
        },
    ]  # fmt: skip


def mark(objects: list[dict[str, Any]]) -> str:
    stamp(objects)
    found: str = objects[1]["spec"]["template"]["metadata"]["annotations"][STAMP]
    return found


def test_a_changed_setting_makes_a_new_revision_and_the_same_one_does_not() -> None:
    assert mark(workload("info")) == mark(workload("info")) != mark(workload("debug"))


def test_a_changed_secret_makes_a_new_revision_of_what_reads_it() -> None:
    def marked(versions: dict[str, str]) -> str:
        objects = workload("info")
        stamp(objects, versions)
        found: str = objects[1]["spec"]["template"]["metadata"]["annotations"][STAMP]
        return found

    before = marked({"orders-database": "1", "identity-database": "1"})
    assert before == marked({"orders-database": "1", "identity-database": "2"})
    assert before != marked({"orders-database": "2", "identity-database": "1"})


def test_the_areas_are_known_by_their_secrets() -> None:
    assert databases(workload("info")) == ["orders"]


def service(generation: int, ready: str, newest: str, serving: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "gateway", "generation": 2},
        "status": {
            "observedGeneration": generation,
            "conditions": [{"type": "Ready", "status": ready, "reason": "RevisionFailed"}],
            "latestCreatedRevisionName": newest,
            "latestReadyRevisionName": serving,
        },
    }


def test_a_function_is_ready_when_its_newest_revision_serves() -> None:
    assert serves_newest(service(2, "True", "b", "b")).ready
    assert not serves_newest(service(1, "True", "b", "b")).ready
    assert not serves_newest(service(2, "True", "b", "a")).ready
    failed = serves_newest(service(2, "False", "b", "a"))
    assert (failed.ready, failed.hopeless) == (False, True)


def test_a_rollout_is_over_when_every_replica_is_new_and_ready() -> None:
    loop: dict[str, Any] = {"metadata": {"generation": 3}, "spec": {"replicas": 1}}
    new = {"observedGeneration": 3, "updatedReplicas": 1, "readyReplicas": 1, "replicas": 1}
    assert rolled_out(loop | {"status": new}).ready
    assert not rolled_out(loop | {"status": new | {"observedGeneration": 2}}).ready
    assert not rolled_out(loop | {"status": new | {"replicas": 2}}).ready
    assert not rolled_out(loop | {"status": {"observedGeneration": 3}}).ready


def test_a_job_that_has_failed_is_not_waited_for() -> None:
    failed = [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]
    assert completed({"status": {"conditions": failed}}).hopeless
    assert completed({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}).ready
    assert completed({"status": {"failed": 2}}).reason == "2 attempts failed"
