"""The expression tree and its meaning: three-valued (Kleene) logic over signals that may be missing.

This module is the definition. `functions.risk.expression.code` is the same meaning made fast for the usual case in
which every signal is there; a property test holds the two together.

Source: S. C. Kleene, Introduction to Metamathematics (1952), § 64: the strong three-valued connectives.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from functions.risk.expression.schema import Kind

Value = int | str | bool | tuple[int, ...] | tuple[str, ...] | frozenset[int] | frozenset[str]
Signals = Mapping[str, Any]
PYTHON_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    Kind.INTEGER: (int,),
    Kind.MONEY: (int,),
    Kind.DURATION: (int,),
    Kind.STRING: (str,),
    Kind.BOOLEAN: (bool,),
    Kind.INTEGERS: (tuple, list, frozenset),
    Kind.STRINGS: (tuple, list, frozenset),
}
"""Exact types only: a bool is no integer, a float is nothing at all."""

_TEXT_LIMIT = 160


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `kind` is None for a bare number, which may stand for a count or for money."""

    value: Value
    kind: Kind | None

    def __str__(self) -> str:
        if isinstance(self.value, frozenset):
            return "(" + ", ".join(str(v) for v in sorted(self.value)) + ")"
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return f"{self.value} s" if self.kind is Kind.DURATION else str(self.value)


@dataclass(frozen=True, slots=True)
class SignalRef:
    """The value of a signal, or of a named list (whose name then starts with `list:`)."""

    name: str
    kind: Kind

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`add`, `sub`, `mul` of numbers, or `count` of a list: exact integers of any size."""

    op: str
    operands: tuple[Term, ...]
    kind: Kind | None

    def __str__(self) -> str:
        if self.op == "count":
            return f"count of {self.operands[0]}"
        sign = {"add": " + ", "sub": " - ", "mul": " * "}[self.op]
        return "(" + sign.join(str(operand) for operand in self.operands) + ")"


Term = Literal | SignalRef | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison or membership of terms.

    Args:
        op: A key of `COMPARISONS`.
        operands: As many as the operator takes.
        positive: A denominator: unless it is > 0 the test is unknown. Ratios arrive here cross-multiplied.
        text: For people.
    """

    op: str
    operands: tuple[Term, ...]
    positive: Term | None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a signal is there and of its kind: never unknown itself."""

    signal: SignalRef

    def __str__(self) -> str:
        return f"{self.signal} is known"


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean signal or constant, standing as a condition."""

    term: SignalRef | Literal

    def __str__(self) -> str:
        return str(self.term)


@dataclass(frozen=True, slots=True)
class Not:
    child: Condition

    def __str__(self) -> str:
        return f"not {self.child}"


@dataclass(frozen=True, slots=True)
class AllOf:
    children: tuple[Condition, ...]

    def __str__(self) -> str:
        return _joined(" and ", self.children)


@dataclass(frozen=True, slots=True)
class AnyOf:
    children: tuple[Condition, ...]

    def __str__(self) -> str:
        return _joined(" or ", self.children)


Condition = Comparison | Known | Truth | Not | AllOf | AnyOf

COMPARISONS: Final[dict[str, Callable[..., bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "between": lambda x, low, high: low <= x <= high,
    "in": lambda x, members: x in members,
}
_ARITHMETIC: Final[dict[str, Callable[..., int]]] = {
    "add": lambda *terms: sum(terms),
    "sub": operator.sub,
    "mul": lambda a, *rest: _product(a, rest),
    "count": len,
}


def verdict(condition: Condition, signals: Signals) -> tuple[bool | None, tuple[str, ...]]:
    """What a condition is worth given what is known.

    Args:
        condition: The tree.
        signals: Flat signal names to values; a key may be absent or None.

    Returns:
        True, False, or None for unknown, and why: for unknown, each signal at fault once, in order of reading;
        else the text of the parts that settled it.
    """
    match condition:
        case AllOf(children):
            return _connective(children, signals, settles=False)
        case AnyOf(children):
            return _connective(children, signals, settles=True)
        case Not(child):
            worth, why = verdict(child, signals)
            return (None, why) if worth is None else (not worth, (settled(condition, worth=not worth),))
        case _:
            return _leaf(condition, signals)


def constant_worth(condition: Condition) -> bool | None:
    """What a folded condition is worth whatever the signals are, or None if it depends on them."""
    match condition:
        case Truth(Literal(bool(worth), _)):
            return worth
        case _:
            return None


def constant_value(term: Term) -> Any:  # noqa: ANN401  any kind of value
    """The value of a term without signals, or None if it has some."""
    return _value(term, {}, {})


def signals_in(condition: Condition) -> frozenset[str]:
    """The flat names of every signal and named list (`list:…`) that a condition reads."""
    match condition:
        case AllOf(children) | AnyOf(children):
            return frozenset().union(*(signals_in(child) for child in children))
        case Not(child):
            return signals_in(child)
        case Known(signal):
            return frozenset({signal.name})
        case Truth(term):
            return _signals_of(term)
        case Comparison(_, operands, positive, _):
            terms = operands if positive is None else (*operands, positive)
            return frozenset().union(*(_signals_of(term) for term in terms))


def _signals_of(term: Term) -> frozenset[str]:
    match term:
        case SignalRef(name, _):
            return frozenset({name})
        case Arithmetic(_, operands, _):
            return frozenset().union(*(_signals_of(operand) for operand in operands))
        case Literal():
            return frozenset()


def settled(condition: Condition, *, worth: bool) -> str:
    """The sentence that says a part of a rule came out true or false."""
    text = _shortened(str(condition))
    return text if worth else f"not so: {text}"


def _connective(
    children: tuple[Condition, ...], signals: Signals, *, settles: bool
) -> tuple[bool | None, tuple[str, ...]]:
    """`all` is settled by the first False, `any` by the first True; an unknown matters only if nothing settles."""
    unknown: dict[str, None] = {}
    for child in children:
        worth, why = verdict(child, signals)
        if worth is settles:
            return settles, (settled(child, worth=settles),)
        if worth is None:
            unknown.update(dict.fromkeys(why))
    if unknown:
        return None, tuple(unknown)
    return not settles, tuple(settled(child, worth=not settles) for child in children)


def _leaf(condition: Comparison | Known | Truth, signals: Signals) -> tuple[bool | None, tuple[str, ...]]:
    faults: dict[str, None] = {}
    worth: bool | None
    match condition:
        case Known(signal):
            worth = _value(signal, signals, {}) is not None
        case Truth(term):
            worth = _value(term, signals, faults)
        case Comparison(op, operands, positive, _):
            worth = _tested(op, operands, positive, signals, faults)
    if worth is None:
        return None, tuple(faults)
    return worth, (settled(condition, worth=worth),)


def _tested(
    op: str, operands: tuple[Term, ...], positive: Term | None, signals: Signals, faults: dict[str, None]
) -> bool | None:
    values = [_value(operand, signals, faults) for operand in operands]
    denominator = 1 if positive is None else _value(positive, signals, faults)
    if faults:
        return None
    if denominator <= 0:
        faults[f"{positive} is not above zero"] = None
        return None
    return COMPARISONS[op](*values)


def _value(term: Term, signals: Signals, faults: dict[str, None]) -> Any:  # noqa: ANN401  any kind of value
    """The term's value, or None with a fault noted."""
    match term:
        case Literal(value, _):
            return value
        case SignalRef(name, kind):
            return _read(name, kind, signals, faults)
        case Arithmetic(op, operands, _):
            values = [_value(operand, signals, faults) for operand in operands]
            return None if faults else _ARITHMETIC[op](*values)


def _read(name: str, kind: Kind, signals: Signals, faults: dict[str, None]) -> Any:  # noqa: ANN401  any kind of value
    try:
        value = signals[name]
    except KeyError:
        value = None
    if type(value) in PYTHON_TYPES[kind]:
        return value
    if kind is Kind.DURATION and type(value) is timedelta:
        return value // timedelta(seconds=1)
    if value is None:
        faults[f"{name} is missing"] = None
    else:
        faults[f"{name} is not of kind {kind}"] = None
    return None


def _product(first: int, rest: tuple[int, ...]) -> int:
    for factor in rest:
        first *= factor
    return first


def _joined(word: str, children: tuple[Condition, ...]) -> str:
    return "(" + word.join(str(child) for child in children) + ")"


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
