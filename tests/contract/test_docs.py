"""What the documents say can be done: commands, requests, links and variables exist."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from local.layout import ROOT
from shop.declaration import Operation
from shop.errors import Invalid, NotFound
from shop.gateway.routes import Routes
from shop.parsing import json_document, validate

_NOT_OURS = {".venv", ".local", ".git", "node_modules"}
# Made by a verb: a clone has none of it.
_BUILT = {"frontend/dist"}
DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md") if not _NOT_OURS.intersection(path.relative_to(ROOT).parts)
)
EVERY_DOCUMENT = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
README = ROOT / "README.md"
_AREAS = {8081: "inventory", 8082: "orders", 8083: "notifications"}
_OWN_PATHS = {"/health", "/openapi.json", "/docs", "/metrics"}

# The methods and mappings by which the code reads a variable.
_READERS = {"text", "one_of", "integer", "seconds", "switch", "share", "has", "get"}
# Of the system, or read by OpenTelemetry's SDK itself.
_STANDARD = re.compile(
    r"PATH|HOME|NO_COLOR|HTTPS?_PROXY|NO_PROXY|OTEL_(EXPORTER_OTLP_ENDPOINT|METRIC_EXPORT_INTERVAL)"
)


def curl_lines() -> list[tuple[str, str]]:
    """The README's requests, each with the answer that is shown below its block."""
    fences = re.findall(r"^```(\w+)\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    lines = []
    for (kind, block), (_, answer) in zip(fences, [*fences[1:], ("", "")], strict=True):
        if kind == "sh":
            found = re.findall(r"\bcurl .*", block)
            lines += [(line, answer if line is found[-1] else "") for line in found]
    return lines


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@EVERY_DOCUMENT
def test_every_verb_that_a_document_names_is_in_the_taskfile(document: Path) -> None:
    verbs = yaml.safe_load((ROOT / "Taskfile.yml").read_text())["tasks"]
    named = set(re.findall(r"scripts/task ([a-z]+(?::[a-z0-9]+)*)", document.read_text()))
    assert named <= set(verbs)


@EVERY_DOCUMENT
def test_every_module_that_a_document_runs_exists(document: Path) -> None:
    modules = set(re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", document.read_text()))
    assert {name for name in modules if find_spec(name) is None} == set()


@EVERY_DOCUMENT
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        parts = urlsplit(target)
        if parts.scheme:
            continue
        path = (document.parent / unquote(parts.path)).resolve() if parts.path else document
        if not path.exists():
            broken.append(target)
        elif parts.fragment and path.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            if parts.fragment not in map(slug, headings):
                broken.append(target)
    assert broken == []


@EVERY_DOCUMENT
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    ours = (path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in _NOT_OURS)
    folders = "|".join(map(re.escape, ours))
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text())
    assert [name for name in named if name not in _BUILT and not (ROOT / name).exists()] == []


def test_the_readme_has_requests_to_try() -> None:
    assert len(curl_lines()) >= 5


@pytest.mark.parametrize(("line", "answer"), curl_lines())
def test_every_curl_line_asks_for_what_a_function_answers(
    line: str, answer: str, operations: dict[str, Operation]
) -> None:
    words = shlex.split(re.split(r"; done| \| ", line, maxsplit=1)[0])
    (url,) = (urlsplit(word) for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else ("POST" if body else "GET")
    if url.path in _OWN_PATHS:
        assert method == "GET"
        return
    function = answering(operations, method, url.port, url.path)
    if function.body is None:
        assert body is None
        return
    assert body is not None
    document = json_document("application/json", body.encode())
    if "/problems/invalid" in answer:
        with pytest.raises(Invalid):
            validate(function.body, document)
    else:
        validate(function.body, document)


def answering(
    operations: dict[str, Operation], method: str, port: int | None, path: str
) -> Operation:
    """The function that answers on the port of the gateway, or of its area."""
    if port == 8080:
        return operations[Routes.load().find(method, path).service.replace("-", "_")]
    assert port is not None
    for operation in operations.values():
        answers = operation.area == _AREAS[port] and operation.match(path) is not None
        if answers and method in operation.methods:
            return operation
    raise NotFound(f"{method} {path} on port {port}")


def documented_variables() -> set[str]:
    """The first cells of the README's and CONTRIBUTING's tables of variables."""
    text = README.read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| (`[A-Z][A-Z_]+`(?:, `[A-Z][A-Z_]+`)*) \|", text, re.MULTILINE)
    return set(re.findall(r"`([A-Z_]+)`", " ".join(rows)))


def read_variables() -> set[str]:
    """The variables that the code reads.

    It does so by name from the settings or the environment, as the address of a function that
    it calls, or in the wrapper. Tests set most of those that they name; their own begin with SHOP.
    """
    found = set(re.findall(r"\$\{([A-Z][A-Z_]+):", (ROOT / "scripts" / "task").read_text()))
    for folder in ("functions", *(f"scripts/{n}" for n in ("local", "cluster", "seed", "load"))):
        for path in (ROOT / folder).rglob("*.py"):
            found.update(_variables(ast.parse(path.read_text())))
    found.update(_variables(ast.parse((ROOT / "scripts" / "signed_in.py").read_text())))
    for path in (ROOT / "tests").rglob("*.py"):
        names = _variables(ast.parse(path.read_text()))
        found.update(name for name in names if name.startswith("SHOP_"))
    return {name for name in found if not _STANDARD.fullmatch(name)}


def _variables(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names = node.args[:1] if node.func.attr in _READERS else []
        elif isinstance(node, ast.Call):
            names = [
                name
                for word in node.keywords
                if word.arg == "calls" and isinstance(word.value, ast.Tuple)
                for name in word.value.elts
            ]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            names = [node.slice]
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            names = [node.left]
        for name in names:
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield from re.findall(r"\A[A-Z][A-Z_]{3,}\Z", name.value)


def test_every_variable_that_the_code_reads_is_documented_and_none_else() -> None:
    documented = {name for name in documented_variables() if not _STANDARD.fullmatch(name)}
    assert documented == read_variables()


def test_every_variable_of_the_manifests_is_documented() -> None:
    written: set[str] = set()
    for path in (ROOT / "knative" / "base").rglob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            text = json.dumps(document)
            written.update(re.findall(r'"name": "([A-Z][A-Z_]+)", "value"', text))
            if isinstance(document, dict) and document.get("kind") == "ConfigMap":
                written.update(document["data"])
    assert written <= documented_variables()
