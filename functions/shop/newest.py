"""Pages of a table, newest first, optionally of one type."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from shop.database import Statement
from shop.model.notifications import dead_letters, notifications
from shop.model.parts import json_object, rfc3339
from shop.operation import Call, Reply
from shop.paging import decode_cursor, encode_cursor, next_link

_SHOWN = {
    notifications.name: (
        "id", "type", "title", "message", "source", "event_id", "subject",
        "created_at", "delivered_at",
    ),
    dead_letters.name: (
        "id", "type", "source", "event_id", "subject", "destination", "error_code", "error",
        "attributes", "data", "data_is_base64", "verified", "received_at",
        "replayed_at",
    ),
}  # fmt: skip


@cache
def page_of(table: sa.Table, *, by_type: bool, after: bool) -> Statement:
    """The statement of one page; its rows are a row's JSON text and its id.

    Its parameters are `rows`, and `type` and `after_id` where used.
    """
    members = {
        name: rfc3339(table.c[name]) if isinstance(table.c[name].type, sa.TIMESTAMP)
        else table.c[name]
        for name in _SHOWN[table.name]
    }  # fmt: skip
    page = sa.select(sa.cast(json_object(**members), sa.Text), table.c.id)
    if by_type:
        page = page.where(table.c.type == sa.bindparam("type", type_=sa.Text))
    if after:
        page = page.where(table.c.id < sa.bindparam("after_id", type_=sa.BigInteger))
    page = page.order_by(table.c.id.desc()).limit(sa.bindparam("rows", type_=sa.Integer))
    return Statement(f"page_of_{table.name}", page)


async def newest_first(call: Call[None], table: sa.Table) -> Reply:
    """The page of the table that the call's query (`limit`, `after`, `type`) asks for."""
    query = call.query
    values: dict[str, Any] = {"rows": query.limit + 1}
    if query.type is not None:
        values["type"] = query.type
    if query.after is not None:
        (values["after_id"],) = decode_cursor(query.after, (int,))
    statement = page_of(table, by_type=query.type is not None, after=query.after is not None)
    rows = await call.services.database.rows(statement, **values)
    headers = {}
    if len(rows) > query.limit:
        del rows[query.limit :]
        headers["Link"] = next_link(call.request, encode_cursor(rows[-1][1]))
    return Reply(body=f"[{','.join(row[0] for row in rows)}]".encode(), headers=headers)
