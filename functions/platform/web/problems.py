"""Errors become answers here and nowhere else. Source: RFC 9457; draft-ietf-httpapi-ratelimit-headers (RateLimit)."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from functions.core.errors import FieldError, InvalidError, TooManyRequestsError, WhitenoteError

CONTENT_TYPE = "application/problem+json"
_TYPE_BASE = "https://whitenote.example/problems/"

_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "required",
    "int_type": "not_an_integer",
    "int_parsing": "not_an_integer",
    "int_from_float": "not_an_integer",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "string_pattern_mismatch": "invalid_format",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "too_short": "too_short",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "value_error": "invalid",
}


def problem(error: WhitenoteError, request_id: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of an error."""
    body: dict[str, Any] = {
        "type": f"{_TYPE_BASE}{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        **error.extra,
    }
    if error.errors:
        body["errors"] = [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in error.errors]
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
        if error.status == TooManyRequestsError.status:
            headers["RateLimit"] = f'"{error.code}";r=0;t={error.retry_after_s}'
    return error.status, body, headers


def _said(message: str) -> str:
    """A refusal in the words of JSON, not of Python."""
    return message.removeprefix("Value error, ").replace("valid tuple", "valid array").replace("Tuple", "Array")


def invalid(error: ValidationError) -> InvalidError:
    """What pydantic refused, in our codes, with JSON pointers and without the refused values."""
    fields = tuple(
        FieldError(
            pointer="".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in each["loc"]),
            code=_CODES.get(each["type"], "invalid"),
            detail=_said(each["msg"]),
        )
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    )
    first = fields[0]
    return InvalidError(f"{first.pointer or 'body'}: {first.detail}", errors=fields)
