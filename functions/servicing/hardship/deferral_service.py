"""Use cases of a deferral: see what it costs, take it."""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.ledger.entries import EntryKind
from functions.lending import life
from functions.lending.cash import Effect
from functions.lending.plan import Plan
from functions.lending.plans.present import schedule_rows
from functions.lending.plans.service import read_plan
from functions.platform.web.context import Call
from functions.servicing.hardship.limits import (
    DEFERRAL_ALONE_DAYS,
    DeferralCostChangedError,
    DeferralNeedsStaffError,
)
from functions.servicing.hardship.schemas import DeferralRequest
from functions.servicing.plan_service import Decide, change_plan, today_of


def preview_deferral(plan_id: str, body: DeferralRequest, call: Call) -> dict[str, Any]:
    """What a deferral would cost and do; the same decision, not written.

    Raises:
        DeferralLimitError, DeferralRefusedError: See `functions.lending.life.defer`.
    """
    item = read_plan(plan_id, call.who.id, consistent=True)
    before = item.plan()
    after, _effect = _deferral(body)(before, today_of(item))
    return {
        "object": "deferral_preview",
        "plan_id": item.pk,
        "cost_minor": after.fee_unpaid_minor - before.fee_unpaid_minor,
        "deferrals_left": max(0, after.rules.deferrals_max - after.deferrals),
        "needs_staff": body.days > DEFERRAL_ALONE_DAYS,
        "schedule_before": schedule_rows(before),
        "schedule": schedule_rows(after),
    }


def defer_plan(plan_id: str, body: DeferralRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Move the next due days.

    Raises:
        DeferralCostChangedError: `cost_minor` is not what it costs.
        DeferralLimitError, DeferralRefusedError: See `functions.lending.life.defer`.
        DeferralNeedsStaffError: Further than a customer may move due days alone.
    """
    decide = _deferral(body)

    def alone(plan: Plan, on: date) -> tuple[Plan, Effect]:
        decided = decide(plan, on)
        if body.days > DEFERRAL_ALONE_DAYS:
            raise DeferralNeedsStaffError(f"at most {DEFERRAL_ALONE_DAYS} days", days_max=DEFERRAL_ALONE_DAYS)
        return decided

    return change_plan(plan_id, call, EntryKind.DEFERRAL, alone)


def _deferral(body: DeferralRequest) -> Decide:
    def decide(plan: Plan, on: date) -> tuple[Plan, Effect]:
        after, effect = life.defer(plan, body.installments, body.days, on=on, asked_by="customer")
        cost = after.fee_unpaid_minor - plan.fee_unpaid_minor
        if body.cost_minor is not None and body.cost_minor != cost:
            raise DeferralCostChangedError(f"it costs {cost} by now", cost_minor=cost)
        return after, effect

    return decide
