"""What a review of a limit looks at, and the change it may call for: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

Kind = Literal["raise", "cut", "freeze", "lift", "temporary_start", "temporary_end"]


FREEZING: Final = frozenset({"high", "critical"})
"""Severities of an alert at which a line is frozen at once; a lesser alert bars raises."""


def frozen_by(case_id: str) -> str:
    """How a line says that a case froze it: it may be lifted by that case, or by staff."""
    return f"rule:{case_id}"


@dataclass(frozen=True, slots=True)
class Alert:
    """A fraud alert on the customer of a line.

    Args:
        id: The alert's.
        severity: "low", "medium", "high" or "critical".
        case_id: Of the case whose decision ends what the alert brought about; None where there is none.
        raised_at: Aware UTC.
    """

    id: str
    severity: str
    case_id: str | None
    raised_at: datetime

    @property
    def freezes(self) -> bool:
        """Grave enough, and there is somebody whose decision will lift it."""
        return self.severity in FREEZING and self.case_id is not None


@dataclass(frozen=True, slots=True)
class Cause:
    """What made someone look at a line.

    Args:
        kind: Event type, "on_demand" or "income_update"; kept with the review.
        event_id: Of the event, which is looked at once; None where a person asked.
        alert: The alert it is about.
        charge_off: It is about a debt of the customer that was written off.
    """

    kind: str
    event_id: str | None = None
    alert: Alert | None = None
    charge_off: bool = False


@dataclass(frozen=True, slots=True)
class TemporaryLimit:
    """An extra limit for a while.

    Args:
        extra_minor: On top of the base limit.
        until_on: Last day it counts, customer's calendar.
    """

    extra_minor: int
    until_on: date


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A credit line as of a day.

    Args:
        currency: Of the line.
        base_limit_minor: Without the temporary part.
        held_minor: Promised to authorizations.
        outstanding_minor: Principal owed.
        status: "active", "frozen" or "closed".
        frozen_code: Why it is frozen; "" if it is not.
        opened_on: First day of the line.
        statements: Statements issued so far.
        on_time_streak: Latest statements paid in full by their due day, in a row.
        utilisation_bps: Mean use of the limit over the last three statements.
        days_past_due: Of the oldest unpaid due date; 0 if none.
        raise_consent: The customer agreed to limit raises.
        income_minor: Counted monthly income; None if unknown.
        expenses_minor: Monthly.
        debts_minor: Owed elsewhere.
        income_updated: Income was verified anew since the last raise.
        alert_open: A risk alert on this customer is not resolved: no raise, no temporary limit.
        alert: The alert that this very review is about.
        charge_off: This very review is about a debt of the customer that was written off.
        written_off: Such a debt there was, on this line or another: no raise, no temporary limit.
        bureau_worse: The bureau reported a default since the last review.
        last_raise_on: Day of the last raise; None if never.
        last_cut_on: Day of the last cut; None if never.
        last_cut_code: Why it was cut then; "" if never.
        temporary: The temporary limit, if one is on.
        portfolio: Whose default rates apply.
    """

    currency: str
    base_limit_minor: int
    held_minor: int
    outstanding_minor: int
    status: Literal["active", "frozen", "closed"]
    opened_on: date
    statements: int
    on_time_streak: int
    utilisation_bps: int
    days_past_due: int
    raise_consent: bool
    income_minor: int | None
    expenses_minor: int = 0
    debts_minor: int = 0
    income_updated: bool = False
    alert_open: bool = False
    alert: Alert | None = None
    charge_off: bool = False
    written_off: bool = False
    bureau_worse: bool = False
    last_raise_on: date | None = None
    last_cut_on: date | None = None
    last_cut_code: str = ""
    temporary: TemporaryLimit | None = None
    portfolio: str = "default"
    frozen_code: str = ""

    @property
    def committed_minor(self) -> int:
        """What no cut goes under."""
        return self.held_minor + self.outstanding_minor

    def limit_minor(self, on: date) -> int:
        """Base and, while it lasts, temporary limit."""
        extra = self.temporary.extra_minor if self.temporary and on <= self.temporary.until_on else 0
        return self.base_limit_minor + extra


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A change of a line, to be made, recorded and told.

    Args:
        kind: What happens.
        code: Why; stable.
        text_en: For the customer.
        text_zh: For the customer.
        before_minor: Whole limit before, temporary part included.
        after_minor: Whole limit after.
        base_limit_minor: Base limit after.
        temporary: Temporary limit after.
        freezes: New authorizations are refused from now on.
        effective_on: The day.
        observed: What was looked at, as JSON values; for the record.
        actor: Who changed it.
        policy_hash: sha256 of the policy.
        model_version: Of the behavior model; "" if no score took part.
    """

    kind: Kind
    code: str
    text_en: str
    text_zh: str
    before_minor: int
    after_minor: int
    base_limit_minor: int
    temporary: TemporaryLimit | None
    freezes: bool
    effective_on: date
    observed: Mapping[str, Any]
    actor: str
    policy_hash: str
    model_version: str
