"""A tree ensemble and its exact Shapley values, as one sum of products of threshold tests.

A leaf with value v whose path tests the features P is v · Π o_j, where o_j is 1 if the row passes the path's tests on
feature j. With r_j the share of training rows that pass them, the path-dependent TreeSHAP value of j is

    φ_j = v · (o_j - r_j) · Σ_{S ⊆ P∖j} |S|! (p-|S|-1)! / p! · Π_{k∈S} o_k · Π_{k∉S} r_k

Both are polynomials in the o, and each o is a difference of half-line tests [x <= t], so the whole ensemble and all
contributions collapse into a table: product of at most `depth` tests → weight per output. Equal products of different
trees merge; a path that meets a feature twice is one interval. Exact for any depth; small for depth 2 or 3.
Source: Lundberg, Erion, Lee, "Consistent Individualized Feature Attribution for Tree Ensembles" (2018), algorithm 2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import factorial, inf, prod
from typing import NamedTuple

from model_artifacts.training.trees import Tree


class Test(NamedTuple):
    """[x <= threshold]; on a missing value it answers `missing`."""

    feature: int
    threshold: float
    missing: bool


LOGIT = 0
Product = tuple[Test, ...]
Weights = dict[int, float]  # output → weight; output 0 is the logit, output 1 + j the contribution of feature j


@dataclass(frozen=True, slots=True)
class Expansion:
    """The ensemble as a table.

    Args:
        terms: Product of tests (sorted, features distinct) → weights. The empty product is the constant part.
        bias: Expected logit over the training rows: logit = bias + Σ contributions.
    """

    terms: dict[Product, Weights]
    bias: float


@dataclass(slots=True)
class _Passed:
    """What a path demands of one feature: below <= every `left` test, above every `right` one."""

    left: Test
    right: Test | None
    share: float

    def indicator(self) -> list[tuple[float, Test]]:
        """As a signed sum of tests; a threshold of +inf that passes missing values is the constant 1."""
        if self.right is None:
            return [(1.0, self.left)]
        both = Test(
            self.left.feature,
            min(self.left.threshold, self.right.threshold),
            self.left.missing and self.right.missing,
        )
        return [(1.0, self.left), (-1.0, both)]


def _extend(path: dict[int, _Passed], test: Test, goes_left: bool, share: float) -> dict[int, _Passed]:  # noqa: FBT001
    old = path.get(test.feature, _Passed(Test(test.feature, inf, missing=True), None, 1.0))
    left, right = old.left, old.right
    if goes_left:
        left = Test(test.feature, min(left.threshold, test.threshold), left.missing and test.missing)
    elif right is None:
        right = test
    else:
        right = Test(test.feature, max(right.threshold, test.threshold), right.missing or test.missing)
    return {**path, test.feature: _Passed(left, right, old.share * share)}


def _leaves(tree: Tree) -> Iterator[tuple[float, dict[int, _Passed]]]:
    stack: list[tuple[int, dict[int, _Passed]]] = [(0 if tree.splits else ~0, {})]
    while stack:
        node, path = stack.pop()
        if node < 0:
            yield tree.values[~node], path
            continue
        split = tree.splits[node]
        test = Test(split.feature, split.threshold, split.missing_left)
        for child, goes_left in ((split.right, False), (split.left, True)):
            count = tree.splits[child].count if child >= 0 else tree.counts[~child]
            stack.append((child, _extend(path, test, goes_left, count / split.count)))


def _coefficients(value: float, share: dict[int, float]) -> dict[tuple[int, ...], Weights]:
    """Polynomial of one leaf in its o variables: subset of features → weight per output."""
    features = tuple(sorted(share))
    size = len(features)
    out: dict[tuple[int, ...], Weights] = defaultdict(lambda: defaultdict(float))
    out[features][LOGIT] = value
    for j in features:
        others = [k for k in features if k != j]
        for chosen in range(size):
            for subset in combinations(others, chosen):
                outside = prod(share[k] for k in others if k not in subset)
                weight = value * factorial(chosen) * factorial(size - chosen - 1) / factorial(size) * outside
                out[tuple(sorted((*subset, j)))][1 + j] += weight
                out[subset][1 + j] -= weight * share[j]
    return out


def _is_constant(test: Test) -> bool:
    return test.threshold == inf and test.missing


def expand(trees: Iterable[Tree]) -> Expansion:
    """Collapse an ensemble into its table of products.

    Args:
        trees: Of one booster; the raw score is their sum.
    """
    terms: dict[Product, Weights] = defaultdict(lambda: defaultdict(float))
    bias = 0.0
    for tree in trees:
        for value, path in _leaves(tree):
            share = {feature: passed.share for feature, passed in path.items()}
            bias += value * prod(share.values())
            for subset, weights in _coefficients(value, share).items():
                for signed in product(*(path[feature].indicator() for feature in subset)):
                    sign = prod(s for s, _ in signed)
                    key = tuple(sorted(test for _, test in signed if not _is_constant(test)))
                    into = terms[key]
                    for output, weight in weights.items():
                        into[output] += sign * weight
    return Expansion({key: dict(weights) for key, weights in terms.items()}, bias)
