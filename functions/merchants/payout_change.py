"""Another payout account: proposed by one person, approved by a second, told to the old contact, good after 48 hours.

    propose ──▶ proposed ── approve (someone else) ──▶ approved ── 48 h ──▶ effective
                   └──────────── cancel ────────────────┘

Whoever took over a merchant's mailbox or a clerk's desk has two days in which the merchant can say no. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from functions.core.clock import isoformat, parse_instant
from functions.core.errors import ConflictError, ForbiddenError

HOLD: Final = timedelta(hours=48)


class NoPayoutChangeError(ConflictError):
    code, title = "no_payout_change", "No change of the payout account waits for this"


class SamePersonError(ForbiddenError):
    code, title = "same_person", "The second person must be someone else"


@dataclass(frozen=True, slots=True)
class PayoutChange:
    """A payout account that is not yet paid to.

    Args:
        last4: Of the new account.
        proposed_by: Staff.
        proposed_at: Business instant.
        approved_by: Staff, someone else; None while it waits.
        effective_at: From when it is paid to; None while it waits.
    """

    last4: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    effective_at: datetime | None = None

    @property
    def status(self) -> str:
        """Either "proposed" or "approved"; an effective one is a change no more."""
        return "approved" if self.approved_by else "proposed"

    def is_effective(self, now: datetime) -> bool:
        """Whether its 48 hours are over."""
        return self.effective_at is not None and now >= self.effective_at


def approve(change: PayoutChange | None, by: str, now: datetime) -> PayoutChange:
    """The second person agrees; the 48 hours begin.

    Raises:
        NoPayoutChangeError: None waits for approval.
        SamePersonError: Who proposed it can't approve it.
    """
    if change is None or change.approved_by:
        raise NoPayoutChangeError(current_status=change.status if change else None)
    if change.proposed_by == by:
        raise SamePersonError
    return replace(change, approved_by=by, effective_at=now + HOLD)


def require_waiting(change: PayoutChange | None) -> PayoutChange:
    """The change that can still be cancelled.

    Raises:
        NoPayoutChangeError: There is none; one in force is undone by another change.
    """
    if change is None:
        raise NoPayoutChangeError(current_status=None)
    return change


def to_json(change: PayoutChange) -> dict[str, Any]:
    """As stored."""
    ends = {"proposed_at": isoformat(change.proposed_at)}
    return asdict(change) | ends | {"effective_at": isoformat(change.effective_at) if change.effective_at else None}


def from_json(value: Mapping[str, Any] | None) -> PayoutChange | None:
    """Inverse of `to_json`."""
    if value is None:
        return None
    effective = value["effective_at"]
    at = {"proposed_at": parse_instant(value["proposed_at"])}
    return PayoutChange(**{**value, **at, "effective_at": parse_instant(effective) if effective else None})
