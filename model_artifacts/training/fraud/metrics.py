"""The three figures of the handbook, and its split of days into train, delay and test.

Source: as `simulator`, chapters 3.4 and 4; average precision as scikit-learn defines it (no interpolation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_artifacts.training.fraud.simulator import Floats, Ints, Transactions

Mask = npt.NDArray[np.bool_]
TRAIN_DAYS = DELAY_DAYS = TEST_DAYS = 7
PUBLISHED_START = 115
"""25 July 2018, counted from 1 April: the first training day of the published figures."""

TOP = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """AUC ROC, average precision, and card precision among the 100 most suspicious cards of a day."""

    auc: float
    average_precision: float
    card_precision: float

    def to_dict(self) -> dict[str, float]:
        """Rounded to four digits."""
        return {
            "auc": round(self.auc, 4),
            "average_precision": round(self.average_precision, 4),
            "card_precision_100": round(self.card_precision, 4),
        }


def split(rows: Transactions, start: int = PUBLISHED_START) -> tuple[Ints, Ints]:
    """Positions of the training and of the test transactions.

    Seven days to train, seven in which labels come in, seven to test. A card leaves the test once a fraud on it is
    known: from the training days at once, from the delay on the day after its label is in.

    Args:
        rows: In order of time.
        start: First training day.
    """
    day = rows.day
    train = np.flatnonzero((day >= start) & (day < start + TRAIN_DAYS))
    known = np.zeros(rows.customer.max() + 1, bool)
    known[rows.customer[train][rows.fraud[train]]] = True
    test = []
    for offset in range(TEST_DAYS):
        labelled = np.flatnonzero(day == start + TRAIN_DAYS + offset - 1)
        known[rows.customer[labelled][rows.fraud[labelled]]] = True
        today = np.flatnonzero(day == start + TRAIN_DAYS + DELAY_DAYS + offset)
        test.append(today[~known[rows.customer[today]]])
    return train, np.concatenate(test)


def figures(rows: Transactions, test: Ints, scores: Floats) -> Figures:
    """All three, for scores of the test transactions."""
    fraud = rows.fraud[test]
    return Figures(auc(fraud, scores), average_precision(fraud, scores), card_precision(rows, test, scores))


def auc(truth: Mask, scores: Floats) -> float:
    """Probability that a fraud scores above an honest transaction; ties count half."""
    values, inverse = np.unique(scores, return_inverse=True)
    bad = np.bincount(inverse, truth, len(values))
    good = np.bincount(inverse, ~truth, len(values))
    below = np.concatenate([[0.0], np.cumsum(good)[:-1]])
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def average_precision(truth: Mask, scores: Floats) -> float:
    """Σ (recall step · precision), one step per distinct score from the highest down."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    at = np.flatnonzero(last_of_tie)
    precision, recall = hits[at] / (at + 1), hits[at] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def card_precision(rows: Transactions, test: Ints, scores: Floats, top: int = TOP) -> float:
    """Share of truly compromised cards among the most suspicious of a day, averaged; a card found leaves the game."""
    found = np.zeros(rows.customer.max() + 1, bool)
    shares = []
    day = rows.day[test]
    for today in np.unique(day):
        here = (day == today) & ~found[rows.customer[test]]
        cards, inverse = np.unique(rows.customer[test][here], return_inverse=True)
        suspicion = np.full(len(cards), -np.inf)
        np.maximum.at(suspicion, inverse, scores[here])
        bad = np.zeros(len(cards), bool)
        np.logical_or.at(bad, inverse, rows.fraud[test][here])
        first = np.argsort(-suspicion, kind="stable")[:top]
        shares.append(bad[first].sum() / top)
        found[cards[first][bad[first]]] = True
    return float(np.mean(shares))
