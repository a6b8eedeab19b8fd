"""The kinds of field that the API knows, with their bounds."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

_CENT = Decimal("0.01")
_MOST_PRICE = 1_000_000_000
MOST_BIGINT = 2**63 - 1


class Strict(BaseModel):
    """A body or query that refuses members it does not know, and text where a number is due."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def storable(text: str) -> str:
    """The text, where PostgreSQL can store it; ValueError says why it cannot."""
    if "\x00" in text:
        raise ValueError("must not hold a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic reports ValueErrors
    amount = Decimal(value)
    if not 0 <= amount <= _MOST_PRICE:
        raise ValueError(f"must lie between 0 and {_MOST_PRICE}")
    rounded = amount.quantize(_CENT)
    if rounded != amount:
        raise ValueError("must have at most 2 decimals")
    return rounded


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text.strip()


Text = Annotated[str, AfterValidator(storable)]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(storable),
    AfterValidator(_not_blank),
]
Description = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(storable)]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    AfterValidator(storable),
    AfterValidator(_not_blank),
]
Address = Annotated[
    str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(storable)
]
Price = Annotated[
    Decimal,
    BeforeValidator(_amount, json_schema_input_type=float),
    Field(
        description="A number with at most 2 decimals, exact.",
        json_schema_extra={
            "type": "number",
            "minimum": 0,
            "maximum": _MOST_PRICE,
            "multipleOf": 0.01,
            "examples": [999.99],
        },
    ),
]
Stock = Annotated[int, Field(ge=0, le=1_000_000_000, description="Pieces.")]
Quantity = Annotated[int, Field(ge=1, le=1_000_000, description="Pieces.")]
Id = Annotated[int, Field(ge=1, le=MOST_BIGINT)]
Money = Annotated[
    Decimal,
    Field(
        description="A number with 2 decimals, exact.",
        json_schema_extra={"type": "number", "examples": [4999.95]},
    ),
]
