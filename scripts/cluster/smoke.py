"""A first look at a shop: one product, one order, its notification; what it made, it takes away."""

import json
import time
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

from cluster.address import Address, reachable
from cluster.kubectl import ClusterError
from signed_in import SignedIn, SignInError

_SECONDS = 90.0


def smoke() -> None:
    """Go through the shop; ClusterError with the first thing that is not as it should be."""
    with reachable() as place:
        shop = _Shop(place)
        print(f"{place.url}, as {place.host}")
        shop.expect("health", 200, "GET", "/health")
        name = f"Smoke test {uuid4()}"
        body = {"name": name, "price": 12.5, "stock": 3}
        product = shop.expect("a product", 201, "POST", "/api/products", body)
        path = f"/api/products/{product['id']}"
        try:
            wanted = {"product_id": product["id"], "quantity": 2}
            order = shop.expect("an order", 201, "POST", "/api/orders", wanted)
            if order["status"] != "confirmed" or order["total_price"] != 25:
                raise ClusterError(f"The order is not as it should be: {order}")
            shop.expect("too large an order", 409, "POST", "/api/orders", wanted)
            left = shop.expect("what is left", 200, "GET", path)["stock"]
            if left != 1:
                raise ClusterError(f"1 piece should be left, and {left} are.")
            shop.told(f"orders/{order['id']}")
            shop.expect("a cancel", 200, "POST", f"/api/orders/{order['id']}/cancel")
        finally:
            shop.send("DELETE", path)
    print("It works.")


class _Shop:
    def __init__(self, place: Address) -> None:
        self._place = place
        self._signed_in = SignedIn(place.url, place.host)

    def expect(
        self, what: str, status: int, method: str, path: str, body: dict[str, Any] | None = None
    ) -> Any:
        """The answer's document, if it has that status."""
        began = time.monotonic()
        answered, document = self.send(method, path, body)
        if answered != status:
            raise ClusterError(f"{method} {path} answers {answered}, not {status}: {document}")
        took = (time.monotonic() - began) * 1000
        print(f"  {what:<20} {method} {path} {answered}  {took:,.0f} ms", flush=True)
        return document

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and document of an answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Host": self._place.host, "Content-Type": "application/json"}
        try:
            headers |= self._signed_in.headers()
        except SignInError as error:
            raise ClusterError(str(error)) from None
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            self._place.url + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                return answer.status, _document(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _document(error.read())
        except OSError as error:
            raise ClusterError(f"{self._place.url} does not answer: {error}") from None

    def told(self, subject: str) -> None:
        """Wait until the notification about the subject is stored and delivered."""
        began = time.monotonic()
        while time.monotonic() - began < _SECONDS:
            # While its function wakes, the answer may be that it does not answer yet.
            status, found = self.send("GET", "/api/notifications?limit=200")
            if status == 200 and _is_delivered(found, subject):
                seconds = time.monotonic() - began
                print(f"  {'its notification':<20} delivered after {seconds:.1f} s", flush=True)
                return
            time.sleep(0.5)
        raise ClusterError(f"{subject} was not told of within {_SECONDS:g} s.")


def _is_delivered(notifications: list[dict[str, Any]], subject: str) -> bool:
    return any(each["subject"] == subject and each["delivered_at"] for each in notifications)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode("utf-8", "replace")
