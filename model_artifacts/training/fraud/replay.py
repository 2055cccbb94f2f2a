"""Plays transactions through the counters of the running platform and notes the model's inputs on the way."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from functions.risk.counters import DAY_S
from functions.risk.fraud.features import SLOT_S, ScoredOrder, vector
from functions.risk.profile import History
from model_artifacts.training.fraud.simulator import Floats, Ints, Transactions

FIRST_DAY_S = 17_622 * DAY_S
"""1 April 2018."""

USUAL_MINOR = 5_000
_KEPT = 160


def matrix(rows: Transactions, wanted: Ints) -> Floats:
    """The model's inputs of some transactions, each computed before it is counted itself.

    A fraud is noted on its terminal at once and on its own day; `vector` looks at no day whose labels aren't in yet.

    Args:
        rows: All transactions, in order of time.
        wanted: Positions of those to compute.
    """
    rows = rows.until(int(wanted.max()))
    chosen = np.zeros(len(rows), bool)
    chosen[wanted] = True
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    own: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    terminals: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    out: list[tuple[float, ...]] = []
    columns = (rows.at_s, rows.customer, rows.terminal, rows.amount_minor, rows.fraud, chosen)
    for at_s, customer, terminal, amount, fraud, take in zip(*(c.tolist() for c in columns), strict=True):
        now_s = FIRST_DAY_S + at_s
        mine, theirs = own[customer], terminals[terminal]
        if take:
            order = ScoredOrder(amount, now_s, USUAL_MINOR)
            out.append(vector(order, History(*sums[customer]), mine, theirs))
        day = now_s // DAY_S
        _count(mine, day, amount)
        _count(theirs, now_s // SLOT_S, fraud)
        past = sums[customer]  # the fields of History, without making one for each purchase
        past[0] += 1
        past[1] += amount
        past[2] += amount * amount
        past[3] = max(past[3], amount)
    return np.array(out)


def _count(buckets: dict[int, tuple[int, int]], bucket: int, value: int) -> None:
    """One more in a bucket; what no feature looks back to is dropped now and then."""
    had = buckets.get(bucket)
    if had is None:
        if len(buckets) > _KEPT:
            for old in [b for b in buckets if b < bucket - _KEPT]:
                del buckets[old]
        had = (0, 0)
    buckets[bucket] = (had[0] + 1, had[1] + value)
