"""How soon each kind of fraud is caught, and what an operating point costs: the model on the days after training.

An attack is what one thief does: each large amount by itself, the frauds at one terminal or on one card without a gap
of four weeks. It is detected at its first order that reaches the threshold; orders before that one are lost, from it
on the attack would be stopped. Labels come a week late as everywhere, so a terminal's first week can't be seen.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from functions.risk.counters import DAY_S
from model_artifacts.training.fraud import recipe
from model_artifacts.training.fraud.metrics import DELAY_DAYS, PUBLISHED_START, TRAIN_DAYS
from model_artifacts.training.fraud.replay import matrix
from model_artifacts.training.fraud.simulator import Ints, Transactions

WATCHED_DAYS: Final = 28
GAP_DAYS: Final = 28
SCENARIOS: Final = {1: "large amount", 2: "compromised terminal", 3: "stolen card"}
THRESHOLDS: Final = (0.1, 0.3)
"""Where the default rules step up, and where they hold."""

REVIEW_MINOR: Final = 300
"""What a person's look at one held order costs, in the town's money (its mean order is 54.00)."""

FRICTION_MINOR: Final = 100
"""What holding an honest order costs beside that: some of them are not bought after all."""

COST_THRESHOLDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def judged(rows: Transactions, text: str) -> dict[str, Any]:
    """Time to detect by scenario, and the cost curve, over the days that follow training and delay.

    Args:
        rows: The published town.
        text: The booster.
    """
    start = PUBLISHED_START + TRAIN_DAYS + DELAY_DAYS
    seen = np.flatnonzero((rows.day >= start) & (rows.day < start + WATCHED_DAYS))
    chance = 1 / (1 + np.exp(-recipe.scores(text, matrix(rows, seen))))
    return {
        "watched_days": WATCHED_DAYS,
        "time_to_detect": [
            {"threshold": least, "scenario": name, **_detected(rows, seen, chance >= least, number)}
            for least in THRESHOLDS
            for number, name in SCENARIOS.items()
        ],
        "costs": {
            "review_minor": REVIEW_MINOR,
            "friction_minor": FRICTION_MINOR,
            "unwatched_minor_per_1000": _per_1000(float(rows.amount_minor[seen][rows.fraud[seen]].sum()), len(seen)),
            "curve": [{"threshold": least, **_cost(rows, seen, chance >= least)} for least in COST_THRESHOLDS],
        },
    }


def attacks(rows: Transactions, scenario: int) -> list[Ints]:
    """Positions of the frauds of each attack, in order of time."""
    where = np.flatnonzero(rows.scenario == scenario)
    if scenario == 1:
        return [np.array([position]) for position in where]
    of = rows.terminal if scenario == 2 else rows.customer
    found: list[Ints] = []
    for thing in np.unique(of[where]):
        own = where[of[where] == thing]
        breaks = np.flatnonzero(np.diff(rows.at_s[own]) > GAP_DAYS * DAY_S) + 1
        found += np.split(own, breaks)
    return found


def _detected(rows: Transactions, seen: Ints, hit: np.ndarray[Any, Any], scenario: int) -> dict[str, Any]:
    first, last = int(seen[0]), int(seen[-1])
    caught = np.zeros(len(rows), bool)
    caught[seen[hit]] = True
    begun = [own for own in attacks(rows, scenario) if first <= own[0] <= last]
    hours, lost, orders, value, saved = [], [], 0, 0, 0
    for own in begun:
        watched = own[own <= last]
        flagged = np.flatnonzero(caught[watched])
        amounts = rows.amount_minor[watched]
        value += int(amounts.sum())
        if len(flagged):
            hours.append((rows.at_s[watched[flagged[0]]] - rows.at_s[own[0]]) / 3_600)
            lost.append(int(flagged[0]))
            saved += int(amounts[flagged[0] :].sum())
        orders += len(watched)
    return {
        "attacks": len(begun),
        "frauds": orders,
        "detected": round(len(hours) / len(begun), 4),
        "median_hours": round(float(np.median(hours)), 1) if hours else None,
        "p90_hours": round(float(np.percentile(hours, 90)), 1) if hours else None,
        "median_orders_before": float(np.median(lost)) if lost else None,
        "value_stopped": round(saved / value, 4),
    }


def _cost(rows: Transactions, seen: Ints, hit: np.ndarray[Any, Any]) -> dict[str, Any]:
    fraud, amounts = rows.fraud[seen], rows.amount_minor[seen]
    missed = float(amounts[fraud & ~hit].sum())
    reviews, honest = int(hit.sum()), int((hit & ~fraud).sum())
    total = missed + reviews * REVIEW_MINOR + honest * FRICTION_MINOR
    return {
        "held_per_1000": round(1000 * reviews / len(seen), 2),
        "honest_held_per_1000": round(1000 * honest / len(seen), 2),
        "missed_minor_per_1000": _per_1000(missed, len(seen)),
        "total_minor_per_1000": _per_1000(total, len(seen)),
    }


def _per_1000(amount: float, orders: int) -> int:
    return round(1000 * amount / orders)
