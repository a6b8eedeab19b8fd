"""What an operation asks of its caller."""

import pytest

from shop.access import GUEST, Access, Caller, check
from shop.errors import Forbidden, Unauthenticated

ADA, ROOT = Caller("ada", "customer"), Caller("root", "admin")
ORDERS, RELAY = Caller(role="system", part="orders"), Caller(role="system", part="orders-relay")
EVERYBODY = {"guest": GUEST, "ada": ADA, "root": ROOT, "orders": ORDERS, "relay": RELAY}


@pytest.mark.parametrize(
    ("access", "admitted"),
    [
        ("public", set(EVERYBODY)), ("own", set(EVERYBODY)), ("customer", {"ada", "root"}),
        ("admin", {"root"}), ("system", {"orders"}), (None, set()),
    ],
)  # fmt: skip
def test_a_caller_passes_where_the_operation_names_him(
    access: Access | None, admitted: set[str]
) -> None:
    refusals = {}
    for name, caller in EVERYBODY.items():
        try:
            check(caller, access, ("orders",))
        except (Unauthenticated, Forbidden) as refusal:
            refusals[name] = type(refusal)

    assert EVERYBODY.keys() - refusals.keys() == admitted
    assert {name for name, kind in refusals.items() if kind is Unauthenticated} <= {"guest"}
    assert refusals.get("guest") is not Forbidden


def test_a_refusal_says_how_to_authenticate() -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(GUEST, "customer")
    assert refused.value.headers == {"WWW-Authenticate": 'Bearer realm="shophub"'}
    with pytest.raises(Forbidden) as forbidden:
        check(ADA, "admin")
    assert 'error="insufficient_scope"' in forbidden.value.headers["WWW-Authenticate"]
