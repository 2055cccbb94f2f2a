"""How each indicator is computed from the sums. Pure; amounts in minor units, shares in basis points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from functions.risk.portfolio.contributions import Amount
from functions.risk.portfolio.sums import BPS, RECENT_MONTHS, Sums, share


def applications(sums: Sums, *states: str) -> int:
    return sums.total_of("application", RECENT_MONTHS, *states)[0]


def not_approved(sums: Sums) -> int | None:
    refused = applications(sums, "declined", "referred")
    return share(refused, refused + applications(sums, "approved"))


def mean_grant(sums: Sums) -> int | None:
    count, total = sums.total_of("application", RECENT_MONTHS, "approved")
    return total // count if count else None


def low_grades(sums: Sums) -> int | None:
    low, _ = sums.total_of("grade", RECENT_MONTHS, "D", "E")
    return share(low, sums.total_of("grade", RECENT_MONTHS, "A", "B", "C", "D", "E")[0])


WHOLLY_HELD: Final = frozenset({"approved", "held", "awaiting_confirmation", "awaiting_down_payment"})
"""States of an order that lives and of which nothing was captured: all of it is held on its line."""


def held(sums: Sums) -> int:
    """What all lines hold: whole orders, of whatever month, and the rest of those captured in part."""
    whole = (total for name, (_, total) in sums.under("order").items() if name.partition("#")[2] in WHOLLY_HELD)
    return sum(whole) + sums.get("rest")[1]


def utilisation(sums: Sums) -> int | None:
    used = held(sums) + sums.get("line", "outstanding")[1]
    return share(used, sums.get("line", "active")[1] + sums.get("line", "frozen")[1])


def frozen(sums: Sums) -> int | None:
    frozen = sums.get("line", "frozen")[0]
    return share(frozen, frozen + sums.get("line", "active")[0])


ORDER_STATES: Final = (
    "approved", "held", "declined", "partially_captured", "captured", "voided", "expired", "awaiting_down_payment",
)  # fmt: skip


def orders(sums: Sums, *states: str) -> Amount:
    return sums.total_of("order", 1, *states)


def declined(sums: Sums) -> int | None:
    return share(orders(sums, "declined")[0], orders(sums, *ORDER_STATES)[0])


def fraud(sums: Sums) -> int | None:
    """Labels come weeks late: three months of orders are looked at."""
    known = sums.total_of("label", RECENT_MONTHS, "fraud")[1]
    return share(known, sums.total_of("order", RECENT_MONTHS, *ORDER_STATES)[1])


def top_merchant(sums: Sums) -> int | None:
    return share(max(sums.merchants.values(), default=0), sum(sums.merchants.values()))


def concentration(sums: Sums) -> int | None:
    """Σ share², in basis points: 10,000 for one merchant, 10,000 / n for n equal ones."""
    whole = sum(sums.merchants.values())
    return sum(owed * owed for owed in sums.merchants.values()) * BPS // whole**2 if whole > 0 else None


def top_scenario(sums: Sums) -> int | None:
    totals: dict[str, int] = {}
    for month in sums.months(RECENT_MONTHS):
        for scenario, (_, captured) in sums.under("scenario", month).items():
            totals[scenario] = totals.get(scenario, 0) + captured
    return share(max(totals.values(), default=0), sum(totals.values()))


def past_due(*buckets: str) -> Callable[[Sums], int | None]:
    return lambda sums: share(sum(sums.get("bucket", bucket)[1] for bucket in buckets), sums.exposure_minor)


def rolled(start: str, worse: str) -> Callable[[Sums], int | None]:
    def value(sums: Sums) -> int | None:
        left = sums.under("roll", sums.months(1)[0])
        from_here = {path.partition(">")[2]: total for path, (_, total) in left.items() if path.startswith(f"{start}>")}
        return share(from_here.get(worse, 0), sum(from_here.values()))

    return value


def first_payment_default(sums: Sums) -> int | None:
    missed, _ = sums.total_of("first", RECENT_MONTHS + 1, "missed")
    return share(missed, missed + sums.total_of("first", RECENT_MONTHS + 1, "paid")[0])


def charged_off(sums: Sums) -> int | None:
    months = sums.months(12)
    lost = sum(total for month in months for _, total in sums.under("loss", month).values())
    return share(max(0, lost), sum(sums.get("vintage", month, "captured")[1] for month in months))
