"""The Minikube that `task cluster:create` makes, by what is asked of minikube and kubectl."""

import json
import stat
from pathlib import Path

import pytest

from cluster import create


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The calls of a minikube and a kubectl which do nothing, one a line."""
    for name in ("minikube", "kubectl"):
        path = tmp_path / name
        answer = "echo 192.168.49.2" if name == "minikube" else ":"
        path.write_text(f'#!/bin/sh\necho "{name} $@" >> {tmp_path}/said\n{answer}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "said"


def test_knative_gets_an_ingress_and_a_domain_that_leads_to_the_node(said: Path) -> None:
    create.create()
    patches = {
        line.split(" configmap/")[1].split()[0]: json.loads(line.split(" -p ")[1])["data"]
        for line in said.read_text().splitlines()
        if " patch " in line
    }
    assert patches == {
        "config-network": {"ingress-class": "kourier.ingress.networking.knative.dev"},
        "config-kourier": {"use-remote-address": "true", "disable-envoy-server-header": "true"},
        "config-observability": {"metrics-protocol": "prometheus"},
        "config-domain": {"192.168.49.2.sslip.io": ""},
    }


def test_definitions_come_before_what_uses_them(said: Path) -> None:
    create.create()
    files = [line.rpartition("/")[2] for line in said.read_text().splitlines() if " apply " in line]
    assert files == [
        "serving-crds.yaml", "serving-core.yaml", "kourier.yaml", "eventing-crds.yaml",
        "eventing-core.yaml", "eventing-kafka-controller.yaml", "eventing-kafka-source.yaml",
        "eventing-kafka-sink.yaml",
    ]  # fmt: skip


def test_what_is_made_is_what_is_deleted(said: Path) -> None:
    create.create()
    create.remove()
    calls = [line for line in said.read_text().splitlines() if line.startswith("minikube")]
    assert calls[0].startswith("minikube start --profile shophub --kubernetes-version=")
    assert calls[-1] == "minikube delete --profile shophub"
