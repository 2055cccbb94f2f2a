"""The handbook's baseline: its fifteen features, and the two models that give its best published figures.

Logistic regression gives the published AUC .871 and card precision .291, the random forest the published average
precision .658. This module exists to show that our data and our metrics are the book's; nothing of it is released.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np

from model_artifacts.training.fraud.simulator import DAY_S, Floats, Ints, Transactions

WINDOWS: Final = (1, 7, 30)
DELAY: Final = 7
FIRST_WEEKDAY: Final = 6
"""1 April 2018 was a Sunday."""


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Transactions of one party after another, each in order of time.

    Args:
        order: Positions, sorted by party and time.
        keys: Party and second as one number, in that order.
    """

    order: Ints
    keys: Ints

    @classmethod
    def of(cls, party: Ints, at_s: Ints) -> _Grouped:
        stride = int(at_s.max()) + 60 * DAY_S
        keys = party * stride + at_s
        order = np.argsort(keys, kind="stable")
        return cls(order, keys[order])

    def rolling(self, values: Floats, window_s: int) -> Floats:
        """Sum over (t - window, t] of the party's own transactions up to and with each one."""
        running = np.concatenate([[0.0], np.cumsum(values[self.order])])
        first = np.searchsorted(self.keys, self.keys - window_s, side="right")
        out = np.empty(len(values))
        out[self.order] = running[1:] - running[first]
        return out


def features(rows: Transactions) -> Floats:
    """One row per transaction: amount, weekend, night, then per window the customer's and the terminal's figures."""
    amount = rows.amount_minor / 100
    ones, fraud = np.ones(len(rows)), rows.fraud.astype(float)
    weekday = (rows.day + FIRST_WEEKDAY) % 7
    columns = [amount, weekday >= 5, rows.at_s % DAY_S // 3600 <= 6]
    customers = _Grouped.of(rows.customer, rows.at_s)
    for window in WINDOWS:
        count = customers.rolling(ones, window * DAY_S)
        columns += [count, customers.rolling(amount, window * DAY_S) / count]
    terminals = _Grouped.of(rows.terminal, rows.at_s)
    for window in WINDOWS:
        count, bad = (
            terminals.rolling(values, (DELAY + window) * DAY_S) - terminals.rolling(values, DELAY * DAY_S)
            for values in (ones, fraud)
        )
        columns += [count, np.divide(bad, count, out=np.zeros(len(rows)), where=count > 0)]
    return np.column_stack(columns)


def logistic_regression(train: Floats, truth: Floats, test: Floats) -> Floats:
    """Scores of an L2-regularised logistic regression (C = 1) on standardised features, by Newton's method."""
    mean, spread = train.mean(0), train.std(0)
    design = np.column_stack([np.ones(len(train)), (train - mean) / spread])
    penalty = np.append(0.0, np.ones(train.shape[1]))
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        gradient = design.T @ (chance - truth) + penalty * weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-10:
            break
    return np.column_stack([np.ones(len(test)), (test - mean) / spread]) @ weights


def random_forest(train: Floats, truth: Floats, test: Floats, seed: int, trees: int = 100) -> Floats:
    """Scores of a forest of fully grown trees, each on its own bootstrap sample, three features tried per split.

    LightGBM grows the trees one by one (squared error on 0/1 is the Gini criterion); it differs from scikit-learn's
    forest only in that thresholds lie between at most 4,000 bins per feature.
    """
    parameters = {
        "objective": "regression", "learning_rate": 1.0, "boost_from_average": False, "num_leaves": 3_000,
        "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.5, "max_bin": 4_000, "min_data_in_bin": 1,
        "feature_fraction_bynode": 3.01 / train.shape[1], "enable_bundle": False, "deterministic": True,
        "force_col_wise": True, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    draw = np.random.RandomState(seed)
    data = lightgbm.Dataset(train, truth, params=parameters, free_raw_data=False).construct()
    total = np.zeros(len(test))
    for tree in range(trees):
        drawn = draw.randint(0, len(truth), len(truth))
        data.set_weight(np.bincount(drawn, minlength=len(truth)).astype(float))
        grown = lightgbm.train({**parameters, "seed": seed * 1_000 + tree}, data, 1)
        total += np.asarray(grown.predict(test))
    return total
