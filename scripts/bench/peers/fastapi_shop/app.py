"""The application: two endpoints and a readiness check."""

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from sqlalchemy import select

from .database import Session, engine
from .models import Product
from .schemas import ProductOut


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Close the pool when the server stops."""
    yield
    await engine.dispose()


app = FastAPI(title="Catalogue", lifespan=lifespan)


@app.get("/products", response_model=list[ProductOut])
async def list_products(
    request: Request,
    response: Response,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: str | None = None,
    category: str | None = None,
    in_stock: Annotated[bool | None, Query()] = None,
) -> Sequence[Product]:
    """Answer one page, newest first; the next one is in the Link header."""
    statement = select(Product).where(Product.deleted_at.is_(None))
    if after is not None:
        statement = statement.where(Product.id < decode_cursor(after))
    if category is not None:
        statement = statement.where(Product.category == category)
    if in_stock is not None:
        statement = statement.where(Product.stock > 0 if in_stock else Product.stock == 0)
    # One more than asked for tells whether there is a next page.
    statement = statement.order_by(Product.id.desc()).limit(limit + 1)
    products = (await session.scalars(statement)).all()
    if len(products) > limit:
        products = products[:limit]
        following = request.url.include_query_params(after=encode_cursor(products[-1].id))
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return products


@app.get("/products/{product_id}", response_model=ProductOut)
async def get_product(product_id: int, response: Response, session: Session) -> Product:
    """Answer one product, or 404."""
    product = await session.scalar(
        select(Product).where(Product.id == product_id, Product.deleted_at.is_(None))
    )
    if product is None:
        raise HTTPException(404, f"Product {product_id} does not exist")
    response.headers["ETag"] = f'"{product.version}.{product.stock}"'
    return product


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Tell that the process serves."""
    return {"status": "ok"}


def encode_cursor(product_id: int) -> str:
    """Make the opaque cursor that continues after a product."""
    return base64.urlsafe_b64encode(str(product_id).encode()).decode()


def decode_cursor(cursor: str) -> int:
    """Read a cursor; raises 400 for one that was not made here."""
    try:
        return int(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "The cursor is not valid") from error
