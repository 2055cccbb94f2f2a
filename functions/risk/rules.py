"""Rules: typed JSON over declared signals, compiled when loaded, three-valued when run.

The grammar is in docs/risk.md and rule_schema.json. A rule that can't be compiled never gets past `compile_rule`; one
that was compiled never raises: what it can't know it calls unknown, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.risk.expression.code import compiled
from functions.risk.expression.reader import ConditionReader
from functions.risk.expression.schema import Kind, Signal, SignalSchema
from functions.risk.expression.source import InvalidRule, Place, elements_of, integer_of, members_of, string_of
from functions.risk.expression.tree import Condition, Signals, constant_worth, signals_in
from functions.risk.ruling.outcomes import Outcome

__all__ = ["Action", "InvalidRule", "Kind", "Rule", "RuleResult", "Signal", "SignalSchema", "compile_rule"]

GRAMMAR: Final = 1
"""Number of the rule language; part of every ruleset's hash, so that a change of meaning changes the hash."""

SEVERITIES: Final = ("low", "medium", "high", "critical")
ACTIONS: Final = ("alert", "suspend", "block_payout", "freeze_line", "cut_line", "open_case", "step_up_next")
"""What a stream rule may ask for; `alert` carries a severity."""

_MEMBERS: Final = {"id", "version", "title", "reason", "pass", "when", "outcome", "when_unknown", "actions"}
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule said.

    Args:
        matched: True, False, or None for unknown.
        why: For unknown, the signals that were missing or of another type; else the parts that settled it.
    """

    matched: bool | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What a stream rule asks for when it matches: one of `ACTIONS`, alerts with a severity."""

    kind: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule.

    Args:
        id: Unique in its ruleset.
        version: Grows with each edit.
        title: For people.
        reason: Stable code that decisions carry.
        synchronous: Runs inside the authorization; else on the stream.
        when: The condition, constants folded.
        outcome: What a synchronous rule asks for when it matches.
        when_unknown: What it asks for when it can't tell; usually approve, that is nothing.
        actions: What a stream rule asks for when it matches.
        signals: Flat names that the condition reads, sorted.
        source: Canonical JSON of the source.
        evaluate: Signals to `RuleResult`; never raises for missing or mistyped signals.
    """

    id: str
    version: int
    title: str
    reason: str
    synchronous: bool
    when: Condition
    outcome: Outcome
    when_unknown: Outcome
    actions: tuple[Action, ...]
    signals: tuple[str, ...]
    source: str
    evaluate: Callable[[Signals], RuleResult] = field(compare=False, repr=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical source, in hex."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def compile_rule(source: Any, signals: SignalSchema) -> Rule:  # noqa: ANN401  hostile until read
    """Check and compile one rule.

    Args:
        source: A JSON object as `json.loads` gives it, in the grammar of rule_schema.json.
        signals: The signals and named lists that it may use.

    Raises:
        InvalidRule: Carries the JSON pointer of the first thing wrong, a stable reason and a sentence.
    """
    root = Place()
    members = members_of(source, root)
    for name in members:
        if name not in _MEMBERS:
            (root / name).refuse("unknown_member", "a rule has no such member")
    for name in ("id", "when"):
        if name not in members:
            root.refuse("missing_member", f"a rule needs the member {name}")
    rule_id = _name(members["id"], root / "id")
    synchronous = _choice(members.get("pass", "sync"), root / "pass", ("sync", "stream")) == "sync"
    when = ConditionReader(signals).condition(members["when"], root / "when")
    if constant_worth(when) is not None:
        (root / "when").refuse("constant", "the condition is always true or always false: it depends on no signal")
    used = tuple(sorted(signals_in(when)))
    return Rule(
        id=rule_id,
        version=integer_of(members.get("version", 1), root / "version", 1),
        title=string_of(members.get("title", rule_id), root / "title"),
        reason=_name(members.get("reason", rule_id), root / "reason"),
        synchronous=synchronous,
        when=when,
        outcome=_outcome(members, "outcome", root, synchronous=synchronous, required=True),
        when_unknown=_outcome(members, "when_unknown", root, synchronous=synchronous, required=False),
        actions=_actions(members, root, synchronous=synchronous),
        signals=used,
        source=json.dumps(source, sort_keys=True, separators=(",", ":")),
        evaluate=compiled(when, RuleResult),
    )


def _name(source: object, place: Place) -> str:
    text = string_of(source, place, 64)
    if not text or not _NAME.issuperset(text):
        place.refuse("bad_name", "a name has 1 to 64 letters, digits, points, dashes and underscores")
    return text


def _choice(source: object, place: Place, choices: tuple[str, ...]) -> str:
    text = string_of(source, place)
    if text not in choices:
        place.refuse("unknown_value", f"one of {', '.join(choices)} is expected here")
    return text


def _outcome(members: Mapping[str, Any], name: str, root: Place, *, synchronous: bool, required: bool) -> Outcome:
    if not synchronous:
        if name in members:
            (root / name).refuse("unknown_member", "a stream rule has actions, not an outcome")
        return Outcome.APPROVE
    if name not in members:
        if required:
            root.refuse("missing_member", f"a synchronous rule needs the member {name}")
        return Outcome.APPROVE
    return Outcome.of(_choice(members[name], root / name, tuple(outcome.text for outcome in Outcome)))


def _actions(members: Mapping[str, Any], root: Place, *, synchronous: bool) -> tuple[Action, ...]:
    place = root / "actions"
    if "actions" not in members:
        if not synchronous:
            root.refuse("missing_member", "a stream rule needs the member actions")
        return ()
    if synchronous:
        place.refuse("unknown_member", "a synchronous rule has an outcome, not actions")
    sources = elements_of(members["actions"], place, 1, len(ACTIONS))
    actions = tuple(_action(source, place / index) for index, source in enumerate(sources))
    if len({action.kind for action in actions}) < len(actions):
        place.refuse("duplicate", "each kind of action stands once")
    return actions


def _action(source: object, place: Place) -> Action:
    members = members_of(source, place)
    if "kind" not in members:
        place.refuse("missing_member", "an action needs the member kind")
    kind = _choice(members["kind"], place / "kind", ACTIONS)
    for name in members:
        if name != "kind" and not (name == "severity" and kind == "alert"):
            (place / name).refuse("unknown_member", "this action has no such member")
    severity = _choice(members.get("severity", "medium"), place / "severity", SEVERITIES) if kind == "alert" else ""
    return Action(kind, severity)
