"""Engine, pool and the session that each request gets."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine(
    make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg"),
    pool_size=int(os.environ.get("DATABASE_POOL_SIZE", "8")),
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    """Yield a session that is closed after the request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
