"""Reads a rule's condition from JSON into a typed tree, or says where and why it can't.

Depth is capped as the source is descended and nodes are counted as they are read, so no input recurses further than
the cap or costs more than the caps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from functions.risk.expression.schema import LIST_PREFIX, LISTS, NUMBERS, Kind, SignalSchema
from functions.risk.expression.source import (
    MAX_DEPTH,
    MAX_LIST,
    MAX_NODES,
    Place,
    elements_of,
    integer_of,
    members_of,
    string_of,
)
from functions.risk.expression.tree import (
    AllOf,
    AnyOf,
    Arithmetic,
    Comparison,
    Condition,
    Known,
    Literal,
    Not,
    SignalRef,
    Term,
    Truth,
    constant_value,
    constant_worth,
    signals_in,
    verdict,
)

_BPS: Final = Literal(10_000, None)
_DURATION_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION_DIGITS: Final = 9
_SYMBOL: Final = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}
_ORDERED: Final = frozenset({"lt", "le", "gt", "ge"})


@dataclass(frozen=True, slots=True)
class _Ratio:
    """numerator / denominator in basis points: exists only as an operand of a comparison, which cross-multiplies."""

    numerator: Term
    denominator: Term

    def __str__(self) -> str:
        return f"{self.numerator} / {self.denominator} in bps"


_Operand = Term | _Ratio


class ConditionReader:
    """Reads one condition; counts nodes as it goes.

    Args:
        schema: The signals and named lists that may be used.
    """

    def __init__(self, schema: SignalSchema) -> None:
        self._schema = schema
        self._nodes = 0

    def condition(self, source: object, place: Place, depth: int = 1) -> Condition:
        """A tree whose constant parts are folded.

        Raises:
            InvalidRule: With the pointer of the first thing wrong.
        """
        self._count(place, depth)
        if type(source) is bool:
            return Truth(Literal(source, Kind.BOOLEAN))
        name, argument, inner = self._operator(source, place)
        if name == "signal":
            return self._boolean_signal(source, place)
        reader = self._CONDITIONS.get(name)
        if reader is None:
            known = name in self._TERMS or name in {"ratio_bps", "list", "duration"}
            wrong = "this is a value, not a condition" if known else "no such operator"
            inner.refuse("wrong_type" if known else "unknown_operator", wrong)
        return cast("Condition", reader(self, name, argument, inner, depth))

    # conditions

    def _junction(self, name: str, argument: object, place: Place, depth: int) -> Condition:
        """`all` and `any`: a constant that settles it folds the whole, one that doesn't is dropped."""
        settles = name == "any"
        kept: list[Condition] = []
        constant: Condition | None = None
        for index, source in enumerate(elements_of(argument, place, 1, MAX_LIST)):
            child = self.condition(source, place / index, depth + 1)
            worth = constant_worth(child)
            if worth is None:
                kept.append(child)
            elif worth is settles:
                constant = child
        if constant is not None:
            return constant
        if len(kept) <= 1:
            return kept[0] if kept else Truth(Literal(not settles, Kind.BOOLEAN))
        return AnyOf(tuple(kept)) if settles else AllOf(tuple(kept))

    def _not(self, _name: str, argument: object, place: Place, depth: int) -> Condition:
        child = self.condition(argument, place, depth + 1)
        worth = constant_worth(child)
        return Not(child) if worth is None else Truth(Literal(not worth, Kind.BOOLEAN))

    def _known(self, _name: str, argument: object, place: Place, depth: int) -> Condition:
        term = self._term(argument, place, depth + 1)
        if not isinstance(term, SignalRef):
            place.refuse("wrong_type", "only a signal can be known or missing")
        return Known(term)

    def _comparison(self, name: str, argument: object, place: Place, depth: int) -> Condition:
        left_source, right_source = elements_of(argument, place, 2, 2)
        left = self._operand(left_source, place / 0, depth + 1)
        right = self._operand(right_source, place / 1, depth + 1)
        self._comparable(left, right, place / 1, ordered=name in _ORDERED)
        return _fold(_compare(name, (left, right), f"{left} {_SYMBOL[name]} {right}"))

    def _between(self, _name: str, argument: object, place: Place, depth: int) -> Condition:
        sources = elements_of(argument, place, 3, 3)
        value, low, high = (self._operand(s, place / i, depth + 1) for i, s in enumerate(sources))
        self._comparable(value, low, place / 1, ordered=True)
        self._comparable(value, high, place / 2, ordered=True)
        self._comparable(low, high, place / 2, ordered=True)
        if isinstance(low, Literal) and isinstance(high, Literal) and cast("int", low.value) > cast("int", high.value):
            (place / 2).refuse("out_of_range", "the lower bound is above the upper one")
        return _fold(_compare("between", (value, low, high), f"{low} ≤ {value} ≤ {high}"))

    def _in(self, name: str, argument: object, place: Place, depth: int) -> Condition:
        """`in` [element, list] and its mirror `contains` [list, element]."""
        sources = elements_of(argument, place, 2, 2)
        at = (0, 1) if name == "in" else (1, 0)
        element = self._term(sources[at[0]], place / at[0], depth + 1)
        members = self._list(sources[at[1]], place / at[1], depth + 1)
        if _is_named_list(members) and not isinstance(element, SignalRef):
            (place / at[0]).refuse("wrong_type", "only a signal can be looked up in a named list")
        wanted = LISTS[cast("Kind", members.kind)]
        if element.kind is not wanted and not (element.kind in NUMBERS | {None} and wanted is Kind.INTEGER):
            (place / at[0]).refuse("wrong_type", f"the list holds values of kind {wanted}")
        return _fold(Comparison("in", (element, members), None, f"{element} in {members}"))

    # values

    def _operand(self, source: object, place: Place, depth: int) -> _Operand:
        if type(source) is dict and len(source) == 1 and "ratio_bps" in source:
            self._count(place, depth)
            inner = place / "ratio_bps"
            sources = elements_of(source["ratio_bps"], inner, 2, 2)
            numerator, denominator = (self._number(s, inner / i, depth + 1) for i, s in enumerate(sources))
            self._comparable(numerator, denominator, inner / 1, ordered=True)
            if isinstance(denominator, Literal) and cast("int", denominator.value) <= 0:
                (inner / 1).refuse("out_of_range", "the denominator must be above zero")
            return _Ratio(numerator, denominator)
        return self._term(source, place, depth)

    def _term(self, source: object, place: Place, depth: int) -> Term:
        self._count(place, depth)
        if type(source) is bool:
            return Literal(source, Kind.BOOLEAN)
        if type(source) is str:
            return Literal(string_of(source, place), Kind.STRING)
        if type(source) in (int, float):
            return Literal(integer_of(source, place), None)
        name, argument, inner = self._operator(source, place)
        if name == "signal":
            return self._signal(source, place)
        reader = self._TERMS.get(name)
        if reader is None:
            if name == "ratio_bps":
                inner.refuse("wrong_type", "a ratio stands only as an operand of a comparison")
            known = name in self._CONDITIONS or name == "list"
            wrong = "this is not a value" if known else "no such operator"
            inner.refuse("wrong_type" if known else "unknown_operator", wrong)
        return cast("Term", reader(self, name, argument, inner, depth))

    def _number(self, source: object, place: Place, depth: int) -> Term:
        term = self._term(source, place, depth)
        if term.kind is not None and term.kind not in NUMBERS:
            place.refuse("wrong_type", f"a number is expected here, not a value of kind {term.kind}")
        return term

    def _duration(self, _name: str, argument: object, place: Place, _depth: int) -> Term:
        text = string_of(argument, place)
        digits, unit = text[:-1], text[-1:]
        if not (
            digits.isascii() and digits.isdigit() and len(digits) <= _DURATION_DIGITS and unit in _DURATION_SECONDS
        ):
            place.refuse("bad_duration", "a duration is an integer and one of s, m, h, d: for example 15m")
        return Literal(int(digits) * _DURATION_SECONDS[unit], Kind.DURATION)

    def _sum(self, name: str, argument: object, place: Place, depth: int) -> Term:
        """`add` and `sub`: operands of one kind."""
        sources = elements_of(argument, place, 2, 2 if name == "sub" else 8)
        operands = [self._number(s, place / i, depth + 1) for i, s in enumerate(sources)]
        kind: Kind | None = None
        for index, operand in enumerate(operands):
            if kind is not None and operand.kind not in {None, kind}:
                (place / index).refuse("wrong_type", f"a value of kind {kind} is expected here, not {operand.kind}")
            kind = kind or operand.kind
        return self._arithmetic(name, operands, kind, place)

    def _product(self, name: str, argument: object, place: Place, depth: int) -> Term:
        """`mul`: at most one operand has a unit."""
        sources = elements_of(argument, place, 2, 8)
        operands = [self._number(s, place / i, depth + 1) for i, s in enumerate(sources)]
        units = [o.kind for o in operands if o.kind in {Kind.MONEY, Kind.DURATION}]
        if len(units) > 1:
            place.refuse("wrong_type", "money or a duration can be multiplied only with plain integers")
        plain = Kind.INTEGER if any(o.kind is Kind.INTEGER for o in operands) else None
        return self._arithmetic(name, operands, units[0] if units else plain, place)

    def _size(self, name: str, argument: object, place: Place, depth: int) -> Term:
        """`count` of a list."""
        members = self._list(argument, place, depth + 1)
        if _is_named_list(members):
            place.refuse("wrong_type", "a named list can only be looked up in")
        return Arithmetic(name, (members,), Kind.INTEGER)

    def _list(self, source: object, place: Place, depth: int) -> Term:
        """An array of constants, a signal of a list kind, or a named list."""
        self._count(place, depth)
        if type(source) is list:
            return self._constants(source, place)
        name, argument, inner = self._operator(source, place)
        if name == "list":
            named = string_of(argument, inner)
            kind = self._schema.lists.get(named)
            if kind is None:
                inner.refuse("unknown_list", "no such named list")
            return SignalRef(LIST_PREFIX + named, kind)
        if name == "signal":
            signal = self._signal(source, place)
            if signal.kind in LISTS:
                return signal
        return place.refuse("wrong_type", "a list is expected here: an array, a named list, or a signal that is a list")

    def _constants(self, source: list[Any], place: Place) -> Term:
        elements = elements_of(source, place, 1, MAX_LIST)
        if type(elements[0]) is str:
            return Literal(frozenset(string_of(e, place / i) for i, e in enumerate(elements)), Kind.STRINGS)
        return Literal(frozenset(integer_of(e, place / i) for i, e in enumerate(elements)), Kind.INTEGERS)

    # signals

    def _signal(self, source: Any, place: Place) -> SignalRef:  # noqa: ANN401  `_operator` found it an object
        for key in source:
            if key not in {"signal", "window"}:
                (place / key).refuse("unknown_member", "a signal has the members signal and window")
        name = string_of(source["signal"], place / "signal")
        if "window" in source:
            window = string_of(source["window"], place / "window")
            flat = f"{name}_{window}"
            if self._schema.kind_of(flat) is None and any(s.name == name for s in self._schema.signals):
                (place / "window").refuse("unknown_window", "the signal has no such window")
        else:
            flat = name
        kind = self._schema.kind_of(flat)
        if kind is None:
            (place / "signal").refuse("unknown_signal", "no such signal is declared")
        return SignalRef(flat, kind)

    def _boolean_signal(self, source: object, place: Place) -> Condition:
        signal = self._signal(source, place)
        if signal.kind is not Kind.BOOLEAN:
            place.refuse("wrong_type", f"only a boolean signal is a condition by itself; this one is {signal.kind}")
        return Truth(signal)

    # shared

    def _operator(self, source: object, place: Place) -> tuple[str, object, Place]:
        """The one operator of a node, its argument, and the argument's place."""
        members = members_of(source, place)
        if "signal" in members:
            return "signal", members["signal"], place / "signal"
        if len(members) != 1:
            place.refuse("wrong_length", f"a node has exactly one operator, not {len(members)}")
        ((name, argument),) = members.items()
        return name, argument, place / name

    def _count(self, place: Place, depth: int) -> None:
        if depth > MAX_DEPTH:
            place.refuse("too_deep", f"a condition nests at most {MAX_DEPTH} levels")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            place.refuse("too_many_nodes", f"a rule has at most {MAX_NODES} nodes")

    @staticmethod
    def _comparable(left: _Operand, right: _Operand, place: Place, *, ordered: bool) -> None:
        kinds = [Kind.INTEGER if isinstance(o, _Ratio) else o.kind for o in (left, right)]
        if all(kind is None or kind in NUMBERS for kind in kinds):
            if None not in kinds and kinds[0] is not kinds[1]:
                place.refuse("wrong_type", f"{kinds[0]} can't be compared with {kinds[1]}")
            if isinstance(right, _Ratio):
                place.refuse("wrong_type", "a ratio stands first and is compared with basis points")
        elif kinds[0] is not kinds[1] or kinds[0] in LISTS:
            place.refuse("wrong_type", f"{kinds[0] or 'a number'} can't be compared with {kinds[1] or 'a number'}")
        elif ordered:
            place.refuse("wrong_type", f"values of kind {kinds[0]} have no order")

    @staticmethod
    def _arithmetic(name: str, operands: list[Term], kind: Kind | None, place: Place) -> Term:
        term = Arithmetic(name, tuple(operands), kind)
        if not all(isinstance(o, Literal) for o in operands):
            return term
        folded = constant_value(term)
        return Literal(integer_of(folded, place), kind)

    _Read = Callable[["ConditionReader", str, object, Place, int], Any]
    _CONDITIONS: Final[dict[str, _Read]] = {
        "all": _junction,
        "any": _junction,
        "not": _not,
        "known": _known,
        "between": _between,
        "in": _in,
        "contains": _in,
        **dict.fromkeys(_SYMBOL, _comparison),
    }
    _TERMS: Final[dict[str, _Read]] = {"duration": _duration, "add": _sum, "sub": _sum, "mul": _product, "count": _size}


def _compare(op: str, operands: tuple[_Operand, ...], text: str) -> Comparison:
    """A comparison; a ratio on the left becomes numerator · 10,000 against bound · denominator, without division."""
    ratio, *bounds = operands
    if not isinstance(ratio, _Ratio):
        return Comparison(op, cast("tuple[Term, ...]", operands), None, text)
    scaled = [Arithmetic("mul", (cast("Term", bound), ratio.denominator), None) for bound in bounds]
    return Comparison(op, (Arithmetic("mul", (ratio.numerator, _BPS), None), *scaled), ratio.denominator, text)


def _is_named_list(term: Term) -> bool:
    """Whether a term is a list kept by staff, of which a decision stores no more than the member looked up."""
    return isinstance(term, SignalRef) and SignalSchema.is_list_name(term.name)


def _fold(comparison: Comparison) -> Condition:
    """The truth itself, if nothing in the comparison depends on a signal."""
    if signals_in(comparison):
        return comparison
    return Truth(Literal(verdict(comparison, {})[0] is True, Kind.BOOLEAN))
