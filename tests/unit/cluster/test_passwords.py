"""Passwords are made once, and stay when an area is added."""

import pytest

from cluster import passwords, secrets
from cluster.kubectl import ClusterError
from tests.support.secrets import Secrets


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    made = Secrets()
    monkeypatch.setattr(secrets, "get", made.get)
    monkeypatch.setattr(passwords, "apply", made.apply)
    return made


def test_each_area_gets_a_password_of_its_own(kept: Secrets) -> None:
    passwords.make(["inventory", "orders"])
    words = kept.kept["area-passwords"]
    assert words["inventory"] != words["orders"]
    assert kept.urls() == {
        f"{area}-database": f"postgresql://{area}:{words[area]}@postgres.shop.svc:5432/{area}"
        for area in ("inventory", "orders")
    }


def test_a_second_time_nothing_changes(kept: Secrets) -> None:
    passwords.make(["inventory", "orders"])
    before = dict(kept.kept)
    passwords.make(["inventory", "orders"])
    assert kept.kept == before


def test_a_new_area_leaves_the_others_their_passwords(kept: Secrets) -> None:
    passwords.make(["inventory", "orders"])
    before = dict(kept.urls())
    passwords.make(["identity", "inventory", "orders"])
    assert kept.urls().items() > before.items()
    assert kept.kept["area-passwords"].keys() == {"identity", "inventory", "orders"}


def test_a_secret_that_was_deleted_comes_back_with_the_same_password(kept: Secrets) -> None:
    passwords.make(["inventory", "orders"])
    before = dict(kept.kept)
    del kept.kept["orders-database"]
    passwords.make(["inventory", "orders"])
    assert kept.kept == before


def test_what_is_missing_elsewhere_is_named(kept: Secrets) -> None:
    kept.kept["inventory-database"] = {"DATABASE_URL": "postgresql://elsewhere"}
    with pytest.raises(ClusterError, match="lacks the Secrets orders-database"):
        passwords.require(["inventory", "orders"])


def test_the_version_of_a_secret_is_not_made_of_what_it_holds(kept: Secrets) -> None:
    passwords.make(["orders"])
    versions = secrets.versions()
    assert versions == {name: f"{name}/1" for name in kept.kept}
