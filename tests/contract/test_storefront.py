"""The storefront's server in a cluster protects and caches as the one of this machine does."""

import json
import re

import pytest

from local.layout import ROOT
from local.storefront import serve

NGINX = (ROOT / "frontend" / "nginx.conf.template").read_text()


def test_nginx_sends_the_headers_of_the_file() -> None:
    server = NGINX.split("\n    location", maxsplit=1)[0]
    sent = dict(re.findall(r'add_header ([\w-]+) "(.*)" always;', server))
    assert sent == json.loads((ROOT / "frontend" / "headers.json").read_text())


@pytest.mark.parametrize("folder", ["assets", "pictures"])
def test_nginx_keeps_files_for_as_long_as_the_local_server(folder: str) -> None:
    (kept,) = re.findall(rf'~\^/{folder}/\s+"(.*)";', NGINX)
    assert kept == {"assets": serve._FOREVER, "pictures": serve._PICTURES}[folder]


def test_nginx_passes_the_same_paths_on() -> None:
    (paths,) = re.findall(r"location ~ \^/\((.*)\) \{", NGINX)
    named = {"/" + path.replace("\\", "").removesuffix("$") for path in paths.split("|")}
    assert named == set(serve._GATEWAY)
