"""What a merchant and what a customer see of a plan."""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.core.clock import isoformat
from functions.lending.cash import holdback_minor
from functions.lending.plan import Plan
from functions.lending.plans.store import PlanItem


def schedule_rows(plan: Plan) -> list[dict[str, Any]]:
    """The installments as JSON values."""
    return [
        {
            "number": row.number,
            "due_on": row.due_on.isoformat(),
            "principal_minor": row.principal_minor,
            "fee_minor": row.fee_minor,
            "subsidy_minor": row.subsidy_minor,
            "total_minor": row.principal_minor + row.fee_minor,
            "paid_minor": row.principal_paid_minor + row.fee_paid_minor,
        }
        for row in plan.rows
    ]


def present_plan(item: PlanItem) -> dict[str, Any]:
    """The plan as its customer sees it."""
    plan = item.plan()
    return {
        "id": item.pk,
        "object": "plan",
        "status": str(plan.state),
        "version": item.version,
        "currency": item.currency,
        "product_id": item.product,
        "merchant_id": item.merchant_id,
        "capture_id": item.capture_id,
        "principal_minor": plan.captured_minor,
        "outstanding_minor": plan.outstanding_minor,
        "disputed_minor": plan.disputed_minor,
        "fee_minor": sum(row.fee_minor for row in plan.rows),
        "apr_bps": plan.apr_bps,
        "start_on": plan.start_on.isoformat(),
        "created_at": isoformat(plan.opened_at),
        "schedule": schedule_rows(plan),
    }


def _service(item: PlanItem) -> dict[str, Any]:
    days = {"starts_on": item.starts, "ends_on": item.ends}
    shown = {name: date.fromordinal(day).isoformat() if day else None for name, day in days.items()}
    return {**shown, "units": item.units, "rendered_units": item.rendered_units or 0}


def present_capture(item: PlanItem) -> dict[str, Any]:
    """The capture as its merchant sees it: money and the plan's id, not the customer's debts."""
    plan = item.plan()
    return {
        "id": item.capture_id,
        "object": "capture",
        "authorization_id": item.authorization_id,
        "plan_id": item.pk,
        "version": item.version,
        "amount_minor": plan.captured_minor,
        "refunded_minor": plan.refunded_minor,
        "refundable_minor": plan.refundable_minor,
        "currency": item.currency,
        "product_id": item.product,
        "term_count": len(plan.rows),
        "apr_bps": plan.apr_bps,
        "start_on": plan.start_on.isoformat(),
        "fulfilled_minor": plan.fulfilled_minor,
        "holdback_minor": holdback_minor(plan),
        "backstop_on": plan.backstop_on.isoformat() if plan.backstop_on else None,
        "payout_blocked": plan.disputed_minor > 0,
        "serial_number": item.serial_number,
        "service": _service(item) if item.starts or item.ends or item.units else None,
        "created_at": isoformat(plan.opened_at),
        "schedule": schedule_rows(plan),
    }
