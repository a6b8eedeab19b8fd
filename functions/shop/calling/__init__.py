"""HTTP/1.1 to other functions at a third of the cost of aiohttp's client, behind its interface.

A call within the shop is plain HTTP, follows no redirect, decompresses nothing and keeps no
cookies, and its answer is mostly short: what is left of a client is a pool of connections and
httptools. Exceptions are aiohttp's, so that callers need not know which of the two they hold.
"""

from shop.calling.session import Session

__all__ = ["Session"]
