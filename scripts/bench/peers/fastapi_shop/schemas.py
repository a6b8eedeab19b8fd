"""Response models."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

# A JSON number, as the shop answers it. Twelve digits survive a double.
Money = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class ProductOut(BaseModel):
    """A product as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    description: str
    price: Money
    stock: int
    category: str | None
    image_url: str | None
    low_stock_threshold: int
    created_at: datetime
    updated_at: datetime
