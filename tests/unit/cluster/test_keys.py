"""A cluster's keys are made once, and exchanged in steps that each reach every function."""

import json
import time
from typing import Any

import pytest

from cluster import keys, secrets, waiting
from cluster.kubectl import Object
from shop import key_rotation
from shop import keys as shop_keys
from tests.support.secrets import Secrets

_READERS = {"issue-token": "token-signing-keys", "create-order": "orders-database"}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    made = Secrets()
    monkeypatch.setattr(secrets, "get", made.get)
    monkeypatch.setattr(keys, "apply", made.apply)
    return made


@pytest.fixture
def renewed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each function that got a new revision, with what marks it."""
    found: list[tuple[str, str]] = []

    def get(kind: str, *_: str) -> list[Object]:
        if kind == "configmap":
            return [{"data": {"ACCESS_TOKEN_SECONDS": "600"}}]
        assert kind == "ksvc"
        return [_service(name, secret) for name, secret in _READERS.items()]

    def kubectl(*arguments: str) -> str:
        patch = json.loads(arguments[-1])
        annotations = patch["spec"]["template"]["metadata"]["annotations"]
        found.append((arguments[4], annotations["shophub.com/keys"]))
        return ""

    monkeypatch.setattr(keys, "get", get)
    monkeypatch.setattr(keys, "kubectl", kubectl)
    monkeypatch.setattr(waiting, "await_all", lambda *_, **__: None)
    return found


def _service(name: str, secret: str) -> Object:
    container: dict[str, Any] = {"envFrom": [{"secretRef": {"name": secret}}]}
    return {
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def test_every_secret_is_made_once(kept: Secrets) -> None:
    keys.make()
    assert set(kept.kept) == set(shop_keys.SECRETS)
    before = dict(kept.kept)
    keys.make()
    assert kept.kept == before


def test_passwords_are_left_alone(kept: Secrets) -> None:
    kept.kept["postgres"] = {"POSTGRES_PASSWORD": "x"}
    keys.make()
    assert kept.kept["postgres"] == {"POSTGRES_PASSWORD": "x"}


def test_a_step_is_stored_and_reaches_those_who_read_the_keys(
    kept: Secrets, renewed: list[tuple[str, str]]
) -> None:
    keys.make()
    said, over = keys.rotate()
    assert (said, over) == ("tokens.2 is published; tokens.1 signs as before.", False)
    assert renewed == [("issue-token", "tokens.1,tokens.2")]
    stored = shop_keys.read_set(kept.kept["token-signing-keys"]["TOKEN_SIGNING_KEYS"])
    assert [key["kid"] for key in stored] == ["tokens.1", "tokens.2"]


def test_a_step_that_is_too_early_changes_nothing(
    kept: Secrets, renewed: list[tuple[str, str]]
) -> None:
    keys.make()
    keys.rotate()
    before = dict(kept.kept)
    with pytest.raises(key_rotation.TooEarlyError):
        keys.rotate()
    assert kept.kept == before
    assert len(renewed) == 1


def test_the_old_key_stays_for_as_long_as_the_settings_say_a_token_lives(
    kept: Secrets,  # noqa: ARG001 - they are exchanged
    renewed: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began = time.time()
    keys.make()
    keys.rotate()
    monkeypatch.setattr(time, "time", lambda: began + 301)
    keys.rotate()
    with pytest.raises(key_rotation.TooEarlyError) as early:
        keys.rotate()
    assert early.value.seconds == pytest.approx(660, abs=1)
    monkeypatch.setattr(time, "time", lambda: began + 301 + 661)
    assert keys.rotate() == ("tokens.1 is gone; tokens.2 signs.", True)
    assert [mark for _, mark in renewed] == ["tokens.1,tokens.2", "tokens.2,tokens.1", "tokens.2"]
