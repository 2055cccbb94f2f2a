"""Row 6: a 12-row schedule with dates, fee and annual rate, beside QuantLib and the `amortization` package.

Each call has a principal of its own and the start day changes from call to call, so nothing is remembered of a result.
`amortization` makes neither dates nor a rate; QuantLib is asked for what we make: dates, a level payment, interest,
principal and balance by row, and the yield of the flows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from statistics import median
from time import process_time
from typing import Any

import QuantLib as ql  # noqa: N813  its own documentation's name
from amortization import amortization_schedule

from functions.lending.schedule import PlanTerms, build_schedule

ROUNDS = 41
CALLS = 250
ROWS = 12
RATE = 0.12
_TERMS = PlanTerms.from_dict(
    {"currency": "USD", "term_count": ROWS, "pricing": {"kind": "annual_rate", "bps": round(RATE * 10_000)}}
)
_DAYS = [date(2026, 1, 1) + timedelta(days=day) for day in range(28)]
_PEER_DAYS = [ql.Date(day.day, day.month, day.year) for day in _DAYS]
_PEER_TERM, _PEER_MONTH = ql.Period(1, ql.Years), ql.Period(1, ql.Months)
_PEER_DAY_COUNT = ql.Thirty360(ql.Thirty360.BondBasis)
_PRINCIPALS = count(1_000_000)


def ours() -> int:
    """Dates, rows, fee and annual rate."""
    principal = next(_PRINCIPALS)
    schedule = build_schedule(_TERMS, principal, _DAYS[principal % len(_DAYS)])
    return schedule.fee_minor + schedule.apr_bps


def with_amortization() -> float:
    """Rows alone."""
    rows = list(amortization_schedule(next(_PRINCIPALS) / 100, RATE, ROWS))
    return rows[-1].balance


def with_quantlib() -> float:
    """Dates, rows and yield by its schedule, its amortizing bond and its cash-flow functions."""
    principal = next(_PRINCIPALS)
    amount, start = principal / 100, _PEER_DAYS[principal % len(_DAYS)]
    every = (ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Forward)
    days = ql.Schedule(start, start + _PEER_TERM, _PEER_MONTH, *every, False)
    notionals = ql.sinkingNotionals(_PEER_TERM, ql.Monthly, RATE, amount)
    flows = ql.AmortizingFixedRateBond(0, notionals, days, [RATE], _PEER_DAY_COUNT).cashflows()
    fee = sum([flow.amount() for flow in flows]) - amount
    yearly = ql.CashFlows.yieldRate(flows, amount, _PEER_DAY_COUNT, ql.Compounded, ql.Monthly, False, start)
    return float(fee + yearly)


def measure() -> list[dict[str, Any]]:
    """All three in turn in one process; medians of interleaved rounds, CPU microseconds per schedule."""
    calls: dict[str, Callable[[], float]] = {
        "ours": ours, "amortization": with_amortization, "quantlib": with_quantlib,
    }  # fmt: skip
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = process_time()
            for _ in range(CALLS):
                call()
            spent[name].append((process_time() - start) / CALLS * 1e6)
    return [_row("QuantLib", "quantlib", 3.0, spent), _row("amortization", "amortization", 1.0, spent)]


def _row(title: str, peer: str, reach: float, spent: dict[str, list[float]]) -> dict[str, Any]:
    own, other = median(spent["ours"]), median(spent[peer])
    # Pair by pair: what slows the machine for a moment slows both of a pair.
    ratio = median([two / one for one, two in zip(spent["ours"], spent[peer], strict=True)])
    return {
        "id": 6,
        "name": f"{ROWS}-row schedule with dates, fee and APR vs {title}",
        "ours": round(own, 2),
        "peer": round(other, 2),
        "unit": "µs",
        "ratio": round(ratio, 2),
        "reach": reach,
        "ok": ratio >= reach,
    }
