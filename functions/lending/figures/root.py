"""The root behind every rate: Σ c φ(x) = 0 with φ(x) = e^(−t x) / (1 + f (e^x − 1)), t ≥ 0, 0 ≤ f ≤ 1.

One change of sign in the flows sorted by t + f means at most one root: for t + f > t' + f' the ratio φ/φ' falls in x,
so dividing the sum by φ at the change makes it strictly monotone. Doubling outward from 0 brackets the root, and
Newton's method kept inside the bracket, halving it whenever it gains too little, ends.

With more changes of sign there may be several roots. The answer is the least above zero, else the greatest below it,
as the rule of the United Kingdom on the total charge for credit (SI 1980/51, reg. 9) has it. By Taylor's theorem an
interval can be shown to hold no root, or at most one; all others are halved.

Roots are found in binary floating point, then refined in 50-digit decimals inside a bracket that is checked there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from itertools import groupby, pairwise
from math import exp, expm1, lcm, log, log1p
from typing import Final, NamedTuple, TypeVar

CONTEXT: Final = Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN)
_FLOAT_STEP = 1e-13
_DECIMAL_STEP = Decimal("1e-24")  # Newton's error after a step is about its square
_TURN_MARGIN = Decimal("1e-4")
_FARTHEST = 1e6  # in x: a rate of e^1000000 per period says nothing any more
_FINEST = 1e-7  # narrower, floating point can't tell a touching root from two crossings or none
_NOISE = 1e-13  # of the size of the terms: what rounding may leave of zero
_LARGE = 700.0  # e^x overflows a float a little above
_PATIENCE = 3  # Newton steps that may fail to halve the bracket before it is halved
_LARGEST_POWER = 2**60  # ten of fifty digits lost to the power still leave forty

_Number = TypeVar("_Number", float, Decimal)


class NoRootError(ValueError):
    """No rate makes these flows worth nothing."""


class Flow(NamedTuple):
    """An amount at a time.

    Args:
        amount: Signed minor units.
        whole: Periods from the first flow, at least 0; compounded.
        odd: Odd fraction of a period on top, 0 to 1, in which simple interest accrues.
    """

    amount: int
    whole: Fraction
    odd: Fraction


def net(flows: Sequence[Flow]) -> list[Flow]:
    """The flows in order of time, with those of one time added up and those of zero left out."""
    ordered = sorted(flows, key=lambda flow: (flow.whole + flow.odd, flow.whole))
    groups = ((sum(flow.amount for flow in same), when) for when, same in groupby(ordered, lambda flow: flow[1:]))
    return [Flow(amount, *when) for amount, when in groups if amount]


class _Series:
    """Σ c φ(x) in floating point, scaled by its largest φ so that it never overflows and keeps its sign."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        largest = max(abs(flow.amount) for flow in flows)
        self._terms = [(flow.amount / largest, float(flow.whole), float(flow.odd)) for flow in flows]

    def _logs(self, x: float) -> list[float]:
        return [-t * x - _log_growth(f, x) for _c, t, f in self._terms]

    def value_and_slope(self, x: float) -> tuple[float, float]:
        logs = self._logs(x)
        top = max(logs)
        value = slope = 0.0
        for (c, t, f), each in zip(self._terms, logs, strict=True):
            weight = c * exp(each - top)
            value += weight
            slope -= weight * (t + _growth_slope(f, x))
        return value, slope

    def sign(self, x: float) -> int:
        value = self.value_and_slope(x)[0]
        return (value > 0) - (value < 0)

    def near(self, x: float, low: float) -> tuple[float, float, float, float]:
        """Value, slope, and bounds of the curvature from `low` to `x` and beyond and of the size of the terms.

        Each φ falls in x, and its second derivative is at most ((t + 1)² + 1/4) φ, or t² φ without an odd fraction.
        """
        at_low = self._logs(low)
        top = max(at_low)
        value = slope = curvature = size = 0.0
        for (c, t, f), each, greatest in zip(self._terms, self._logs(x), at_low, strict=True):
            weight, bound = c * exp(each - top), abs(c) * exp(greatest - top)
            value += weight
            slope -= weight * (t + _growth_slope(f, x))
            curvature += bound * ((t + 1) ** 2 + 0.25 if f else t * t)
            size += bound
        return value, slope, curvature, size

    def settled(self, x: float) -> bool:
        """Whether the flow that lasts longest on this side outweighs all others: farther out the sign can't change."""
        logs = self._logs(x)
        top = max(logs)
        weights = [abs(c) * exp(each - top) for (c, _t, _f), each in zip(self._terms, logs, strict=True)]
        return 2 * weights[0 if x > 0 else -1] > sum(weights)


def _log_growth(f: float, x: float) -> float:
    """ln(1 + f (e^x − 1)), without overflow."""
    if not f:
        return 0.0
    if f == 1:
        return x
    return log(f) + x if x > _LARGE else log1p(f * expm1(x))


def _growth_slope(f: float, x: float) -> float:
    if not f:
        return 0.0
    return 1.0 if x > _LARGE or f == 1 else f * exp(x) / (1 + f * expm1(x))


def safeguarded(
    function: Callable[[_Number], tuple[_Number, _Number]],
    bracket: tuple[_Number, _Number],
    guess: _Number,
    step: _Number,
) -> _Number:
    """Newton's method kept inside a bracket, so that it must end.

    Args:
        function: Value and slope; its signs at the ends of the bracket differ.
        bracket: Low and high end.
        guess: Where to start, inside.
        step: A relative Newton step this small ends it.
    """
    low, high = bracket
    below = function(low)[0] > 0
    x, width, patience = guess, high - low, _PATIENCE
    while True:
        value, slope = function(x)
        if not value:
            return x
        low, high = (x, high) if (value > 0) == below else (low, x)
        if 2 * (high - low) <= width:
            width, patience = high - low, _PATIENCE
        else:
            patience -= 1
        following = x - value / slope if slope and patience else low
        if not low < following < high:
            following, patience = (low + high) / 2, _PATIENCE
            if not low < following < high:
                return x
        if abs(following - x) <= step * (1 + abs(x)):
            return following
        x = following


def float_root(flows: Sequence[Flow]) -> tuple[float, bool]:
    """The root, and whether the sum changes sign there (false where it only touches zero).

    Args:
        flows: As `net` returns them.

    Raises:
        NoRootError: There is none.
    """
    changes = sum((one.amount > 0) != (two.amount > 0) for one, two in pairwise(flows))
    if not changes:
        raise NoRootError("the flows never change sign, so no rate balances them")
    total = sum(flow.amount for flow in flows)
    if not total:
        return 0.0, True
    series = _Series(flows)
    if changes > 1:
        found = _first_root(series, 1.0) or _first_root(series, -1.0)
        if not found:
            raise NoRootError("the flows change sign more than once, and no rate balances them")
        return found
    here = 1 if total > 0 else -1
    reach = 1 / max(1.0, float(flows[-1].whole))
    while reach < _FARTHEST:
        for end in (reach, -reach):
            if series.sign(end) == -here:
                return safeguarded(series.value_and_slope, (min(0.0, end), max(0.0, end)), end / 2, _FLOAT_STEP), True
        reach *= 2
    raise NoRootError("no rate above −100 % a period balances the flows")


def _first_root(series: _Series, direction: float) -> tuple[float, bool] | None:
    """The root nearest to zero on one side."""
    reach = 1.0
    while not series.settled(direction * reach) and reach < _LARGE:
        reach *= 2
    waiting = [(0.0, reach)]
    while waiting:
        near, far = waiting.pop()
        low, high = min(direction * near, direction * far), max(direction * near, direction * far)
        middle, half = (low + high) / 2, (high - low) / 2
        value, slope, curvature, size = series.near(middle, low)
        if abs(value) > (abs(slope) + curvature * half / 2) * half + _NOISE * size:
            continue  # by Taylor's theorem no root lies here
        if abs(slope) > curvature * half:  # the sum is monotone here
            if series.sign(low) * series.sign(high) <= 0:
                return safeguarded(series.value_and_slope, (low, high), middle, _FLOAT_STEP), True
        elif half > _FINEST * max(1.0, far):
            waiting += [(abs(middle), far), (near, abs(middle))]
        elif abs(value) <= _NOISE * size:
            return middle, False
    return None


def decimal_root(flows: Sequence[Flow]) -> Decimal:
    """The root to about forty digits (twenty where the sum only touches zero).

    Args:
        flows: Unsorted, of any sign.

    Raises:
        NoRootError: There is none.
    """
    ordered = net(flows)
    if not ordered:
        raise NoRootError("no flow is left once those of one day are added up")
    rough, crossing = float_root(ordered)
    start = Decimal(rough)
    if not rough:
        return start
    with localcontext(CONTEXT):
        function = _exact(ordered)
        if not crossing:
            return _turn(function, start)
        margin = Decimal("1e-13") * (1 + abs(start))
        while function(start - margin)[0] * function(start + margin)[0] > 0:
            margin *= 16
        return safeguarded(function, (start - margin, start + margin), start, _DECIMAL_STEP)


def _turn(function: Callable[[Decimal], tuple[Decimal, Decimal]], near: Decimal) -> Decimal:
    """Where the sum turns: a root at which it only touches zero."""
    low, high = near - _TURN_MARGIN, near + _TURN_MARGIN
    rising = function(low)[1] > 0
    while high - low > _DECIMAL_STEP:
        middle = (low + high) / 2
        low, high = (middle, high) if (function(middle)[1] > 0) == rising else (low, middle)
    return low


def _exact(flows: Sequence[Flow]) -> Callable[[Decimal], tuple[Decimal, Decimal]]:
    """Σ c φ(x) and its slope in the current decimal context."""
    unit = lcm(*[flow.whole.denominator for flow in flows])
    times = [Decimal(flow.whole.numerator) / flow.whole.denominator for flow in flows]
    odds = [Decimal(flow.odd.numerator) / flow.odd.denominator for flow in flows]
    powers = [int(flow.whole * unit) for flow in flows]

    def function(x: Decimal) -> tuple[Decimal, Decimal]:
        growth = x.exp()
        # One exponential and integer powers of it, unless the times share no fine enough unit.
        root = (-x / unit).exp() if unit * (1 + max(powers) // unit) <= _LARGEST_POWER else None
        value = slope = Decimal(0)
        for (amount, _t, _f), time, odd, power in zip(flows, times, odds, powers, strict=True):
            discount = root**power if root is not None else (-x * time).exp()
            simple = 1 + odd * (growth - 1)
            weight = amount * discount / simple
            value += weight
            slope -= weight * (time + odd * growth / simple)
        return value, slope

    return function
