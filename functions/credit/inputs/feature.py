"""What a feature is, and the one division that all of them use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Where a divisor is zero the ratio stands at its ceiling: a person without income owes "infinitely" many incomes.
RATIO_CEILING = 1e6


@dataclass(frozen=True, slots=True)
class Feature:
    """One number the model sees.

    Args:
        name: Stable; the key of `Score.contributions`.
        family: The reason it belongs to (`functions.credit.reasons`).
        monotone: 1 if more of it may only raise the probability of default, -1 if only lower it, 0 if unconstrained.
        definition: In terms of the training file's columns.
    """

    name: str
    family: str
    monotone: Literal[-1, 0, 1]
    definition: str


def ratio(part: float, whole: float) -> float:
    """`part / whole`, held within ± the ceiling; NaN if either is missing; 0 / 0 is 0.

    Args:
        part: Any double or NaN.
        whole: Not negative, or NaN.
    """
    if whole > 0.0:
        value = part / whole
        if -RATIO_CEILING <= value <= RATIO_CEILING or value != value:  # noqa: PLR0124  NaN passes through
            return value
        return RATIO_CEILING if value > 0 else -RATIO_CEILING
    if whole != whole or part != part:  # noqa: PLR0124  NaN
        return whole + part
    if part == 0.0:
        return 0.0
    return RATIO_CEILING if part > 0.0 else -RATIO_CEILING
