"""The authorization as a value, and its state table: pure, total, and the only place where a state changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from functions.core.clock import isoformat
from functions.core.errors import ConflictError, InvalidError

MAX_CAPTURES = 12
WARNED_BEFORE = timedelta(hours=24)
"""How long before its end an authorization is said to be expiring."""


class Status(StrEnum):
    """States of product.md; a state never goes back."""

    APPROVED = "approved"
    HELD = "held"
    DECLINED = "declined"
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"
    AWAITING_DOWN_PAYMENT = "awaiting_down_payment"
    AWAITING_CONFIRMATION = "awaiting_confirmation"


class AuthorizationStateError(ConflictError):
    code, title = "authorization_state", "The authorization's state does not allow this"


class AuthorizationExpiredError(ConflictError):
    code, title = "authorization_expired", "The authorization's life is over"


class AuthorizationSuspendedError(ConflictError):
    code, title = "authorization_suspended", "The authorization is suspended while a person looks at it"


class CaptureExceedsRemainderError(InvalidError):
    code, title = "capture_exceeds_remaining", "More than what is left of the authorization"


class TooManyCapturesError(ConflictError):
    code, title = "too_many_captures", f"An authorization is captured in at most {MAX_CAPTURES} parts"


class AlreadyExtendedError(ConflictError):
    code, title = "already_extended", "An authorization is extended once"


class ExtensionTooLongError(InvalidError):
    code, title = "extension_too_long", "The extension would pass the scenario's maximum life"


TRANSITIONS: Mapping[str, Mapping[Status, Status]] = {
    "approve": {
        Status.HELD: Status.APPROVED,
        Status.AWAITING_DOWN_PAYMENT: Status.APPROVED,
        Status.AWAITING_CONFIRMATION: Status.APPROVED,
    },
    "decline": {
        Status.HELD: Status.DECLINED,
        Status.AWAITING_DOWN_PAYMENT: Status.DECLINED,
        Status.AWAITING_CONFIRMATION: Status.DECLINED,
    },
    "await": {Status.HELD: Status.AWAITING_CONFIRMATION},
    "capture_part": {
        Status.APPROVED: Status.PARTIALLY_CAPTURED,
        Status.PARTIALLY_CAPTURED: Status.PARTIALLY_CAPTURED,
    },
    "capture_rest": {Status.APPROVED: Status.CAPTURED, Status.PARTIALLY_CAPTURED: Status.CAPTURED},
    "void": {
        Status.APPROVED: Status.VOIDED,
        Status.HELD: Status.VOIDED,
        Status.AWAITING_CONFIRMATION: Status.VOIDED,
        Status.PARTIALLY_CAPTURED: Status.CAPTURED,
    },
    "expire": {
        Status.APPROVED: Status.EXPIRED,
        Status.HELD: Status.EXPIRED,
        Status.AWAITING_CONFIRMATION: Status.EXPIRED,
        Status.PARTIALLY_CAPTURED: Status.CAPTURED,
    },
    "extend": {Status.APPROVED: Status.APPROVED, Status.PARTIALLY_CAPTURED: Status.PARTIALLY_CAPTURED},
    "warn": {Status.APPROVED: Status.APPROVED, Status.PARTIALLY_CAPTURED: Status.PARTIALLY_CAPTURED},
    "suspend": {
        Status.APPROVED: Status.APPROVED,
        Status.PARTIALLY_CAPTURED: Status.PARTIALLY_CAPTURED,
        Status.AWAITING_CONFIRMATION: Status.AWAITING_CONFIRMATION,
    },
    "resume": {
        Status.APPROVED: Status.APPROVED,
        Status.PARTIALLY_CAPTURED: Status.PARTIALLY_CAPTURED,
        Status.AWAITING_CONFIRMATION: Status.AWAITING_CONFIRMATION,
    },
}
"""Action → state before → state after; what is not in the table is refused."""

FINAL = frozenset({Status.DECLINED, Status.CAPTURED, Status.VOIDED, Status.EXPIRED})
DEAD = frozenset({Status.DECLINED, Status.VOIDED, Status.EXPIRED})
"""After these the same order may be tried again as a new attempt."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """A risk check's hand on an approved authorization; ended by its case.

    Args:
        case_id: `case_…`.
        since_at: Business instant.
        until_at: When the case decides for itself.
    """

    case_id: str
    since_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Authorization:
    """A promise to finance an order.

    Args:
        amount_minor: Promised.
        captured_minor: Turned into debt so far.
        released_minor: Given back to the line without becoming debt.
        expires_at: Business instant; held and suspended time does not count against it.
        void_reason: Why it was voided, for example "merchant" or "risk".
        warned: Whether its present end has been said to be near.
    """

    id: str
    status: Status
    version: int
    amount_minor: int
    captured_minor: int
    released_minor: int
    captures: int
    created_at: datetime
    expires_at: datetime
    extended: bool = False
    suspension: Suspension | None = None
    decline_code: str | None = None
    void_reason: str | None = None
    warned: bool = False

    @property
    def remaining_minor(self) -> int:
        """What can still be captured, and is held on the line."""
        if self.status in FINAL:
            return 0
        return self.amount_minor - self.captured_minor - self.released_minor

    def _to(self, action: str) -> Status:
        after = TRANSITIONS[action].get(self.status)
        if after is None:
            raise AuthorizationStateError(
                f"cannot {action.partition('_')[0]} an authorization that is {self.status}",
                current_status=str(self.status),
            )
        return after

    def _moved(self, action: str, **changes: object) -> Authorization:
        return replace(self, status=self._to(action), version=self.version + 1, **changes)  # type: ignore[arg-type]

    def require_alive(self, now: datetime) -> None:
        """Refuse what a suspended or expired authorization does not allow.

        A suspension comes first: its time does not count, so a suspended life is not over.

        Raises:
            AuthorizationSuspendedError: A case is open on it.
            AuthorizationExpiredError: Its life is over, whether or not the sweep has been here.
        """
        if self.suspension is not None:
            raise AuthorizationSuspendedError(current_status=str(self.status), case_id=self.suspension.case_id)
        if self.status is Status.EXPIRED or (self.status not in FINAL and now >= self.expires_at):
            raise AuthorizationExpiredError(
                f"expired at {isoformat(self.expires_at)}",
                current_status=str(self.status),
                expired_at=isoformat(self.expires_at),
            )


@dataclass(frozen=True, slots=True)
class Capture:
    """Effect of a capture on the authorization and the line.

    Args:
        authorization: As it is afterwards.
        captured_minor: Moves from held to outstanding.
        released_minor: Moves from held back to available.
    """

    authorization: Authorization
    captured_minor: int
    released_minor: int


def capture(auth: Authorization, amount_minor: int, *, final: bool, now: datetime) -> Capture:
    """Turn part or all of an authorization into debt.

    Args:
        auth: As it is.
        amount_minor: 1 … what remains.
        final: Whether the rest is given back.
        now: Business instant.

    Raises:
        AuthorizationStateError: Not approved, or nothing remains.
        AuthorizationExpiredError, AuthorizationSuspendedError: See `require_alive`.
        CaptureExceedsRemainderError: Carries `remaining_minor`.
        TooManyCapturesError: The thirteenth part.
    """
    auth._to("capture_part")  # noqa: SLF001  the state is judged before the clock: a captured one did not expire
    auth.require_alive(now)
    rest = auth.remaining_minor - amount_minor
    if rest < 0:
        raise CaptureExceedsRemainderError(
            f"{auth.remaining_minor} remain, {amount_minor} were asked", remaining_minor=auth.remaining_minor
        )
    if auth.captures >= MAX_CAPTURES:
        raise TooManyCapturesError
    released = rest if final else 0
    after = auth._moved(  # noqa: SLF001  the state table's own functions
        "capture_rest" if final or rest == 0 else "capture_part",
        captured_minor=auth.captured_minor + amount_minor,
        released_minor=auth.released_minor + released,
        captures=auth.captures + 1,
    )
    return Capture(after, amount_minor, released)


@dataclass(frozen=True, slots=True)
class Release:
    """Effect of ending an authorization: what goes from held back to available."""

    authorization: Authorization
    released_minor: int


def void(auth: Authorization, *, reason: str) -> Release:
    """Give back all that is not captured.

    Args:
        auth: As it is; a suspension does not protect it.
        reason: "merchant", "customer" or "risk".

    Raises:
        AuthorizationStateError: Already captured whole, declined, voided or expired.
    """
    return _released(auth, "void", void_reason=reason, suspension=None)


def expire(auth: Authorization, now: datetime) -> Release:
    """End an authorization whose life is over.

    Raises:
        AuthorizationStateError: Already ended, or still alive at `now`.
    """
    if auth.status not in FINAL and now < auth.expires_at:
        raise AuthorizationStateError("its life is not over", current_status=str(auth.status))
    return _released(auth, "expire", suspension=None)


def _released(auth: Authorization, action: str, **changes: object) -> Release:
    rest = auth.remaining_minor
    after = auth._moved(action, released_minor=auth.released_minor + rest, **changes)  # noqa: SLF001
    return Release(after, rest)


def extend(auth: Authorization, by: timedelta, most: timedelta, now: datetime) -> Authorization:
    """Prolong a life once; a warning of its end is due again.

    Args:
        auth: As it is.
        by: Added to the present end.
        most: What the scenario allows, so that held and suspended time count against neither life.
        now: Business instant.

    Raises:
        AlreadyExtendedError, AuthorizationStateError, AuthorizationExpiredError, AuthorizationSuspendedError.
        ExtensionTooLongError: Carries `max_days`.
    """
    auth._to("extend")  # noqa: SLF001
    auth.require_alive(now)
    if auth.extended:
        raise AlreadyExtendedError(current_status=str(auth.status))
    if not timedelta() < by <= most:
        raise ExtensionTooLongError(f"an extension here is 1 to {most.days} days", max_days=most.days)
    return auth._moved("extend", expires_at=auth.expires_at + by, extended=True, warned=False)  # noqa: SLF001


def next_look(auth: Authorization) -> datetime | None:
    """When the clock has something to do with it: say that its end is near, end it, or see what a case made of it."""
    if auth.status in FINAL:
        return None
    if auth.suspension is not None:
        return auth.suspension.until_at
    return auth.expires_at if auth.warned or auth.status is Status.HELD else auth.expires_at - WARNED_BEFORE


def warn(auth: Authorization, now: datetime) -> Authorization | None:
    """Say once that its end is near; None where that is not to be said now."""
    if auth.status not in TRANSITIONS["warn"] or auth.warned or auth.suspension is not None:
        return None
    if not auth.expires_at - WARNED_BEFORE <= now < auth.expires_at:
        return None
    return auth._moved("warn", warned=True)  # noqa: SLF001


def suspend(auth: Authorization, case_id: str, until_at: datetime, now: datetime) -> Authorization:
    """Stop captures while a case is open; what is captured already stays.

    Raises:
        AuthorizationStateError: Nothing left to stop, or suspended already.
    """
    if auth.suspension is not None or auth.remaining_minor == 0:
        raise AuthorizationStateError("nothing to suspend", current_status=str(auth.status))
    return auth._moved("suspend", suspension=Suspension(case_id, now, until_at))  # noqa: SLF001


def resume(auth: Authorization, now: datetime) -> Authorization:
    """End a suspension; the life grows by the time it lasted.

    Raises:
        AuthorizationStateError: Not suspended.
    """
    if auth.suspension is None:
        raise AuthorizationStateError("not suspended", current_status=str(auth.status))
    lost = max(timedelta(), now - auth.suspension.since_at)
    return auth._moved("resume", suspension=None, expires_at=auth.expires_at + lost)  # noqa: SLF001


def approve_held(auth: Authorization, now: datetime) -> Authorization:
    """A person said yes, or the customer confirmed; the time it waited does not count against its life.

    Raises:
        AuthorizationStateError: Neither held nor waiting.
    """
    return auth._moved("approve", expires_at=auth.expires_at + max(timedelta(), now - auth.created_at))  # noqa: SLF001


def await_confirmation(auth: Authorization) -> Authorization:
    """A person said yes, and the customer's phone has to say so too.

    Raises:
        AuthorizationStateError: Not held.
    """
    return auth._moved("await")  # noqa: SLF001


def decline_held(auth: Authorization, code: str) -> Release:
    """A person said no, or nobody said anything in time.

    Raises:
        AuthorizationStateError: Neither held nor waiting.
    """
    return _released(auth, "decline", decline_code=code)
