"""What a debt costs from a day on: the figures that are shown before and after a change of its terms. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from functions.core.money import round_half_up
from functions.lending.apr import NoRateError, irr_annual
from functions.lending.changes.replan import carried_fee_minor
from functions.lending.late import plan_late_due_minor
from functions.lending.plan import Plan

RATE_METHODS = {"irr_x12": "nominal_monthly", "effective": "effective"}
"""Method of a jurisdiction's cap → method of `functions.lending.apr.irr_annual`."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is left of a plan as its terms stand. Minor units.

    Args:
        principal_minor: To pay.
        fee_minor: To pay over the life that is left.
        late_minor: Late charge so far; it is due beside all else.
        installments: Still to pay.
        next_due_on: The first of them, as agreed; it may have passed.
        last_due_on: The last of them.
        apr_bps: Annual rate of what is left; None where nothing is left to come, or no rate balances it.
    """

    principal_minor: int
    fee_minor: int
    late_minor: int
    installments: int
    next_due_on: date
    last_due_on: date
    apr_bps: int | None

    @property
    def total_minor(self) -> int:
        """Principal and fee: what all installments come to."""
        return self.principal_minor + self.fee_minor


def outlook(plan: Plan, on: date, cap_method: str) -> Outlook:
    """What is left of a plan from a day on.

    Args:
        plan: Active and settled to the day, with principal to pay.
        on: Today where the customer is.
        cap_method: Of the jurisdiction: "irr_x12" or "effective".
    """
    waiting = [row for row in plan.rows if row.unpaid_minor]
    return Outlook(
        principal_minor=plan.principal_unpaid_minor,
        fee_minor=plan.fee_unpaid_minor,
        late_minor=plan_late_due_minor(plan, on),
        installments=len(waiting),
        next_due_on=waiting[0].due_on,
        last_due_on=waiting[-1].due_on,
        apr_bps=_rate_bps(plan, on, RATE_METHODS[cap_method]),
    )


def _rate_bps(plan: Plan, on: date, method: str) -> int | None:
    """Principal and fee of the time so far are what is lent from today on; what is past due is paid back today."""
    flows = [(on, plan.principal_unpaid_minor + carried_fee_minor(plan, on))]
    flows += [(max(row.due_on, on), -row.unpaid_minor) for row in plan.rows if row.unpaid_minor]
    try:
        return round_half_up(irr_annual(flows, method) * 100)
    except NoRateError:
        return None
