"""From items to what a review looks at: the line, its file, and the finances sealed in it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, cast

from functions.core.clock import local_date
from functions.core.money import BPS
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.store import FINANCES, LimitFileItem
from functions.credit.upkeep.values import Cause, LineFacts
from functions.customers.consents import LIMIT_INCREASE
from functions.customers.customer import Customer
from functions.customers.service import sealer_of
from functions.platform.container import container

_RISK_CODES = frozenset({"alert", "fraud_alert"})
_USE_CYCLES = 3
_DAYS_PER_MONTH_LATE = 30
_ALERT_DAYS = 90
"""So long an alert counts that no case decides."""


def today_of(customer: Customer) -> date:
    """The customer's calendar day."""
    return local_date(container().clock.now(), customer.zone)


def finances_of(file: LimitFileItem) -> dict[str, Any]:
    """The counted finances, opened.

    Raises:
        NotFoundError: The customer was erased.
        UnavailableError: The key service does not answer.
    """
    found: dict[str, Any] = sealer_of(file.customer_id).open(FINANCES, file.finances)
    return found


def line_facts(
    customer: Customer,
    line: LineItem,
    file: LimitFileItem,
    *,
    days_past_due: int | None = None,
    bureau_worse: bool,
    cause: Cause | None = None,
) -> LineFacts:
    """A line as of today.

    Args:
        customer: For consent and zone.
        line: Read consistently.
        file: Its file.
        days_past_due: Of the oldest unpaid due date, where whoever asks knows it; None: as the file knows it.
        bureau_worse: The bureau has reported a default since the last review.
        cause: That it is looked at for.
    """
    finances, today = finances_of(file), today_of(customer)
    frozen = line.frozen_reason or ""
    return LineFacts(
        currency=line.currency,
        base_limit_minor=file.base_minor(line.limit),
        held_minor=line.held,
        outstanding_minor=line.outstanding,
        status=cast("Literal['active', 'frozen', 'closed']", line.status),
        opened_on=date.fromisoformat(file.opened_on),
        statements=file.statements,
        on_time_streak=file.streak,
        utilisation_bps=_use_bps(file),
        days_past_due=days_late(file, today) if days_past_due is None else days_past_due,
        raise_consent=customer.has_consented(LIMIT_INCREASE),
        income_minor=finances["income_minor"],
        expenses_minor=finances["expenses_minor"] or 0,
        debts_minor=finances["debts_minor"] or 0,
        income_updated=bool(file.income_fresh),
        alert_open=frozen in _RISK_CODES or _alerted(file, today),
        alert=cause.alert if cause else None,
        charge_off=cause.charge_off if cause else False,
        written_off=bool(file.written_off),
        bureau_worse=bureau_worse,
        last_raise_on=_day(file.raised_on),
        last_cut_on=_day(file.cut_on),
        last_cut_code=file.cut_code or "",
        temporary=file.temporary,
        frozen_code=frozen,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def days_late(file: LimitFileItem, on: date) -> int:
    """Days past due of the oldest unpaid due date: by the plans that are late, or else by the latest statement."""
    if file.late is not None:
        return max((on - date.fromisoformat(due)).days for due in file.late.values()) if file.late else 0
    return _first_day_of(file.cuts[-1].months_late) if file.cuts else 0


def _alerted(file: LimitFileItem, on: date) -> bool:
    return file.alert is not None and (on - date.fromisoformat(file.alert["on"])).days <= _ALERT_DAYS


def _first_day_of(months_late: int) -> int:
    """The first day past due that counts as so many started months late."""
    return 0 if months_late == 0 else (months_late - 1) * _DAYS_PER_MONTH_LATE + 1


def _use_bps(file: LimitFileItem) -> int:
    """Mean use of the limit over the last three statements."""
    latest = [cut for cut in file.cuts[-_USE_CYCLES:] if cut.limit_minor > 0]
    if not latest:
        return 0
    return sum(cut.bill_minor * BPS // cut.limit_minor for cut in latest) // len(latest)
