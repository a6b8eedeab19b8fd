"""People sign in to the storefront of a shop that asks who calls."""

import os
import shutil
import subprocess
import sys

import pytest

from local import debian
from tests.support.live import Live


@pytest.mark.skipif(
    shutil.which("chromium") is None and not debian.in_ci(), reason="needs chromium"
)
def test_people_register_sign_in_and_go_on_where_they_were(running: Live) -> None:
    if not running.asks_who_calls:
        pytest.skip("stage web-e2e does it where everybody may do everything")
    driven = subprocess.run(
        [sys.executable, "-m", "local.storefront.build", "run", "--silent", "e2e", "accounts"],
        env=os.environ | {"STOREFRONT_URL": running.state.urls["storefront"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert driven.returncode == 0, driven.stdout
