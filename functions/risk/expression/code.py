"""Makes a condition fast: one generated function that decides when every signal it meets is there and well typed.

Where two-valued evaluation with short circuit meets no unknown, its answer is the three-valued one, so the generated
code needs no third value: at the first signal that is missing or of another type it gives up. Then the parts of the
condition are asked one by one, each by a generated function of its own; what is missing is told from a memory of the
few ways in which a part can be unknown, and `tree.verdict` decides the rest, with reasons. The source text is put
together from fixed fragments and generated names alone; constants, signal names and answers are bound by name in a
namespace without builtins, so nothing of a rule's text is ever executed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from functions.risk.expression.schema import LISTS
from functions.risk.expression.tree import (
    PYTHON_TYPES,
    AllOf,
    AnyOf,
    Arithmetic,
    Comparison,
    Condition,
    Known,
    Literal,
    Not,
    SignalRef,
    Signals,
    Term,
    Truth,
    settled,
    signals_in,
    verdict,
)

Answer = TypeVar("Answer")
Verdict = tuple[bool | None, tuple[str, ...]]

_REMEMBERED: Final = 32
"""Ways of being unknown that a part remembers; more than that is not traffic but a test."""

_COMPARISONS: Final = {
    "eq": "({} == {})",
    "ne": "({} != {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "gt": "({} > {})",
    "ge": "({} >= {})",
    "between": "({1} <= {0} <= {2})",
    "in": "({} in {})",
}
_JOINTS: Final = {"add": " + ", "sub": " - ", "mul": " * "}


class _Unknown(Exception):  # noqa: N818  a signal of control flow, caught where it is raised
    pass


def _give_up() -> bool:
    raise _Unknown


class _Writer:
    """Writes expressions, and collects in `names` what they refer to."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {"__builtins__": {}, "type": type, "len": len, "unknown": _give_up}
        self._locals = 0

    def bind(self, value: object) -> str:
        """The name under which generated code finds a value."""
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def condition(self, node: Condition) -> str:
        """An expression worth what the node is worth, or that gives up."""
        match node:
            case AllOf(children):
                return "(" + " and ".join(self.condition(child) for child in children) + ")"
            case AnyOf(children):
                return "(" + " or ".join(self.condition(child) for child in children) + ")"
            case Not(child):
                return f"(not {self.condition(child)})"
            case Known():
                return f"{self.bind(lambda signals: verdict(node, signals)[0])}(s)"
            case Truth(term):
                guards: list[str] = []
                return self._guarded(self._term(term, guards), guards)
            case Comparison():
                return self._comparison(node)

    def _comparison(self, node: Comparison) -> str:
        guards: list[str] = []
        text = _COMPARISONS[node.op].format(*(self._term(operand, guards) for operand in node.operands))
        if node.positive is not None:
            guards.append(f"{self._term(node.positive, guards)} > 0")
        return self._guarded(text, guards)

    def _term(self, node: Term, guards: list[str]) -> str:
        """An expression for a value; adds what must hold before it is looked at."""
        match node:
            case Literal(value, _):
                return self.bind(value)
            case SignalRef(name, kind):
                local = f"v{self._locals}"
                self._locals += 1
                is_one = "in" if kind in LISTS else "is"
                wanted = self.bind(PYTHON_TYPES[kind] if kind in LISTS else PYTHON_TYPES[kind][0])
                guards.append(f"type({local} := s[{self.bind(name)}]) {is_one} {wanted}")
                return local
            case Arithmetic("count", (members,), _):
                return f"len({self._term(members, guards)})"
            case Arithmetic(op, operands, _):
                return "(" + _JOINTS[op].join(self._term(operand, guards) for operand in operands) + ")"

    @staticmethod
    def _guarded(text: str, guards: list[str]) -> str:
        return f"({text} if {' and '.join(guards)} else unknown())" if guards else text


def compiled(
    condition: Condition, answer: Callable[[bool | None, tuple[str, ...]], Answer]
) -> Callable[[Signals], Answer]:
    """A function from signals to an answer.

    Args:
        condition: Checked tree of bounded size and depth.
        answer: Makes the answer for a verdict and its reasons: for a sure one called now, once per possible answer.

    Returns:
        What `answer(*tree.verdict(condition, signals))` would give, faster.
    """
    writer = _Writer()

    def give(*parts: Condition, worth: bool) -> str:
        return "return " + writer.bind(answer(worth, tuple(settled(part, worth=worth) for part in parts)))

    match condition:
        case AllOf(children):
            lines = [f"if not {writer.condition(child)}: {give(child, worth=False)}" for child in children]
            lines.append(give(*children, worth=True))
        case AnyOf(children):
            lines = [f"if {writer.condition(child)}: {give(child, worth=True)}" for child in children]
            lines.append(give(*children, worth=False))
        case _:
            lines = [f"if {writer.condition(condition)}: {give(condition, worth=True)}", give(condition, worth=False)]
    unsure = _three_valued(condition)
    return _function(writer, "\n  ".join(lines), lambda signals: answer(*unsure(signals)))


def _function(writer: _Writer, body: str, otherwise: Callable[[Signals], Answer]) -> Callable[[Signals], Answer]:
    """The generated function of a body; `otherwise` answers where it gives up."""
    given_up, instead = writer.bind((KeyError, _Unknown)), writer.bind(otherwise)
    source = f"def decide(s):\n try:\n  {body}\n except {given_up}:\n  return {instead}(s)\n"
    exec(compile(source, "<rule>", "exec"), writer.names)  # noqa: S102  only fixed fragments and generated names
    return writer.names["decide"]  # type: ignore[return-value]


def _three_valued(condition: Condition) -> Callable[[Signals], Verdict]:
    """What `tree.verdict` says of a condition, its parts asked by functions of their own."""
    match condition:
        case AllOf(children):
            return _joined(children, settles=False)
        case AnyOf(children):
            return _joined(children, settles=True)
        case _:
            return _part(condition)


def _joined(children: tuple[Condition, ...], *, settles: bool) -> Callable[[Signals], Verdict]:
    parts = tuple(_part(child) for child in children)
    otherwise = (not settles, tuple(settled(child, worth=not settles) for child in children))

    def ask(signals: Signals) -> Verdict:
        unknown: dict[str, None] = {}
        for part in parts:
            worth, why = part(signals)
            if worth is settles:
                return worth, why
            if worth is None:
                unknown.update(dict.fromkeys(why))
        return (None, tuple(unknown)) if unknown else otherwise

    return ask


def _part(condition: Condition) -> Callable[[Signals], Verdict]:
    """One part: what is remembered of the types it meets, else its generated function, else the definition."""
    writer = _Writer()
    sure = {worth: writer.bind((worth, (settled(condition, worth=worth),))) for worth in (True, False)}
    body = f"return {sure[True]} if {writer.condition(condition)} else {sure[False]}"
    names = tuple(sorted(signals_in(condition)))
    remembered: dict[tuple[type, ...], Verdict] = {}

    def look(signals: Signals) -> Verdict:
        found = verdict(condition, signals)
        types = tuple(map(type, map(signals.get, names)))
        if found[0] is None and len(remembered) < _REMEMBERED and _is_of_types(condition, types, found[1]):
            remembered[types] = found
        return found

    decide = _function(writer, body, look)

    def ask(signals: Signals) -> Verdict:
        known = remembered.get(tuple(map(type, map(signals.get, names))))
        return decide(signals) if known is None else known

    return ask


def _is_of_types(condition: Condition, types: tuple[type, ...], why: tuple[str, ...]) -> bool:
    """Whether a part is unknown for what is missing alone: then it is so whatever the other values are."""
    leaf = condition.child if isinstance(condition, Not) else condition
    missing = type(None) in types and all(reason.endswith(" is missing") for reason in why)
    return missing and isinstance(leaf, Comparison | Truth)
