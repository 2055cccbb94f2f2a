"""What a customer may have back, by the scenario's rule: a figure to show and to refund by, never a limit.

A merchant may always give back more, up to what was captured.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from functions.core.money import BPS, round_ratio
from functions.lending.plan import Plan
from functions.payments.fulfilments.sale import Sale
from functions.payments.scenario import ReturnRule, Scenario

CANCELLATION_SCALE: Final = ((30, 10_000), (14, 8_000), (7, 5_000), (1, 2_000))
"""Days left before the service begins, and the share in basis points that goes back; later than that, nothing."""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the rule gives back today.

    Args:
        rule: Which rule.
        amount_minor: Goods value.
        until_on: Last day on which it gives this much; None where no day ends it.
    """

    rule: ReturnRule
    amount_minor: int
    until_on: date | None


def entitlement(row: Scenario, sale: Sale, plan: Plan, on: date) -> Entitlement:
    """What a customer may have back of a capture.

    Args:
        row: Its scenario.
        sale: What was said at its capture.
        plan: As of now.
        on: Today where the customer is.
    """
    left = plan.captured_minor - plan.refunded_minor
    if row.returns is ReturnRule.RETURN:
        until_on = plan.start_on + timedelta(days=row.return_days)
        return Entitlement(row.returns, left if on <= until_on else 0, until_on)
    if row.returns is ReturnRule.UNUSED or sale.starts_on is None:
        return Entitlement(ReturnRule.UNUSED, plan.unfulfilled_minor, plan.backstop_on)
    for days, share_bps in CANCELLATION_SCALE:
        until_on = sale.starts_on - timedelta(days=days)
        if on <= until_on:
            back = round_ratio(plan.captured_minor * share_bps, BPS)
            return Entitlement(row.returns, min(plan.unfulfilled_minor, max(0, back - plan.refunded_minor)), until_on)
    return Entitlement(row.returns, 0, None)
