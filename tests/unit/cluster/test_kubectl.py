"""What kubectl says, turned into sentences that say what to do."""

import stat
from pathlib import Path

import pytest

from cluster.kubectl import ClusterError, UnreachableError, get, kubectl


def stands_in(
    folder: Path, said: str, monkeypatch: pytest.MonkeyPatch, context: str = "work"
) -> None:
    """A kubectl that fails with these words, and has a context."""
    path = folder / "kubectl"
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = config ]; then echo {context}; exit 0; fi\n'
        f"cat >&2 <<'END'\n{said}\nEND\nexit 1\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    "said",
    [
        "The connection to the server localhost:8080 was refused - did you specify the right host?",
        'error: context "work" does not exist',
        "Error in configuration: context was not found for specified context: work",
        "Unable to connect to the server: dial tcp: lookup nowhere.example: no such host",
        "Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout",
        "error: You must be logged in to the server (Unauthorized)",
    ],
)
def test_where_no_cluster_answers_the_context_is_named_and_what_to_do(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_in(tmp_path, said, monkeypatch)
    with pytest.raises(UnreachableError) as raised:
        get("ksvc")
    assert "kubectl's context work" in str(raised.value)
    assert "scripts/task cluster:create" in str(raised.value)
    assert said in str(raised.value)


def test_without_a_context_it_is_no_cluster_that_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Error from server (NotFound): the server could not find the requested resource"
    stands_in(tmp_path, said, monkeypatch, context="")
    with pytest.raises(UnreachableError, match="kubectl's default address"):
        get("pods")


def test_a_cluster_without_knative_is_called_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_in(tmp_path, 'error: the server doesn\'t have a resource type "ksvc"', monkeypatch)
    with pytest.raises(ClusterError, match="context work knows no ksvc, so it has no Knative"):
        get("ksvc")


def test_another_failure_is_told_in_kubectl_s_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_in(tmp_path, "error: something else", monkeypatch)
    with pytest.raises(ClusterError, match=r"kubectl apply -f - … failed: error: something else"):
        kubectl("apply", "-f", "-")


def test_without_kubectl_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="kubectl is not installed"):
        get("pods")
