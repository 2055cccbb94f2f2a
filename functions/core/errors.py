"""What can go wrong, as types: raised low, presented once by `functions.platform.problems`.

Source: RFC 9457 (problem details); the codes are part of the contract in openapi.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field.

    Args:
        pointer: JSON pointer (RFC 6901) into the request body, or the name of a header or query parameter.
        code: Stable, machine-readable.
        detail: For a person; never contains the refused value, which may be personal data.
    """

    pointer: str
    code: str
    detail: str


class WhitenoteError(Exception):
    """Base of every error a caller may see; subclasses fix `status`, `code` and `title`.

    Args:
        detail: What happened this time, for a person. Never personal data.
        errors: The fields at fault, if fields are at fault.
        retry_after_s: Seconds after which the same request may succeed.
        **extra: Further members of the problem document (for example `remaining_minor`).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something failed on our side"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_s: int | None = None,
        **extra: Any,  # noqa: ANN401  members of a JSON document
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        self.retry_after_s = retry_after_s
        self.extra = extra


class MalformedError(WhitenoteError):
    status, code, title = 400, "malformed", "The request can't be read"


class UnauthorizedError(WhitenoteError):
    status, code, title = 401, "unauthorized", "No valid credential"


class ForbiddenError(WhitenoteError):
    status, code, title = 403, "forbidden", "Not allowed"


class InsufficientScopeError(ForbiddenError):
    code, title = "insufficient_scope", "The credential lacks the scope for this"


class NotFoundError(WhitenoteError):
    status, code, title = 404, "not_found", "No such thing"


class ConflictError(WhitenoteError):
    status, code, title = 409, "conflict", "The state of the object does not allow this"


class InProgressError(ConflictError):
    code, title = "in_progress", "The same request is being worked on"


class TooLargeError(WhitenoteError):
    status, code, title = 413, "too_large", "The body is over 64 KiB"


class InvalidError(WhitenoteError):
    status, code, title = 422, "invalid", "The request is understood but wrong"


class IdempotencyKeyReusedError(InvalidError):
    code, title = "idempotency_key_reused", "This Idempotency-Key was used with another request"


class TooManyRequestsError(WhitenoteError):
    status, code, title = 429, "rate_limited", "Too many requests"


class UnavailableError(WhitenoteError):
    status, code, title = 503, "unavailable", "Not available right now; nothing was done"
