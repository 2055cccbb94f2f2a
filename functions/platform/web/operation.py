"""What a view takes and answers, declared beside it: openapi.yaml is generated from it, and the tests hold it true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, ParamSpec, TypeVar

from chalice.app import Response
from pydantic import Field

from functions.platform.web.schema import Answer, Body

P = ParamSpec("P")
Shown = TypeVar("Shown")
JSON = "application/json"

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC.")]
Day = Annotated[str, Field(json_schema_extra={"format": "date"}, description="YYYY-MM-DD.")]
Minor = Annotated[int, Field(description="Integer minor units.")]
Bps = Annotated[int, Field(description="Basis points.")]


class Page(Answer, Generic[Shown]):
    """One page of a list."""

    data: list[Shown]
    next_cursor: str | None = Field(description="Give it back as `cursor` to go on; null at the end.")


class Document(Answer):
    """Something to read that is not one of our objects: a page, a style sheet, the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter.

    Args:
        name: As sent.
        says: What it does.
        schema: Its JSON schema.
    """

    name: str
    says: str
    schema: dict[str, Any]


PAGING = (
    Query("limit", "How many, 20 if absent.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
    Query("cursor", "The `next_cursor` of the page before.", {"type": "string", "maxLength": 2048}),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a view takes and answers.

    Args:
        answer: Model of the success body.
        status: Of success.
        body: Model of the request body; None where there is none.
        query: Parameters it reads.
        command: Whether it needs an Idempotency-Key.
        media: Content type of success; a `Document` has another than JSON objects.
    """

    answer: type[Answer]
    status: int
    body: type[Body] | None
    query: tuple[Query, ...]
    command: bool
    media: str = JSON


def speaks(
    answer: type[Answer],
    *,
    status: int = 200,
    body: type[Body] | None = None,
    query: tuple[Query, ...] = (),
    command: bool | None = None,
    media: str = JSON,
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Declare a view's operation; stands below the access decorator.

    Args:
        answer: Model of the success body.
        status: Of success.
        body: Model of the request body.
        query: Parameters it reads.
        command: Whether it needs an Idempotency-Key; by default, whether it has a body.
        media: Content type of success.
    """
    operation = Operation(answer, status, body, query, (body is not None) if command is None else command, media)

    def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return decorate
