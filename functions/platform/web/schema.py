"""Base of request and response models: strict types, unknown fields refused, instants and money in one form."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from functions.core.clock import parse_instant
from functions.platform.web.context import Call
from functions.platform.web.problems import invalid

MAX_AMOUNT_MINOR = 10**12
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: Any) -> date:  # noqa: ANN401  as it came
    """Only what is written as a day is one: pydantic takes seconds since 1970, and midnights, for days as well."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


def _instant(value: Any) -> datetime:  # noqa: ANN401  as it came
    """Only what is written as an instant is one: pydantic takes seconds since 1970, and days, for instants as well."""
    try:
        return parse_instant(value)
    except (TypeError, ValueError):
        raise ValueError("an instant is written in RFC 3339, with an offset") from None


AmountMinor = Annotated[int, Field(strict=True, gt=0, le=MAX_AMOUNT_MINOR, description="Integer minor units.")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Your own order number.")]
DayBody = Annotated[date, BeforeValidator(_day), Field(description="YYYY-MM-DD.")]
InstantBody = Annotated[datetime, BeforeValidator(_instant), Field(description="RFC 3339 with an offset.")]
Text64 = Annotated[str, Field(min_length=1, max_length=64)]
Text200 = Annotated[str, Field(min_length=1, max_length=200)]


class Body(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=False, defer_build=True)

    @classmethod
    def parse(cls, call: Call) -> Self:
        """The body of this call as a value.

        Raises:
            MalformedError: Not JSON.
            InvalidError: Fields missing, unknown, or of another type or range.
        """
        return cls.of(call.json())

    @classmethod
    def of(cls, value: dict[str, Any]) -> Self:
        """From an already decoded object."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise invalid(error) from None


class Answer(BaseModel):
    """A response body; only described, never validated on the way out."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
