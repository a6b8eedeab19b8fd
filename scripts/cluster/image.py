"""Images: what their tag is made of, which program builds them, and how a cluster gets them."""

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.kubectl import ClusterError, context_name, program
from local.layout import ROOT

_BUILDERS = ("docker", "podman", "buildah")
# Knative asks no registry for the digest of an image below this name.
_REPOSITORY = "dev.local/shop"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the shop: its Dockerfile, and what goes into it."""

    name: str
    dockerfile: str
    sources: tuple[str, ...]

    @property
    def reference(self) -> str:
        """Repository and tag. The tag is made of the content: what is the same is not replaced."""
        return f"{os.environ.get('IMAGE_REPOSITORY') or _REPOSITORY}/{self.name}:{self.tag}"

    @property
    def tag(self) -> str:
        """Twelve digits that change with any file of the image; or the one that is asked for."""
        if chosen := os.environ.get("IMAGE_TAG"):
            return chosen
        total = hashlib.sha256()
        for path in self._files():
            total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
        return total.hexdigest()[:12]

    @property
    def there(self) -> bool:
        """Whether the project has such an image."""
        return all((ROOT / source).exists() for source in (self.dockerfile, *self.sources))

    def _files(self) -> Iterator[Path]:
        for source in (self.dockerfile, *self.sources):
            path = ROOT / source
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file() and not _IGNORED.intersection(file.parts):
                    yield file


_IGNORED = {"__pycache__", "node_modules", "dist", "test-results", "e2e"}
FUNCTIONS = Image("functions", "Dockerfile", ("requirements/runtime.txt", "functions"))
STOREFRONT = Image("storefront", "Dockerfile.storefront", ("frontend",))


def images() -> list[Image]:
    """The images that the project has."""
    return [each for each in (FUNCTIONS, STOREFRONT) if each.there]


def builder() -> str:
    """The program that builds: BUILDER, or the first of docker, podman and buildah that works."""
    if chosen := os.environ.get("BUILDER"):
        program(chosen, "BUILDER asks for it")
        return chosen
    for name in _BUILDERS:
        if shutil.which(name) and _works(name):
            return name
    raise ClusterError("None of docker, podman and buildah works here: install one of them.")


def _works(name: str) -> bool:
    """Docker may be installed and its engine not running; the others need no engine."""
    question = [name, "version"] if name == "docker" else [name, "--version"]
    return subprocess.run(question, capture_output=True, check=False).returncode == 0


def build(image: Image) -> str:
    """Build the image, and return its reference."""
    name = builder()
    flags = shlex.split(os.environ.get("BUILD_FLAGS") or "")
    if name == "buildah":
        flags.append("--layers")  # The others keep what has not changed without being asked.
    print(f"{name} builds {image.reference}", flush=True)
    command = [name, "build", *flags, "-t", image.reference, "-f", image.dockerfile, "."]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise ClusterError(f"{name} could not build the image; what it said is above.")
    print(f"{image.reference}: {_megabytes(name, image.reference)}", flush=True)
    return image.reference


def _megabytes(name: str, reference: str) -> str:
    command = [name, "images", "--format", "{{.Size}}", reference]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "size unknown"


def load(image: Image) -> None:
    """Bring a built image into the cluster.

    LOAD_IMAGE is a command to which the reference is added, such as `kind load docker-image`.
    Without it the image goes into the Minikube of kubectl's context, which bears its profile's
    name; what docker has not built goes there as a file.
    """
    name = builder()
    if not _built(name, image.reference):
        raise ClusterError(
            f"{name} has no image {image.reference}; `scripts/task image` builds it. An image of "
            "an earlier state of the sources has another tag."
        )
    print(f"{image.reference} goes into the cluster", flush=True)
    if command := os.environ.get("LOAD_IMAGE"):
        _call([*shlex.split(command), image.reference])
        return
    minikube = program("minikube", "LOAD_IMAGE names no other command that loads an image")
    bring = [minikube, "--profile", context_name(), "image", "load"]
    if name == "docker":
        _call([*bring, image.reference])
        return
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/image.tar"
        archive = f"docker-archive:{file}:{image.reference}"
        if name == "buildah":
            _call([name, "push", image.reference, archive])
        else:
            _call([name, "save", "--format", "docker-archive", "-o", file, image.reference])
        _call([*bring, file])


def _built(name: str, reference: str) -> bool:
    question = [name, "inspect", "--type", "image", reference]
    return subprocess.run(question, capture_output=True, check=False).returncode == 0


def _call(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise ClusterError(f"{shlex.join(command[:5])} … failed; what it said is above.")
