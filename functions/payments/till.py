"""A sale at a till: what happens by itself, and when. The shopper stands there, so every wait has an end.

approved ── 120 s, or the shop says complete ──▶ captured
held ── 60 s without a person's word ──▶ declined
awaiting_confirmation ── 180 s without the phone ──▶ declined
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from functions.payments.authorization import Authorization, Status

REVERSAL_WINDOW: Final = timedelta(seconds=120)
HELD_AT_MOST: Final = timedelta(seconds=60)
CONFIRM_WITHIN: Final = timedelta(seconds=180)
DUE_EVENT: Final = "in_store.due"
"""Told with every state that does not last; whoever hears it comes back when the wait is over."""

WAITS: Final[Mapping[Status, timedelta]] = MappingProxyType(
    {
        Status.APPROVED: REVERSAL_WINDOW,
        Status.HELD: HELD_AT_MOST,
        Status.AWAITING_CONFIRMATION: CONFIRM_WITHIN,
    }
)
DECLINE_CODES: Final[Mapping[Status, str]] = MappingProxyType(
    {Status.HELD: "risk", Status.AWAITING_CONFIRMATION: "not_confirmed"}
)
"""What a merchant hears when such a wait ends without a word."""


def due_at(status: Status, since: datetime) -> datetime | None:
    """When the next step of a sale is due, if its state does not last; business time."""
    wait = WAITS.get(status)
    return since + wait if wait is not None else None


def is_over(auth: Authorization, due: datetime | None, now: datetime) -> bool:
    """Whether a wait has ended in a decline, whether or not anyone has written it down."""
    return auth.status in DECLINE_CODES and due is not None and now >= due


@dataclass(frozen=True, slots=True)
class CodeEvidence:
    """Which code consented to a sale, kept with it as six bytes.

    Args:
        enrolment: Of the device; 0 for a code that we made.
        counter: The step it was made for.
        confirm: Whether the phone had, or would have had, to say yes as well.
    """

    enrolment: int
    counter: int
    confirm: bool

    def pack(self) -> bytes:
        return bytes((self.confirm, self.enrolment)) + self.counter.to_bytes(4, "big")

    @classmethod
    def unpack(cls, raw: bytes) -> CodeEvidence:
        return cls(confirm=bool(raw[0]), enrolment=raw[1], counter=int.from_bytes(raw[2:6], "big"))
