"""Idempotency keys: the same request twice has one effect and one answer.

A key is claimed in the transaction of its effect. A concurrent duplicate waits at the claim
for the first to commit and then reads its answer; if the first rolls back, the duplicate
takes its place. A 5xx is never stored, since trying again may help.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from shop.database import Executor, Statement
from shop.errors import PROBLEM_TYPE, KeyReused, Problem
from shop.model.parts import KEYS_LIVE
from shop.operation import Call, Reply

Work = Callable[[Executor], Awaitable[Reply]]


def expired(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a key's row is older than keys live."""
    age = sa.func.clock_timestamp() - sa.text(f"interval '{KEYS_LIVE}'")
    return table.c.created_at < age


class IdempotencyKeys:
    """The keys of one database."""

    def __init__(self, table: sa.Table) -> None:
        scope = sa.and_(
            table.c.account == sa.bindparam("account", type_=sa.Text),
            table.c.route == sa.bindparam("route", type_=sa.Text),
            table.c.key == sa.bindparam("key", type_=sa.Text),
        )
        claim = insert(table).values(
            account=sa.bindparam("account", type_=sa.Text),
            route=sa.bindparam("route", type_=sa.Text),
            key=sa.bindparam("key", type_=sa.Text),
            fingerprint=sa.bindparam("fingerprint", type_=sa.Text),
        )
        self._claim = Statement(
            "claim_key",
            claim.on_conflict_do_update(
                index_elements=[table.c.account, table.c.route, table.c.key],
                set_={
                    "fingerprint": claim.excluded.fingerprint,
                    "status": None,
                    "headers": None,
                    "body": None,
                    "created_at": sa.func.clock_timestamp(),
                },
                where=expired(table),
            ).returning(table.c.key),
        )
        self._recall = Statement(
            "recall_key",
            sa.select(
                table.c.fingerprint,
                table.c.status,
                sa.cast(table.c.headers, sa.Text),
                table.c.body,
            ).where(scope),
        )
        self._store = Statement(
            "store_key",
            sa.update(table)
            .where(scope)
            .values(
                status=sa.bindparam("answer_status", type_=sa.SmallInteger),
                headers=sa.cast(sa.bindparam("answer_headers", type_=sa.Text), sa.JSON),
                body=sa.bindparam("answer_body", type_=sa.Text),
            ),
        )

    async def once(self, call: Call[Any], work: Work) -> Reply:
        """Do the work under the call's key, or replay the answer that the key had before.

        Without a key the work runs in autocommit.

        Raises:
            KeyReused: the key came before, with another body.
        """
        key = call.key
        if key is None:
            return await work(call.services.database)
        scope = {"account": key.account, "route": key.route, "key": key.key}
        async with call.services.database.transaction() as transaction:
            claimed = await transaction.row(self._claim, **scope, fingerprint=key.fingerprint)
            if claimed is None:
                stored = await transaction.one(self._recall, **scope)
                return replay(key.fingerprint, *stored)
            try:
                async with transaction.savepoint():
                    reply = await work(transaction)
            except Problem as problem:
                if problem.status >= 500:
                    raise
                headers = {**problem.headers, "Content-Type": PROBLEM_TYPE}
                reply = Reply(problem.status, problem.body(), headers)
            await transaction.row(
                self._store,
                **scope,
                answer_status=reply.status,
                answer_headers=json.dumps(dict(reply.headers)),
                answer_body=reply.body.decode(),
            )
        return reply


def replay(
    fingerprint: str, stored: str, status: int, headers: str | None, body: str | None
) -> Reply:
    """The first answer to a key; KeyReused where the stored fingerprint is another."""
    if stored != fingerprint:
        raise KeyReused("This Idempotency-Key was used with another request.")
    again = {**json.loads(headers or "{}"), "Idempotent-Replayed": "true"}
    return Reply(status, (body or "").encode(), again)
