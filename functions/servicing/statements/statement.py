"""A statement's figures, from the plans as they are at the cut. Pure.

What was paid since the last cut is told by the plans themselves: each knows what it has ever collected, and the last
statement remembers what that was. So a statement adds up with the plans to the unit, whatever the streams still carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from functions.core.money import BPS, round_half_up
from functions.lending.apr import NoRateError, irr_annual
from functions.lending.late import late_due_minor, settle
from functions.lending.plan import Plan, PlanState, Row, days_past_due

_DAYS_IN_MONTH_LATE: Final = 30
_A_DAY: Final = timedelta(days=1)
_OPEN: Final = frozenset({PlanState.ACTIVE, PlanState.CHARGED_OFF})


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan that a statement tells of.

    Args:
        plan: As stored.
        product_id: Of its product.
        minimum_bps: Part of what is due that the product asks for at least; 0 where it asks for all.
        method: How the annual rate is counted: "nominal_monthly" or "effective".
        collected_before_minor: What it had ever collected at the last cut.
    """

    plan: Plan
    product_id: str
    minimum_bps: int
    method: str
    collected_before_minor: int


@dataclass(frozen=True, slots=True)
class Due:
    """An installment to pay before the next cut."""

    number: int
    due_on: date
    principal_minor: int
    fee_minor: int
    late_minor: int

    @property
    def total_minor(self) -> int:
        """All three."""
        return self.principal_minor + self.fee_minor + self.late_minor


@dataclass(frozen=True, slots=True)
class Line:
    """What a statement says of one plan.

    Args:
        outstanding_minor: Principal and fee still to pay over the plan's life.
        collected_minor: What it has ever collected; the next statement counts from it.
        dues: By number.
        minimum_minor: What must be paid of them at least.
    """

    plan_id: str
    merchant_id: str
    product_id: str
    apr_bps: int
    outstanding_minor: int
    collected_minor: int
    dues: tuple[Due, ...]
    minimum_minor: int

    @property
    def due_minor(self) -> int:
        """Sum of the installments to pay."""
        return sum(due.total_minor for due in self.dues)


@dataclass(frozen=True, slots=True)
class Statement:
    """A cycle's figures.

    Args:
        cut_on: Bill day, where the customer is.
        previous_on: The cut before, or the day from which the first cycle counts.
        next_on: The cut after; what falls due before it stands here.
        lines: Open plans, and those that were on the last statement.
        bill_minor: Principal and fee outstanding at the cut.
        paid_minor: Collected since the cut before.
        due_minor: To pay before the next cut, past due and late charge included.
        past_due_minor: Of it, late already.
        late_minor: Of it, late charge; a memo, booked when paid.
        minimum_minor: To pay at least.
        days_past_due: Of the oldest unpaid installment.
        apr_bps: All-in annual rate of what is open, late charge included; None where nothing is.
    """

    cut_on: date
    previous_on: date
    next_on: date
    lines: tuple[Line, ...]
    bill_minor: int
    paid_minor: int
    due_minor: int
    past_due_minor: int
    late_minor: int
    minimum_minor: int
    days_past_due: int
    apr_bps: int | None

    @property
    def months_late(self) -> int:
        """0 where nothing is past due, 1 for 1 to 30 days, 2 for 31 to 60, and so on."""
        return -(-self.days_past_due // _DAYS_IN_MONTH_LATE)

    @property
    def due_on(self) -> date | None:
        """The first day on which anything of it must be paid; None where nothing must."""
        days = [max(due.due_on, self.cut_on) for line in self.lines for due in line.dues]
        return min(days, default=None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell: nothing owed, nothing paid."""
        return not self.bill_minor and not self.paid_minor


def collected_minor(plan: Plan) -> int:
    """All that was ever collected on a plan and not taken back. Minor units."""
    paid = sum(row.fee_paid_minor + row.late_paid_minor for row in plan.rows)
    return plan.repaid_minor - plan.reversed_minor + paid


def compose(standings: Sequence[Standing], *, cut_on: date, previous_on: date, next_on: date) -> Statement:
    """The statement of a cycle.

    Args:
        standings: Plans of one customer in one currency: all that are open, that were on the last statement, or that
            were opened since.
        cut_on: Bill day; no plan's figures are told for an earlier day than its own last operation.
        previous_on: The cut before.
        next_on: The cut after.
    """
    settled = [
        (each, settle(each.plan, max(cut_on, each.plan.settled_on)))
        for each in standings
        if _has_something_to_tell(each)
    ]
    lines = [_line(each, plan, next_on) for each, plan in settled]
    dues = [due for line in lines for due in line.dues]
    active = [plan for _, plan in settled if plan.state is PlanState.ACTIVE]
    paid = sum(
        line.collected_minor - each.collected_before_minor for line, (each, _) in zip(lines, settled, strict=True)
    )
    return Statement(
        cut_on=cut_on,
        previous_on=previous_on,
        next_on=next_on,
        lines=tuple(lines),
        bill_minor=sum(line.outstanding_minor for line in lines),
        paid_minor=max(0, paid),
        due_minor=sum(due.total_minor for due in dues),
        past_due_minor=sum(due.total_minor for due in dues if due.due_on < cut_on),
        late_minor=sum(due.late_minor for due in dues),
        minimum_minor=sum(line.minimum_minor for line in lines),
        days_past_due=max((_days_late(plan, cut_on) for _, plan in settled), default=0),
        apr_bps=all_in_rate_bps(active, standings[0].method) if active else None,
    )


def _has_something_to_tell(standing: Standing) -> bool:
    is_open = standing.plan.state in _OPEN and bool(
        standing.plan.principal_unpaid_minor + standing.plan.fee_unpaid_minor
    )
    return is_open or collected_minor(standing.plan) != standing.collected_before_minor


def _line(standing: Standing, plan: Plan, next_on: date) -> Line:
    is_open = plan.state in _OPEN
    rows = [row for row in plan.rows if is_open and _is_asked_for(plan, row, next_on)]
    on = plan.settled_on
    dues = tuple(
        [
            Due(row.number, row.due_on, row.principal_unpaid_minor, row.fee_unpaid_minor, late_due_minor(plan, row, on))
            for row in rows
        ]
    )
    past = sum(due.total_minor for due in dues if due.due_on < on)
    ahead = sum(due.total_minor for due in dues) - past
    return Line(
        plan_id=plan.id,
        merchant_id=plan.merchant_id,
        product_id=standing.product_id,
        apr_bps=plan.apr_bps,
        outstanding_minor=plan.principal_unpaid_minor + plan.fee_unpaid_minor if is_open else 0,
        collected_minor=collected_minor(plan),
        dues=dues,
        minimum_minor=past + (-(-ahead * standing.minimum_bps // BPS) if standing.minimum_bps else ahead),
    )


def _is_asked_for(plan: Plan, row: Row, next_on: date) -> bool:
    all_due = plan.state is PlanState.CHARGED_OFF
    owed = row.unpaid_minor or late_due_minor(plan, row, plan.settled_on)
    return bool(owed) and not row.disputed and (all_due or row.due_on < next_on)


def _days_late(plan: Plan, on: date) -> int:
    """Days past due, counted on for a debt that was charged off and is still claimed."""
    if plan.state is not PlanState.CHARGED_OFF:
        return days_past_due(plan, on)
    unpaid = [row.counted_from_on for row in plan.rows if row.unpaid_minor]
    return max(0, (on - min(unpaid)).days) if unpaid else 0


def all_in_rate_bps(plans: Sequence[Plan], method: str) -> int | None:
    """The annual rate of some plans together: what was financed against all that is paid for it, late charge too.

    What is paid late is set against the time for which it was owed, or has been by the cut: principal is counted for as
    long as it is actually outstanding (PBoC Announcement 2021 No. 3).

    Args:
        plans: Active, settled to the cut.
        method: "nominal_monthly" or "effective".

    Returns:
        Basis points, half up; None without a plan, or where no rate balances the flows.
    """
    flows: list[tuple[date, int]] = []
    for plan in plans:
        for row in plan.rows:
            late = row.late_paid_minor + late_due_minor(plan, row, plan.settled_on)
            flows.append((_held_until(plan, row), -(row.principal_minor + row.fee_minor + late)))
        flows.append((plan.start_on, sum(row.principal_minor for row in plan.rows)))
    if not any(amount for _, amount in flows):
        return None
    try:
        return round_half_up(irr_annual(flows, method) * 100)
    except NoRateError:
        return None


def _held_until(plan: Plan, row: Row) -> date:
    """The day on which an installment counts as paid: its due day, or as much later as late charge was counted for."""
    due_on = max(row.due_on, plan.start_on + _A_DAY)
    asked = row.principal_minor + row.fee_minor
    if not row.overdue_minor_days or not asked:
        return due_on
    late = timedelta(days=row.paused_days + plan.rules.grace_days + row.overdue_minor_days // asked)
    return min(due_on + late, max(due_on, plan.settled_on))
