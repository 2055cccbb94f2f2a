"""Reminders: what is said about an installment at the moment of sending, and when it is better not to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from functions.core.clock import local_date
from functions.lending.late import late_due_minor
from functions.lending.plan import Plan, PlanState, Row
from functions.lending.plans.next_action import SEGMENTS
from functions.messaging.message import APP, EMAIL, SMS, Fact, Later, Letter, Money, Route, Suppress, Verdict
from functions.messaging.quiet import quiet_until

TOPIC: Final = "reminder"
LAST_STEP_DAYS: Final = 7
"""How long the last step of a segment may still be sent."""


@dataclass(frozen=True, slots=True)
class Step:
    """One reminder of one installment: days from a due day. Where the due day moves, its steps begin anew.

    Args:
        days: −7 is a week before, 0 the day itself, 3 three days after.
        due_on: The due day it was planned for.
    """

    days: int
    due_on: date

    @property
    def name(self) -> str:
        """As people write it: T-7, T, T+3."""
        return f"T{self.days:+d}" if self.days else "T"

    def __str__(self) -> str:
        return f"{self.name} {self.due_on.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Inverse of `str`."""
        name, _, due_on = text.partition(" ")
        return cls(int(name[1:] or 0), date.fromisoformat(due_on))


@dataclass(frozen=True, slots=True)
class Preference:
    """How a customer wants to be reminded.

    Args:
        channel: "email", "sms" or "app"; the others are used where it does not reach the customer.
        enabled: False for no reminders at all.
    """

    channel: str = EMAIL
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a reminder is for.

    Args:
        language: BCP 47.
        zone: IANA, where the customer is now: quiet hours are theirs.
        routes: Every way to reach them, in any order.
    """

    language: str
    zone: str
    routes: tuple[Route, ...]


def window_ends_on(row: Row, step: Step, segment: str) -> date:
    """The first day on which a step is too late: that of the next one.

    Args:
        row: Its installment.
        step: A step of it.
        segment: Row of `SEGMENTS`.
    """
    later = [days for days in SEGMENTS[segment].steps if days > step.days]
    following = min(later) if later else step.days + LAST_STEP_DAYS
    start_on = row.counted_from_on if following > 0 else row.due_on
    return start_on + timedelta(days=following)


def unwanted(plan: Plan, number: int, step: Step) -> str | None:
    """Why a reminder has lost its reason, or None.

    Args:
        plan: As it is now.
        number: Installment.
        step: Step of it.
    """
    if number > len(plan.rows):
        return "rescheduled"  # a new term has fewer
    row = plan.rows[number - 1]
    if not row.unpaid_minor:
        return "already_paid"
    if plan.state is not PlanState.ACTIVE:
        return "plan_closed"
    if row.disputed:
        return "disputed"
    if row.due_on != step.due_on:
        return "rescheduled"
    return None


def judge(
    plan: Plan, segment: str, number: int, step: Step, *, zone: str, now: datetime, preference: Preference
) -> Suppress | None:
    """Whether a reminder may still go out at all, today or later.

    Args:
        plan: As it is now.
        segment: Row of `SEGMENTS`.
        number: Installment.
        step: Step of it.
        zone: In which the plan counts its days.
        now: Business time.
        preference: The customer's.
    """
    reason = unwanted(plan, number, step)
    if reason is None and local_date(now, zone) >= window_ends_on(plan.rows[number - 1], step, segment):
        reason = "too_late"
    if reason is None and not preference.enabled:
        reason = "opted_out"
    return Suppress(reason) if reason else None


def covered_minor(plans: Sequence[Plan], plan_id: str, number: int, balance_minor: int) -> int:
    """How much of an installment the customer's credit balance will pay as it falls due.

    Args:
        plans: The customer's open ones in the currency of the balance.
        plan_id: One of them.
        number: Installment of it.
        balance_minor: Paid ahead or got back; it pays by due day, then plan age, then id.
    """
    waiting = [
        (row.due_on, plan.opened_at, plan.id, row.number, row.unpaid_minor)
        for plan in plans
        if plan.state is PlanState.ACTIVE
        for row in plan.rows
        if row.unpaid_minor and not row.disputed
    ]
    left = balance_minor
    for *_, name, each, unpaid_minor in sorted(waiting):
        paid = min(left, unpaid_minor)
        if (name, each) == (plan_id, number):
            return paid
        left -= paid
    return 0


def compose(
    plan: Plan,
    number: int,
    *,
    zone: str,
    now: datetime,
    preference: Preference,
    reader: Reader,
    merchant: str,
    url: str,
    covered: int = 0,
) -> Verdict:
    """The reminder as it reads now, or when it may be sent.

    Args:
        plan: As it is now.
        number: Installment.
        zone: In which the plan counts its days.
        now: Business time.
        preference: The customer's.
        reader: The customer.
        merchant: Name to show; "" to name none.
        url: Where to pay.
        covered: What of it is paid already by a credit balance; minor units, less than all.
    """
    until = quiet_until(now, reader.zone)
    if until is not None:
        return Later(until)
    row, today = plan.rows[number - 1], local_date(now, zone)
    days = (row.due_on - today).days
    facts: dict[str, Fact] = {
        "number": number,
        "count": len(plan.rows),
        "amount": Money(row.unpaid_minor - covered + late_due_minor(plan, row, today), plan.terms.currency),
        "due_on": row.due_on,
        "merchant": merchant,
        "url": url,
    }
    template = "reminder_due" if days == 0 else "reminder_upcoming" if days > 0 else "reminder_overdue"
    if days:
        facts["days"] = abs(days)
    return Letter(template, reader.language, facts, in_order(reader.routes, preference.channel))


def in_order(routes: tuple[Route, ...], channel: str) -> tuple[Route, ...]:
    """The routes of a channel first, then the others."""
    return tuple(sorted(routes, key=lambda route: route.channel != channel))


def routes_of(customer_id: str, phone: str, email: str | None, channel: str) -> tuple[Route, ...]:
    """Every way to reach someone; the app is one only for who chose it.

    Args:
        customer_id: `cus_…`, by which the app's back end knows them.
        phone: In E.164.
        email: None where we know none.
        channel: The one they chose.
    """
    app = (Route(APP, customer_id),) if channel == APP else ()
    return (*((Route(EMAIL, email),) if email else ()), Route(SMS, phone), *app)
