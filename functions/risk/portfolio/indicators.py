"""Indicators in five layers, each with its definition and thresholds. Pure.

Thresholds are where a person should look (watch) and where one must (alarm); they are a table, to be set to a
portfolio's own appetite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from functions.risk.portfolio import measures
from functions.risk.portfolio.sums import Sums

LAYERS: Final = ("applicant", "account", "transaction", "merchant", "portfolio")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row of the table.

    Args:
        name: Stable.
        layer: One of `LAYERS`.
        unit: "minor", "bps" or "count".
        definition: Exactly what is counted.
        value: From the sums; None where there is nothing to divide by.
        watch: From here on a person should look; None for no threshold.
        alarm: From here on one must.
    """

    name: str
    layer: str
    unit: str
    definition: str
    value: Callable[[Sums], int | None]
    watch: int | None = None
    alarm: int | None = None

    def shown(self, sums: Sums) -> dict[str, Any]:
        """With its value and where it stands."""
        value = self.value(sums)
        return {
            "name": self.name,
            "unit": self.unit,
            "value": value,
            "status": self._status(value),
            "watch": self.watch,
            "alarm": self.alarm,
            "definition": self.definition,
        }

    def _status(self, value: int | None) -> str:
        if value is None:
            return "no_value"
        if self.alarm is not None and value >= self.alarm:
            return "alarm"
        return "watch" if self.watch is not None and value >= self.watch else "ok"


INDICATORS: Final = (
    Indicator(
        "refused_applications",
        "applicant",
        "bps",
        "Declined or referred, of the applications of this month and the two before.",
        measures.not_approved,
        6_000,
        8_000,
    ),
    Indicator(
        "mean_grant",
        "applicant",
        "minor",
        "Mean limit granted to the applications approved in this month and the two before.",
        measures.mean_grant,
    ),
    Indicator(
        "low_grades",
        "applicant",
        "bps",
        "Grades D and E, of the applications graded in this month and the two before.",
        measures.low_grades,
        3_000,
        5_000,
    ),
    Indicator("lines", "account", "count", "Active lines.", lambda s: s.get("line", "active")[0]),
    Indicator(
        "limits",
        "account",
        "minor",
        "Limits of active and frozen lines.",
        lambda s: s.get("line", "active")[1] + s.get("line", "frozen")[1],
    ),
    Indicator(
        "utilisation",
        "account",
        "bps",
        "Held and outstanding, of the limits of active and frozen lines.",
        measures.utilisation,
        6_000,
        8_000,
    ),
    Indicator("frozen_lines", "account", "bps", "Frozen lines, of active and frozen ones.", measures.frozen, 200, 500),
    Indicator(
        "overdrawn",
        "account",
        "minor",
        "By how much lines are used beyond their limits.",
        lambda s: s.get("line", "overdrawn")[1],
        1,
    ),
    Indicator(
        "orders",
        "transaction",
        "count",
        "Authorizations of this month.",
        lambda s: measures.orders(s, *measures.ORDER_STATES)[0],
    ),
    Indicator(
        "declined_orders",
        "transaction",
        "bps",
        "Declined, of the authorizations of this month.",
        measures.declined,
        1_500,
        3_000,
    ),
    Indicator(
        "held_now",
        "transaction",
        "minor",
        "Orders of this month that wait for a person before they are approved.",
        lambda s: measures.orders(s, "held")[1],
    ),
    Indicator(
        "suspended_now",
        "transaction",
        "minor",
        "What cannot be captured because a case is open.",
        lambda s: s.get("suspended")[1],
    ),
    Indicator(
        "confirmed_fraud",
        "transaction",
        "bps",
        "Confirmed fraud, of the value of the orders of this month and the two before.",
        measures.fraud,
        10,
        30,
    ),
    Indicator(
        "top_merchant",
        "merchant",
        "bps",
        "The largest merchant's part of what is owed on active plans.",
        measures.top_merchant,
        2_000,
        3_500,
    ),
    Indicator(
        "merchant_concentration",
        "merchant",
        "bps",
        "Sum over merchants of the squared part of what is owed (Herfindahl).",
        measures.concentration,
        1_000,
        2_500,
    ),
    Indicator(
        "top_scenario",
        "merchant",
        "bps",
        "The largest scenario's part of three months' captures; private ones count as one.",
        measures.top_scenario,
        6_000,
        8_000,
    ),
    Indicator("exposure", "portfolio", "minor", "Principal owed on active plans.", lambda s: s.exposure_minor),
    Indicator(
        "past_due",
        "portfolio",
        "bps",
        "Principal of plans one day past due or more, of the exposure.",
        measures.past_due("M1", "M2", "M3", "M4+"),
        500,
        1_000,
    ),
    Indicator(
        "past_due_30",
        "portfolio",
        "bps",
        "Principal of plans 31 days past due or more, of the exposure.",
        measures.past_due("M2", "M3", "M4+"),
        200,
        500,
    ),
    Indicator(
        "past_due_90",
        "portfolio",
        "bps",
        "Principal of plans 91 days past due or more, of the exposure.",
        measures.past_due("M4+"),
        100,
        300,
    ),
    Indicator(
        "roll_M1_M2",
        "portfolio",
        "bps",
        "What went on to M2, of the principal that left M1 this month.",
        measures.rolled("M1", "M2"),
        2_000,
        4_000,
    ),
    Indicator(
        "roll_M2_M3",
        "portfolio",
        "bps",
        "What went on to M3, of the principal that left M2 this month.",
        measures.rolled("M2", "M3"),
        5_000,
        7_000,
    ),
    Indicator(
        "roll_M3_M4",
        "portfolio",
        "bps",
        "What went on to M4+, of the principal that left M3 this month.",
        measures.rolled("M3", "M4+"),
        6_000,
        8_000,
    ),
    Indicator(
        "first_payment_default",
        "portfolio",
        "bps",
        "First installments unpaid past grace, of those known, of the plans of four months.",
        measures.first_payment_default,
        200,
        500,
    ),
    Indicator(
        "charged_off",
        "portfolio",
        "bps",
        "Charged off less recovered, of what the vintages of twelve months captured.",
        measures.charged_off,
        200,
        400,
    ),
)
"""The layered indicators of risk (product.md P7)."""


def layers(sums: Sums) -> list[dict[str, Any]]:
    """Every indicator, by layer."""
    return [
        {"layer": layer, "indicators": [each.shown(sums) for each in INDICATORS if each.layer == layer]}
        for layer in LAYERS
    ]
