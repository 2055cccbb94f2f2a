"""The sum of products of `shapley.expand` as a few look-up tables, so that a row costs a look-up per table.

A table belongs to a set of features (a pair in a model of depth 2). Along each of them stand the places between the
thresholds that matter to it; a cell holds what all products over these features add to the logit and to the
contributions of the set's features. A row's answer is the sum of one cell per table.

Cells are whole multiples of one power of two, small enough for every sum of them to be exact in a double. So a sum has
the same bits in whatever order, on whatever processor, and in a batch of whatever size it is taken; what the rounding
of a cell loses is under 1e-14.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import frexp, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_artifacts.training.shapley import LOGIT, Expansion, Product, Test

_MOST_CELLS = 2**24  # their numbers pass through a float32, which holds every whole number below
_MANTISSA_BITS = 52  # of the 53, so that a sum and its negative both fit


class TooManyCellsError(ValueError):
    """The trees are too deep, or meet too many features, to be written as tables."""


class _Term(NamedTuple):
    """A weight that one product of tests adds to one output."""

    key: Product
    output: int
    weight: float


@dataclass(frozen=True, slots=True)
class Axis:
    """One feature of a table.

    Args:
        feature: Which.
        places: Bin of the feature → place along the table. Bin b of a feature with k thresholds ends at its b-th one,
            bin k lies beyond all, bin k + 1 is the missing value.
        passes: Test → 1.0 at the places that pass it, else 0.0.
    """

    feature: int
    places: tuple[int, ...]
    passes: Mapping[Test, NDArray[np.float64]]

    @property
    def size(self) -> int:
        """Number of places."""
        return max(self.places) + 1


@dataclass(frozen=True, slots=True)
class Table:
    """What one set of features adds.

    Args:
        axes: One per feature of the set, in order.
        cells: [Π sizes, 1 + number of features], the last axis varying fastest: the logit, then each contribution.
    """

    axes: tuple[Axis, ...]
    cells: NDArray[np.float64]

    @property
    def features(self) -> tuple[int, ...]:
        """The set."""
        return tuple(axis.feature for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        """Cells from one place to the next, by axis."""
        sizes = [axis.size for axis in self.axes]
        return tuple(prod(sizes[i + 1 :]) for i in range(len(sizes)))


@dataclass(frozen=True, slots=True)
class Tables:
    """A whole model.

    Args:
        thresholds: Feature → its thresholds, rising; only features that some table has.
        tables: Their sum is the model.
    """

    thresholds: Mapping[int, tuple[float, ...]]
    tables: tuple[Table, ...]


def _terms(expansion: Expansion) -> Iterator[_Term]:
    for key, weights in sorted(expansion.terms.items()):
        for output, weight in sorted(weights.items()):
            if weight:
                yield _Term(key, output, weight)


def _needs(term: _Term) -> tuple[int, ...]:
    """Features a table must have to hold the term."""
    own = {test.feature for test in term.key}
    return tuple(sorted(own if term.output == LOGIT else own | {term.output - 1}))


def _thresholds(terms: Iterable[_Term]) -> dict[int, set[float]]:
    found: dict[int, set[float]] = defaultdict(set)
    for term in terms:
        for test in term.key:
            found[test.feature].add(test.threshold)
    return found


def _shared_out(terms: Iterable[_Term]) -> dict[tuple[int, ...], list[_Term]]:
    """Terms by the table that takes them: the largest sets are tables, smaller ones go where they add fewest cells."""
    by_need: dict[tuple[int, ...], list[_Term]] = defaultdict(list)
    for term in terms:
        by_need[_needs(term)].append(term)
    if not any(by_need):
        by_need[0,] = []  # a constant: a table is needed to hold it
    taken: dict[tuple[int, ...], list[_Term]] = {}
    lines: dict[tuple[int, ...], dict[int, set[float]]] = {}

    def cells(table: tuple[int, ...], more: Mapping[int, set[float]]) -> int:
        return prod(len(lines[table].get(f, set()) | more.get(f, set())) + 2 for f in table)

    for need in sorted(by_need, key=lambda features: (-len(features), features)):
        mine = _thresholds(by_need[need])
        able = [table for table in taken if set(need) < set(table)]
        if able:
            table = min(able, key=lambda one: (cells(one, mine) - cells(one, {}), one))
        else:
            table = need
            taken[table], lines[table] = [], {}
        taken[table] += by_need[need]
        lines[table] = {f: lines[table].get(f, set()) | mine.get(f, set()) for f in table}
    return taken


def _axis(feature: int, terms: Iterable[_Term], thresholds: tuple[float, ...]) -> Axis:
    """Bins that pass the same tests share a place."""
    tests = sorted({test for term in terms for test in term.key if test.feature == feature})
    bins = range(len(thresholds) + 2)
    missing = bins[-1]
    answers = [
        tuple(test.missing if b == missing else b <= thresholds.index(test.threshold) for test in tests) for b in bins
    ]
    place = {answer: number for number, answer in enumerate(dict.fromkeys(answers))}
    passes = {test: np.array([float(answer[i]) for answer in place]) for i, test in enumerate(tests)}
    return Axis(feature, tuple(place[answer] for answer in answers), passes)


def _table(axes: tuple[Axis, ...], terms: list[_Term]) -> Table:
    features = tuple(axis.feature for axis in axes)
    cells = np.zeros((1 + len(axes), *(axis.size for axis in axes)))
    for term in terms:
        passed = np.array(term.weight)
        for test in term.key:
            at = features.index(test.feature)
            passed = passed * axes[at].passes[test].reshape([-1 if i == at else 1 for i in range(len(axes))])
        cells[0 if term.output == LOGIT else 1 + features.index(term.output - 1)] += passed
    return Table(axes, cells.reshape(len(cells), -1).T)


def _exact(tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables with every cell rounded to the unit in which no sum of cells can be inexact."""
    _, exponent = frexp(sum(float(np.abs(table.cells).max()) for table in tables))
    unit = 2.0 ** (exponent - _MANTISSA_BITS)
    return tuple(Table(table.axes, np.round(table.cells / unit) * unit) for table in tables)


def tabulate(expansion: Expansion) -> Tables:
    """Look-up tables that add up to an ensemble.

    Args:
        expansion: From `shapley.expand`.

    Raises:
        TooManyCellsError: More than a runtime can tell apart.
    """
    shared = _shared_out(_terms(expansion))
    found = _thresholds(term for terms in shared.values() for term in terms)
    thresholds = {feature: tuple(sorted(found[feature])) for feature in sorted({f for table in shared for f in table})}
    axes = {
        table: tuple(_axis(feature, terms, thresholds[feature]) for feature in table)
        for table, terms in sorted(shared.items())
    }
    cells = sum(prod(axis.size for axis in own) for own in axes.values())
    if cells > _MOST_CELLS:
        raise TooManyCellsError(f"{cells} cells")
    return Tables(thresholds, _exact([_table(own, shared[table]) for table, own in axes.items()]))
