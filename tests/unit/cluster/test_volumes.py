"""Volumes on a node of a cluster that has no storage class."""

from collections.abc import Iterable
from typing import Any

import pytest

from cluster import volumes
from cluster.kubectl import ClusterError, Object
from local.layout import ROOT
from tests.support.kustomize import render

OBJECTS = render(ROOT / "knative" / "overlays" / "minikube")
_STANDARD = {
    "metadata": {
        "name": "standard",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    }
}


class Cluster:
    """What a cluster has, by kind, and what was done on its node."""

    def __init__(self) -> None:
        self.has: dict[str, list[Any]] = {
            "nodes": [{"metadata": {"name": "node"}}],
            "namespace": [{"metadata": {"name": "shop", "uid": "12345678-9abc"}}],
        }
        self.done: list[str] = []

    def get(self, kind: str, *_: str) -> list[Object]:
        return self.has.get(kind, [])

    def apply(self, objects: Iterable[Object]) -> None:
        for each in objects:
            self.has.setdefault("pv", []).append(each)

    def delete(self, kind: str, *names: str) -> None:
        self.has[kind] = [e for e in self.has[kind] if e["metadata"]["name"] not in names]

    def on_the_node(self, command: str, _: list[Object]) -> None:
        self.done.append(command)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    for name in ("get", "apply", "delete"):
        monkeypatch.setattr(volumes, name, getattr(made, name))
    monkeypatch.setattr(volumes, "_on_the_node", made.on_the_node)
    return made


def test_the_claims_are_those_of_what_keeps_data() -> None:
    found = {each.name: each.user for each in volumes.claims(OBJECTS)}
    assert found == {"data-kafka-0": 1000, "data-postgres-0": 999, "prometheus": 65534}


def test_a_storage_class_serves_the_claims_itself(cluster: Cluster) -> None:
    cluster.has["storageclass"] = [_STANDARD]
    volumes.provide(OBJECTS)
    assert "pv" not in cluster.has
    assert cluster.done == []


def test_one_node_without_a_storage_class_gets_a_folder_for_each_claim(cluster: Cluster) -> None:
    volumes.provide(OBJECTS)
    made = {each["spec"]["claimRef"]["name"]: each["spec"] for each in cluster.has["pv"]}
    assert made.keys() == {"data-kafka-0", "data-postgres-0", "prometheus"}
    folder = made["data-postgres-0"]["hostPath"]["path"]
    assert folder == "/var/lib/shophub/12345678/data-postgres-0"
    assert f"chown 999 {folder}" in cluster.done[0]
    volumes.provide(OBJECTS)
    assert len(cluster.done) == 1


def test_a_claim_that_has_its_volume_gets_no_other(cluster: Cluster) -> None:
    cluster.has["pvc"] = [
        {"metadata": {"name": each.name}, "spec": {"volumeName": "somebody-s"}}
        for each in volumes.claims(OBJECTS)
    ]
    volumes.provide(OBJECTS)
    assert "pv" not in cluster.has


def test_many_nodes_without_a_storage_class_are_refused_by_name(cluster: Cluster) -> None:
    cluster.has["nodes"].append({"metadata": {"name": "other"}})
    with pytest.raises(ClusterError, match=r"no default StorageClass, and 2 nodes: .*data-kafka-0"):
        volumes.provide(OBJECTS)


def test_what_was_made_goes_with_the_data(cluster: Cluster) -> None:
    volumes.provide(OBJECTS)
    volumes.take_away(OBJECTS)
    assert cluster.has["pv"] == []
    assert cluster.done[1].startswith("rm -rf /var/lib/shophub/12345678/")
    volumes.take_away(OBJECTS)
    assert len(cluster.done) == 2
