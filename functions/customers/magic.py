"""The sandbox's magic phone numbers: what each makes happen. Printed in docs/sandbox.md; a test compares the two.

A row is a block of ten thousand numbers, so that many people can be made for one outcome. No Chinese mobile number
begins with 100: none of them can ring at a real person's home.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ALWAYS_APPROVED = "always_approved"
DECLINED = "declined"
HELD = "held"
NEEDS_CONFIRMATION = "needs_confirmation"
IDENTITY_FAILS = "identity_fails"
IDENTITY_TIMES_OUT = "identity_times_out"
BUREAU_TIMES_OUT = "bureau_times_out"
REPAYMENT_FAILS = "repayment_fails"
REPAYMENT_FAILS_THEN_SUCCEEDS = "repayment_fails_then_succeeds"
HIGH_RISK_DEVICE = "high_risk_device"

MAGIC_PHONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "+861000001": ALWAYS_APPROVED,
        "+861000002": DECLINED,
        "+861000003": HELD,
        "+861000004": NEEDS_CONFIRMATION,
        "+861000005": IDENTITY_FAILS,
        "+861000006": IDENTITY_TIMES_OUT,
        "+861000007": BUREAU_TIMES_OUT,
        "+861000008": REPAYMENT_FAILS,
        "+861000009": REPAYMENT_FAILS_THEN_SUCCEEDS,
        "+861000010": HIGH_RISK_DEVICE,
    }
)
"""Meaning by the number without its last four digits."""

MAGIC_CODE: Final = "000000"
"""Signs a magic number in without a message; never on a live stage."""

WATCH_LISTED_NAMES: Final = frozenset({"Watch Listed", "观察名单"})
"""Names that the sandbox's identity check finds on its watch list."""

_LAST_DIGITS = 4


def meaning_of(phone: str) -> str | None:
    """What a number makes happen, or None for an ordinary one.

    Args:
        phone: E.164.
    """
    return MAGIC_PHONES.get(phone[:-_LAST_DIGITS])
