"""From checks to a verdict on who someone is. Pure.

What can be judged from the details alone is judged first: the provider is asked only about someone who may pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.customers.details import RESIDENT_ID, completed_years, is_resident_id, resident_born_on
from functions.customers.ports import Applicant, IdentityAnswer

VERIFIED, FAILED, PENDING = "verified", "identity_failed", "identity_pending"
MAJORITY_YEARS: Final = 18

DOCUMENT_NUMBER, BIRTH_DATE, MAJORITY, DETAILS_MATCH, WATCH_LIST, STAFF = (
    "document_number",
    "birth_date",
    "majority",
    "details_match",
    "watch_list",
    "staff",
)
PUBLIC_REASONS: Final[Mapping[str, str]] = {
    DOCUMENT_NUMBER: "document_invalid",
    BIRTH_DATE: "details_do_not_match",
    MAJORITY: "underage",
    DETAILS_MATCH: "details_do_not_match",
    WATCH_LIST: "not_accepted",
    STAFF: "not_accepted",
}
"""What the person is told; a watch list is never confirmed to the one on it."""

Checks = dict[str, bool]


@dataclass(frozen=True, slots=True)
class Identity:
    """The verdict and where it comes from.

    Args:
        status: "verified", "identity_failed" or "identity_pending" (referred: nobody has answered yet).
        checks: Result by check; those not asked are absent.
        provider: Who was asked last: an adapter's name, "details" (nobody had to be), or "staff:<subject>".
        reference: The provider's number of the check, or the reason a person gave.
        decided_at: Business instant.
    """

    status: str
    checks: Mapping[str, bool]
    provider: str
    reference: str
    decided_at: datetime

    @property
    def reasons(self) -> tuple[str, ...]:
        """Public codes of what failed."""
        return tuple(dict.fromkeys(PUBLIC_REASONS[code] for code, passed in self.checks.items() if not passed))

    def pack(self) -> str:
        """As stored."""
        return json.dumps(
            [self.status, dict(self.checks), self.provider, self.reference, epoch_ms(self.decided_at)],
            separators=(",", ":"),
            ensure_ascii=False,
        )

    @classmethod
    def unpack(cls, text: str) -> Identity:
        """Inverse of `pack`."""
        status, checks, provider, reference, at_ms = json.loads(text)
        return cls(status, checks, provider, reference, from_epoch_ms(at_ms))


def check_details(applicant: Applicant, today: date) -> Checks:
    """What the details say by themselves.

    Args:
        applicant: Details in normal form.
        today: Where the applicant is.
    """
    checks = {}
    if applicant.document_type == RESIDENT_ID:
        checks[DOCUMENT_NUMBER] = is_resident_id(applicant.document_number)
        checks[BIRTH_DATE] = resident_born_on(applicant.document_number) == applicant.born_on
    checks[MAJORITY] = completed_years(applicant.born_on, today) >= MAJORITY_YEARS
    return checks


def judge(checks: Mapping[str, bool], answer: IdentityAnswer | None, at: datetime) -> Identity:
    """The verdict.

    Args:
        checks: Of the details.
        answer: The provider's, or None when it was not asked or did not answer.
        at: Business instant.
    """
    if not all(checks.values()):
        return Identity(FAILED, checks, "details", "", at)
    if answer is None:
        return Identity(PENDING, checks, "details", "", at)
    found = {**checks, DETAILS_MATCH: answer.details_match, WATCH_LIST: not answer.watch_listed}
    return Identity(VERIFIED if all(found.values()) else FAILED, found, answer.provider, answer.reference, at)


def decided_by_staff(before: Identity, subject: str, reason: str, at: datetime, *, accepted: bool) -> Identity:
    """The verdict of a person on someone who was referred."""
    return Identity(
        VERIFIED if accepted else FAILED, {**before.checks, STAFF: accepted}, f"staff:{subject}", reason, at
    )
