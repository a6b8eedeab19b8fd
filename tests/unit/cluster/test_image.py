"""Images: a tag that follows the content, and the builder that is there."""

import stat
from pathlib import Path

import pytest

from cluster import image
from cluster.image import Image
from cluster.kubectl import ClusterError

_VARIABLES = ("BUILDER", "IMAGE_REPOSITORY", "IMAGE_TAG", "LOAD_IMAGE")


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """An image of two files."""
    monkeypatch.setattr(image, "ROOT", tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a = 1\n")
    return Image("functions", "Dockerfile", ("code",))


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_tag_changes_with_what_is_in_the_image(tree: Image, tmp_path: Path) -> None:
    before = tree.reference
    assert before.startswith("dev.local/shop/functions:")
    (tmp_path / "README.md").write_text("not in the image")
    (tmp_path / "code" / "__pycache__").mkdir()
    (tmp_path / "code" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    assert tree.reference == before
    (tmp_path / "code" / "a.py").write_text("a = 2\n")
    assert tree.reference != before


def test_repository_and_tag_can_be_chosen(tree: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_REPOSITORY", "registry.example.com/team")
    monkeypatch.setenv("IMAGE_TAG", "1.2.3")
    assert tree.reference == "registry.example.com/team/functions:1.2.3"


def test_docker_without_its_engine_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "docker", "exit 1")
    program(tmp_path, "buildah", "exit 0")
    assert image.builder() == "buildah"
    program(tmp_path, "docker", "exit 0")
    assert image.builder() == "docker"
    monkeypatch.setenv("BUILDER", "buildah")
    assert image.builder() == "buildah"


def test_without_a_builder_a_sentence_names_those_that_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="docker, podman and buildah"):
        image.builder()
    monkeypatch.setenv("BUILDER", "podman")
    with pytest.raises(ClusterError, match="podman is not installed"):
        image.builder()


def test_an_image_is_loaded_by_the_command_that_is_given(
    tree: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "bring", f'echo "$@" > {tmp_path}/said')
    program(tmp_path, "buildah", "exit 0")
    monkeypatch.setenv("BUILDER", "buildah")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("LOAD_IMAGE", f"{tmp_path}/bring --to here")
    image.load(tree)
    assert (tmp_path / "said").read_text() == f"--to here {tree.reference}\n"


def test_an_image_that_is_not_built_is_not_loaded(
    tree: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "buildah", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("BUILDER", "buildah")
    with pytest.raises(ClusterError, match=f"no image {tree.reference}; `scripts/task image`"):
        image.load(tree)


@pytest.mark.parametrize(
    ("builder", "calls"),
    [
        ("docker", ["minikube --profile shophub image load {image}"]),
        (
            "podman",
            [
                "podman save --format docker-archive -o {file} {image}",
                "minikube --profile shophub image load {file}",
            ],
        ),
        (
            "buildah",
            [
                "buildah push {image} docker-archive:{file}:{image}",
                "minikube --profile shophub image load {file}",
            ],
        ),
    ],
)
def test_an_image_goes_into_minikube_as_its_builder_allows(
    tree: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    builder: str,
    calls: list[str],
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("BUILDER", builder)
    program(tmp_path, "kubectl", "echo shophub")
    for name in (builder, "minikube"):
        program(tmp_path, name, f'echo "{name} $@" >> {tmp_path}/said')
    image.load(tree)
    said = (tmp_path / "said").read_text().splitlines()
    assert said.pop(0) == f"{builder} inspect --type image {tree.reference}"
    file = said[-1].rpartition(" ")[2]
    assert said == [call.format(image=tree.reference, file=file) for call in calls]
