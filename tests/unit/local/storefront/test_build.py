import subprocess
import sys
from pathlib import Path

import pytest

from local.layout import PlatformError
from local.storefront import build, node
from local.storefront.node import Node


@pytest.fixture
def frontend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storefront whose npm is a script: it notes its calls, and builds a page."""
    folder = tmp_path / "frontend"
    (folder / "src").mkdir(parents=True)
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "main.ts").write_text("one")
    npm = tmp_path / "npm.py"
    npm.write_text(
        "import pathlib, sys\n"
        "with open('../calls', 'a') as calls:\n"
        "    print(' '.join(sys.argv[1:3]), file=calls)\n"
        "if sys.argv[1] == 'ci':\n"
        "    pathlib.Path('node_modules').mkdir(exist_ok=True)\n"
        "elif sys.argv[1] == 'addresses':\n"
        "    import os\n"
        "    for name in ('GATEWAY_URL', 'STOREFRONT_URL'):\n"
        "        print(os.environ[name], file=open('../calls', 'a'))\n"
        "else:\n"
        "    source = pathlib.Path('src/main.ts').read_text()\n"
        "    if source == 'broken':\n"
        "        sys.exit(1)\n"
        "    pathlib.Path('dist.new').mkdir()\n"
        "    pathlib.Path('dist.new/index.html').write_text(source)\n"
    )
    monkeypatch.setattr(build, "FRONTEND", folder)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    found = Node(Path(sys.executable), (sys.executable, str(npm)))
    monkeypatch.setattr(node, "find", lambda: found)
    return folder


def _calls(frontend: Path) -> list[str]:
    path = frontend.parent / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_what_has_not_changed_is_not_built_again(frontend: Path) -> None:
    assert not build.is_current()
    build.build()
    assert build.is_current()
    assert (frontend / "dist" / "index.html").read_text() == "one"
    calls = _calls(frontend)
    build.build()
    assert _calls(frontend) == calls == ["ci --prefer-offline", "run --silent"]


def test_a_changed_source_is_built_without_installing_anew(frontend: Path) -> None:
    build.build()
    (frontend / "src" / "main.ts").write_text("two")
    assert not build.is_current()
    build.build()
    assert (frontend / "dist" / "index.html").read_text() == "two"
    assert _calls(frontend).count("ci --prefer-offline") == 1


def test_the_old_build_stays_where_the_new_one_fails(frontend: Path) -> None:
    build.build()
    (frontend / "src" / "main.ts").write_text("broken")
    with pytest.raises(PlatformError, match="could not be built"):
        build.build()
    assert (frontend / "dist" / "index.html").read_text() == "one"
    assert not build.is_current()


def test_documents_and_tests_are_no_reason_to_build(frontend: Path) -> None:
    build.build()
    (frontend / "README.md").write_text("read me")
    (frontend / "src" / "main.test.ts").write_text("test")
    assert build.is_current()


def test_a_node_that_is_too_old_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, says in (("node", "v18.20.1"), ("npm", "10.0.0")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {says}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert node.version(tmp_path / "node") == (18, 20)
    found = node.find()
    assert found.program.parent != tmp_path
    told = subprocess.run([found.program, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("v2")


def test_the_programs_of_a_build_find_the_node_that_builds(tmp_path: Path) -> None:
    environment = Node(tmp_path / "bin" / "node", ("npm",)).environment()
    assert environment["PATH"].split(":")[0] == str(tmp_path / "bin")


def test_npm_is_told_where_the_shop_is(frontend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT_OFFSET", "100")
    monkeypatch.setenv("STOREFRONT_URL", "http://shop.example")
    monkeypatch.delenv("GATEWAY_URL", raising=False)

    assert build.main(["addresses"]) == 0

    assert _calls(frontend)[-2:] == ["http://127.0.0.1:8180", "http://shop.example"]
