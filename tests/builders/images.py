"""Stream records of plans, made without a table: what the checks and the portfolio read."""

from __future__ import annotations

import itertools
from datetime import datetime

from functions.core.ids import id_bytes
from functions.lending.plan import Plan
from functions.lending.plans.next_action import done
from functions.lending.plans.store import PlanItem, put_plan
from functions.platform.bus.stream import StreamRecord

_numbers = itertools.count(1)
ALIAS = 123_456_789


def plan_image(plan: Plan, version: int = 1) -> dict[str, dict[str, object]]:
    """A plan as DynamoDB stores it."""
    item = PlanItem(
        pk=plan.id,
        version=version,
        customer=id_bytes(plan.customer_id),
        merchant=id_bytes(plan.merchant_id),
        authorization=bytes(16),
        alias=ALIAS,
        currency="CNY",
        product="p",
        product_version=1,
        zone="UTC",
        language="en",
        segment="standard",
        body=bytes(8),
    )
    put_plan(item, plan, None, 1)
    return item.serialize()


def plan_record(old: Plan | None, new: Plan) -> StreamRecord:
    """The record of one change of a plan; each with an id of its own."""
    number = next(_numbers)
    before = plan_image(old) if old is not None else None
    return StreamRecord(f"e{number}", str(number), plan_image(new, 2), before, expired=False, body={})


def at_hour(plan: Plan, at: datetime) -> Plan:
    """The plan after the sweep has been there."""
    return done(plan, at)
