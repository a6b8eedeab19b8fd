"""The keys of those who sign, as Secrets of the cluster: made once, and exchanged in steps."""

from cluster import waiting
from cluster.kubectl import NAMESPACE, ClusterError, Object, apply, get, kubectl, name_of
from cluster.secrets import known_secrets, make_secret, values_of
from shop import key_rotation, keys, tokens

_MARK = "shophub.com/keys"


def make() -> None:
    """Make what is missing of the keys' Secrets; what is there stays."""
    known = known_secrets()
    ours = {name: values_of(known[name]) for name in keys.SECRETS if name in known}
    complete = keys.complete(ours)
    changed = {name: each for name, each in complete.items() if each != ours.get(name)}
    apply([make_secret(name, values) for name, values in changed.items()])


def rotate() -> tuple[str, bool]:
    """Take the next step of exchanging the key of access tokens, and wait until it has arrived.

    Returns what it has done, and whether the exchange is over.
    """
    secret = known_secrets().get(keys.TOKENS)
    if secret is None:
        raise ClusterError("The shop has no keys; `scripts/task deploy` makes them.")
    variable = keys.variable_of(keys.TOKENS)
    known = keys.read_set(values_of(secret)[variable])
    settings: dict[str, str] = get("configmap", "shop")[0].get("data", {})
    seconds = int(settings.get("ACCESS_TOKEN_SECONDS") or tokens.ACCESS_SECONDS)
    after, said, over = key_rotation.next_step(known, token_seconds=seconds)
    apply([make_secret(keys.TOKENS, {variable: keys.key_set(after)})])
    _renew([each for each in get("ksvc") if _reads_keys(each)], ",".join(k["kid"] for k in after))
    return said, over


def _reads_keys(service: Object) -> bool:
    containers = service["spec"]["template"]["spec"]["containers"]
    return any(
        source.get("secretRef", {}).get("name") == keys.TOKENS
        for container in containers
        for source in container.get("envFrom", [])
    )


def _renew(services: list[Object], mark: str) -> None:
    """Give each a new revision, which reads the Secret as it is now; it serves when it is ready."""
    names = [name_of(each) for each in services]
    for name in names:
        patch = f'{{"spec":{{"template":{{"metadata":{{"annotations":{{"{_MARK}":"{mark}"}}}}}}}}}}'
        kubectl("-n", NAMESPACE, "patch", "ksvc", name, "--type=merge", "-p", patch)
    waiting.await_all("functions", "ksvc", names, waiting.serves_newest)
