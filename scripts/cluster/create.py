"""A Minikube with Knative, in the versions that the shop is tried with."""

import json
import subprocess
from dataclasses import dataclass

from cluster.kubectl import ClusterError, kubectl, program

PROFILE = "shophub"
_KUBERNETES = "v1.34.0"
_RELEASES = "https://github.com/{repository}/releases/download/knative-{version}/{file}"


@dataclass(frozen=True, slots=True)
class Release:
    """A part of Knative: where it is released, and its files in the order of their need."""

    repository: str
    version: str
    namespace: str
    files: tuple[str, ...]

    @property
    def urls(self) -> list[str]:
        """The addresses of the files."""
        return [
            _RELEASES.format(repository=self.repository, version=self.version, file=file)
            for file in self.files
        ]


RELEASES = (
    Release(
        "knative/serving", "v1.21.2", "knative-serving", ("serving-crds.yaml", "serving-core.yaml")
    ),
    Release("knative-extensions/net-kourier", "v1.21.0", "kourier-system", ("kourier.yaml",)),
    Release(
        "knative/eventing", "v1.22.2", "knative-eventing",
        ("eventing-crds.yaml", "eventing-core.yaml"),
    ),
    Release(
        "knative-extensions/eventing-kafka-broker", "v1.22.2", "knative-eventing",
        (
            "eventing-kafka-controller.yaml", "eventing-kafka-source.yaml",
            "eventing-kafka-sink.yaml",
        ),
    ),
)  # fmt: skip
_INGRESS_CLASS = {"ingress-class": "kourier.ingress.networking.knative.dev"}


def create() -> None:
    """Start Minikube, unless it runs, and install what is missing; it may be run again."""
    minikube = program("minikube", "it is what makes the cluster")
    print(f"Minikube {PROFILE}: Kubernetes {_KUBERNETES}, 4 CPUs, 8 GB", flush=True)
    _call(
        minikube, "start", "--profile", PROFILE, f"--kubernetes-version={_KUBERNETES}",
        "--cpus=4", "--memory=8g",
    )  # fmt: skip
    for release in RELEASES:
        print(f"{release.repository} {release.version}", flush=True)
        for url in release.urls:
            kubectl("apply", "--server-side", "--force-conflicts", "-f", url, seconds=180)
            if url.endswith("-crds.yaml"):
                kubectl("wait", "--for=condition=Established", "--all", "crd", "--timeout=60s")
        kubectl(
            "-n", release.namespace, "wait", "--for=condition=Available", "deployment", "--all",
            "--timeout=300s", seconds=310,
        )  # fmt: skip
    _configure("config-network", _INGRESS_CLASS)
    # Without the first, Envoy hands on what a client says of its own address, and nothing else.
    _configure(
        "config-kourier", {"use-remote-address": "true", "disable-envoy-server-header": "true"}
    )
    # Read at its start: what the dashboard of Knative shows of pods and concurrency.
    _configure("config-observability", {"metrics-protocol": "prometheus"})
    kubectl("-n", "knative-serving", "rollout", "restart", "deployment/autoscaler")
    # Under Knative's own default, svc.cluster.local, nothing is served to the world outside. Names
    # below sslip.io lead to the address that is in them.
    node = _say(minikube, "ip", "--profile", PROFILE)
    _configure("config-domain", {f"{node}.sslip.io": ""})
    print("The cluster is ready: `scripts/task image`, `scripts/task image:load`, then deploy.")


def remove() -> None:
    """Delete the Minikube with all that is in it."""
    _call(program("minikube", "it is what made the cluster"), "delete", "--profile", PROFILE)


def _configure(name: str, values: dict[str, str]) -> None:
    kubectl(
        "-n", "knative-serving", "patch", f"configmap/{name}", "--type=merge",
        "-p", json.dumps({"data": values}),
    )  # fmt: skip


def _say(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _call(*command: str) -> None:
    if subprocess.run(command, check=False).returncode:
        raise ClusterError(f"{' '.join(command[:2])} failed; what it said is above.")
