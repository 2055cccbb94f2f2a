"""Which plan a customer can carry: each month's installments, with what she owes already, against what she has left.

Pure. A plan is judged by its heaviest month and never by its mean: that is the month in which it would not be paid.
Source: Directive (EU) 2023/2225, article 18 (creditworthiness from income and what is owed); the lending policy's share
of disposable income.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from functions.lending.products.offers import Offer
from functions.lending.products.plan_product import PlanProduct

Month = tuple[int, int]

CHEAPEST_AFFORDABLE: Final = "cheapest_affordable"
NONE_FITS: Final = "none_fits"
INCOME_UNKNOWN: Final = "income_unknown"


@dataclass(frozen=True, slots=True)
class Judged:
    """An offer, held against a customer's months.

    Args:
        offer: As priced.
        installment_minor: Its largest payment.
        owed_minor: What she owes already in the month in which both together are most.
        affordable: Whether every month fits; None where her income is not known.
    """

    offer: Offer
    installment_minor: int
    owed_minor: int
    affordable: bool | None


def owed_by_month(dues: Iterable[tuple[date, int]]) -> Mapping[Month, int]:
    """What falls due in each calendar month, minor units."""
    owed: Counter[Month] = Counter()
    for due_on, amount_minor in dues:
        owed[due_on.year, due_on.month] += amount_minor
    return owed


def judge(offer: Offer, owed: Mapping[Month, int], room_minor: int | None) -> Judged:
    """Hold an offer against what a customer owes already.

    Args:
        offer: Priced for her.
        owed: By calendar month.
        room_minor: What installments may take of her disposable income a month; None if it is not known.
    """
    own = owed_by_month((row.due_on, row.total_minor) for row in offer.schedule.rows)
    heaviest = max(own, key=lambda month: own[month] + owed.get(month, 0))
    return Judged(
        offer=offer,
        installment_minor=max(row.total_minor for row in offer.schedule.rows),
        owed_minor=owed.get(heaviest, 0),
        affordable=None if room_minor is None else own[heaviest] + owed.get(heaviest, 0) <= room_minor,
    )


def recommend(judged: Sequence[Judged]) -> tuple[Judged | None, str]:
    """The plan to recommend, if any, and why that or none.

    Of those that fit every month, the one that costs least; of equal cost, the one that is paid off first.
    """
    if any(each.affordable is None for each in judged):
        return None, INCOME_UNKNOWN
    fitting = [each for each in judged if each.affordable]
    if not fitting:
        return None, NONE_FITS
    best = min(fitting, key=lambda each: (each.offer.total_cost_minor, each.offer.schedule.rows[-1].due_on))
    return best, CHEAPEST_AFFORDABLE


@dataclass(frozen=True, slots=True)
class Wanted:
    """The order and the line that plans are held against.

    Args:
        grade: Of the line.
        terms: Numbers of installments that the line allows.
    """

    amount_minor: int
    category: str
    channel: str
    grade: str
    terms: frozenset[int]


def refusal(product: PlanProduct, wanted: Wanted) -> str | None:
    """Why a plan that is in force is not offered to this customer for this order; None if it is."""
    reasons = {
        "not_for_this_purchase": wanted.category not in product.categories or wanted.channel not in product.channels,
        "amount_too_small": wanted.amount_minor < product.min_amount_minor,
        "amount_too_large": wanted.amount_minor > product.max_amount_minor,
        "not_at_your_grade": wanted.grade not in product.prices,
        "term_not_on_your_line": product.terms.term_count not in wanted.terms,
    }
    return next((code for code, holds in reasons.items() if holds), None)
