"""The behavior model's features: six cycles of bills, payments and delays, as shares of the limit and of each other.

Cycle 1 is the latest. A cycle that is missing (an account younger than six cycles) leaves its own features missing and
drops out of means and extremes, which are taken over the known cycles. Counts are shares of known cycles for the same
reason. In the file PAY_AMTk pays BILL_AMT(k+1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from operator import itemgetter, sub

from functions.credit.inputs.columns import CYCLES, DELAYS, MISSING
from functions.credit.inputs.feature import Feature

# A round figure for a month's earnings in Taiwan in 2005, New Taiwan dollars; every currency has its own at run time.
BEHAVIOR_REFERENCE_INCOME = 40_000

_DELAYS = itemgetter("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
_BILLS = itemgetter(*[f"BILL_AMT{k}" for k in CYCLES])
_PAYMENTS = itemgetter(*[f"PAY_AMT{k}" for k in CYCLES])
_MOST_MONTHS_LATE = 4.0
_FIRST_BIN = 2.0  # earlier cycles hardly know 1 month late: 1 and 2 are one bin
# Delay as the column has it (-2 … 99) → months late; a delay of none of these is missing.
_LATE_NOW = {float(delay): min(max(delay, 0.0), _MOST_MONTHS_LATE) for delay in DELAYS}
_LATE_BEFORE = {delay: max(late, _FIRST_BIN) if late > 0.0 else 0.0 for delay, late in _LATE_NOW.items()}
_MOST_PAID = 1.5

BEHAVIOR_FEATURES: tuple[Feature, ...] = (
    Feature("limit", "line", -1, "LIMIT_BAL / reference income"),
    Feature("late_1", "payment_history", 1, "PAY_0: months late now, 0 to 4"),
    Feature("late_2", "payment_history", 1, "PAY_2: months late, 1 counted as 2, at most 4"),
    Feature("standing", "activity", 0, "min(0, PAY_0): -2 no balance, -1 paid to zero, 0 balance remains"),
    Feature("late_share", "payment_history", 1, "share of the latest three known cycles that are late"),
    Feature("late_worst", "payment_history", 1, "largest months late"),
    Feature("late_mean", "payment_history", 1, "mean months late"),
    Feature("since_late", "payment_history", -1, "cycles since the latest late one, 6 if none"),
    Feature("late_run", "payment_history", 1, "late cycles in a row up to now"),
    Feature("full_share", "repayment", -1, "share of known cycles paid to zero"),
    Feature("idle_share", "activity", 0, "share of known cycles without balance"),
    Feature("revolving_share", "activity", 0, "share of known cycles with a balance carried in time"),
    Feature("util_1", "utilisation", 1, "BILL_AMT1 / LIMIT_BAL"),
    Feature("util_mean", "utilisation", 1, "mean BILL_AMTk / LIMIT_BAL"),
    Feature("util_max", "utilisation", 1, "largest BILL_AMTk / LIMIT_BAL"),
    Feature("util_min", "utilisation", 0, "smallest BILL_AMTk / LIMIT_BAL"),
    Feature("util_spread", "activity", 0, "standard deviation of BILL_AMTk / LIMIT_BAL"),
    *(
        Feature(f"paid_{k}", "repayment", -1, f"PAY_AMT{k} / BILL_AMT{k + 1}, at most 1.5; missing without a bill")
        for k in range(1, 6)
    ),
    Feature("payment_1", "repayment", -1, "PAY_AMT1 / LIMIT_BAL"),
    Feature("payment_2", "repayment", -1, "PAY_AMT2 / LIMIT_BAL"),
    Feature("payment_mean", "repayment", -1, "mean PAY_AMTk / LIMIT_BAL"),
    Feature("payment_max", "repayment", -1, "largest PAY_AMTk / LIMIT_BAL"),
    Feature("payment_spread", "repayment", 0, "standard deviation of PAY_AMTk / LIMIT_BAL"),
    Feature("money_paid_mean", "repayment", -1, "mean PAY_AMTk / reference income"),
    Feature("money_paid_min", "repayment", -1, "smallest PAY_AMTk / reference income"),
    Feature("money_paid_median", "repayment", -1, "median PAY_AMTk / reference income"),
    Feature("money_paid_recent", "repayment", -1, "smaller of PAY_AMT1 and PAY_AMT2 / reference income"),
    *(Feature(f"carried_{k}", "utilisation", 1, f"(BILL_AMT{k + 1} - PAY_AMT{k}) / LIMIT_BAL") for k in range(1, 4)),
    Feature("carried_mean", "utilisation", 1, "mean (BILL_AMT(k+1) - PAY_AMTk) / LIMIT_BAL"),
    Feature("spent_1", "activity", 0, "(BILL_AMT1 - BILL_AMT2 + PAY_AMT1) / LIMIT_BAL"),
    Feature("spent_mean", "activity", 0, "mean (BILL_AMTk - BILL_AMT(k+1) + PAY_AMTk) / LIMIT_BAL"),
    Feature("spent_max", "activity", 0, "largest (BILL_AMTk - BILL_AMT(k+1) + PAY_AMTk) / LIMIT_BAL"),
    Feature("money_spent_1", "activity", 0, "(BILL_AMT1 - BILL_AMT2 + PAY_AMT1) / reference income"),
    Feature("money_spent_mean", "activity", 0, "mean (BILL_AMTk - BILL_AMT(k+1) + PAY_AMTk) / reference income"),
    Feature("bill_growth_1", "activity", 0, "BILL_AMT1 / BILL_AMT2, -2 to 5; missing without a bill"),
    Feature("bill_growth_5", "activity", 0, "BILL_AMT1 / BILL_AMT6, -2 to 10; missing without a bill"),
    Feature("bill_1", "line", 0, "BILL_AMT1 / reference income"),
    Feature("bill_mean", "line", 0, "mean BILL_AMTk / reference income"),
)


def _known(values: Sequence[float]) -> Sequence[float]:
    total = sum(values)
    if total == total:  # noqa: PLR0124  only NaN differs from itself, and one NaN makes the sum NaN
        return values
    return [value for value in values if value == value]  # noqa: PLR0124


def _mean(known: Sequence[float]) -> float:
    return sum(known) / len(known) if known else MISSING


def _least(known: Sequence[float]) -> float:
    return min(known) if known else MISSING


def _most(known: Sequence[float]) -> float:
    return max(known) if known else MISSING


def _spread(known: Sequence[float], mean: float) -> float:
    return sqrt(sum([(value - mean) ** 2 for value in known]) / len(known)) if known else MISSING


def _median(known: Sequence[float]) -> float:
    if not known:
        return MISSING
    ordered, half = sorted(known), len(known) // 2
    return ordered[half] if len(known) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _smaller(left: float, right: float) -> float:
    return left if left <= right else right + left * 0.0  # NaN of either side passes on


def _clipped(part: float, whole: float, least: float, most: float) -> float:
    """A quotient between two bounds; missing where either is missing or there is no bill to divide by."""
    if not whole > 0.0:
        return MISSING
    value = part / whole
    if least <= value <= most:
        return value
    return least if value < least else most if value > most else MISSING


def _history(delays: Sequence[float]) -> list[float]:
    latest = delays[0]
    late = [_LATE_NOW.get(latest, MISSING), *[_LATE_BEFORE.get(delay, MISSING) for delay in delays[1:]]]
    known = _known(late)
    count = len(known) or MISSING
    recent = _known(late[:3])
    is_late = [value > 0.0 for value in late]
    since = is_late.index(True) if True in is_late else len(late)
    run = is_late.index(False) if False in is_late else len(late)
    return [
        late[0],
        late[1],
        latest if latest < 0.0 else latest * 0.0,
        _mean([value > 0.0 for value in recent]),
        _most(known),
        _mean(known),
        since if known else MISSING,
        run if known else MISSING,
        delays.count(-1.0) / count,
        delays.count(-2.0) / count,
        delays.count(0.0) / count,
    ]


def _use(bills: Sequence[float], limit: float) -> list[float]:
    shares = [bill / limit for bill in bills]
    known = _known(shares)
    mean = _mean(known)
    return [shares[0], mean, _most(known), _least(known), _spread(known, mean)]


def _repayment(bills: Sequence[float], payments: Sequence[float], limit: float) -> list[float]:
    reference = BEHAVIOR_REFERENCE_INCOME
    known = _known(payments)
    mean = _mean(known)
    return [
        *[_clipped(paid, bill, 0.0, _MOST_PAID) for paid, bill in zip(payments, bills[1:], strict=False)],
        payments[0] / limit,
        payments[1] / limit,
        mean / limit,
        _most(known) / limit,
        _spread(known, mean) / limit,
        mean / reference,
        _least(known) / reference,
        _median(known) / reference,
        _smaller(payments[0], payments[1]) / reference,
    ]


def _flow(bills: Sequence[float], payments: Sequence[float], limit: float) -> list[float]:
    reference = BEHAVIOR_REFERENCE_INCOME
    carried = list(map(sub, bills[1:], payments))
    spent = list(map(sub, bills, carried))
    known_spent = _known(spent)
    spent_mean = _mean(known_spent)
    return [
        carried[0] / limit,
        carried[1] / limit,
        carried[2] / limit,
        _mean(_known(carried)) / limit,
        spent[0] / limit,
        spent_mean / limit,
        _most(known_spent) / limit,
        spent[0] / reference,
        spent_mean / reference,
        _clipped(bills[0], bills[1], -2.0, 5.0),
        _clipped(bills[0], bills[5], -2.0, 10.0),
        bills[0] / reference,
        _mean(_known(bills)) / reference,
    ]


def behavior_vector(columns: Mapping[str, float]) -> list[float]:
    """The behavior model's features, in the order of `BEHAVIOR_FEATURES`.

    Args:
        columns: As `read_columns("behavior", …)` returns them.
    """
    limit = columns["LIMIT_BAL"]
    bills, payments = _BILLS(columns), _PAYMENTS(columns)
    return [
        limit / BEHAVIOR_REFERENCE_INCOME,
        *_history(_DELAYS(columns)),
        *_use(bills, limit),
        *_repayment(bills, payments, limit),
        *_flow(bills, payments, limit),
    ]
