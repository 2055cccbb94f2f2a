"""Many rules as one: evaluated together, hashed together, the worst outcome wins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from functions.risk.expression.tree import Signals
from functions.risk.rules import GRAMMAR, Rule, SignalSchema, compile_rule
from functions.risk.ruling.outcomes import Outcome

BUCKETS: Final = 10_000
"""A canary rule counts for a share of decisions, told apart by a bucket of 0 … 9999."""

_FALSE, _TRUE, _UNKNOWN, _SKIPPED = range(4)
_CODES: Final = {False: _FALSE, True: _TRUE, None: _UNKNOWN}


class Mode(StrEnum):
    """How much a deployed rule counts."""

    SHADOW = "shadow"  # evaluated and recorded, never counted
    CANARY = "canary"  # counted for a share of decisions, recorded for all
    LIVE = "live"
    SNOOZED = "snoozed"  # not evaluated until it is woken


@dataclass(frozen=True, slots=True)
class Deployed:
    """A rule and how much it counts.

    Args:
        rule: Compiled.
        mode: See `Mode`.
        share_bps: For a canary, the share of decisions for which it counts.
    """

    rule: Rule
    mode: Mode = Mode.LIVE
    share_bps: int = BUCKETS

    def counts(self, bucket: int) -> bool:
        """Whether it counts for the decision with this bucket (0 … 9999)."""
        return self.mode is Mode.LIVE or (self.mode is Mode.CANARY and bucket < self.share_bps)


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that matched (or, with `when_unknown` set, could not tell)."""

    rule: Rule
    outcome: Outcome
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleSetResult:
    """What all rules said.

    Args:
        outcome: The worst of the rules that counted.
        fired: Those that counted and asked for something, worst first, then by id.
        shadow: Those that matched and did not count.
        unknown: Ids of the rules that could not tell, and why.
        bits: Two bits per rule in the order of the set, least significant first: 0 no, 1 yes, 2 unknown, 3 not run.
    """

    outcome: Outcome
    fired: tuple[Fired, ...]
    shadow: tuple[Fired, ...]
    unknown: Mapping[str, tuple[str, ...]]
    bits: bytes


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in order of id, with one hash over all that gives them meaning.

    Args:
        deployed: Ids must be unique; any order, it doesn't matter.
    """

    deployed: tuple[Deployed, ...]
    signals: tuple[str, ...] = field(init=False)
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.deployed, key=lambda d: d.rule.id))
        ids = [d.rule.id for d in ordered]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two rules have the id {next(i for i in ids if ids.count(i) > 1)}")
        object.__setattr__(self, "deployed", ordered)
        object.__setattr__(self, "signals", tuple(sorted({s for d in ordered for s in d.rule.signals})))
        text = json.dumps(
            [GRAMMAR, [[json.loads(d.rule.source), d.mode, d.share_bps] for d in ordered]],
            sort_keys=True,
            separators=(",", ":"),
        )
        object.__setattr__(self, "hash", hashlib.sha256(text.encode()).hexdigest())

    @classmethod
    def compile(cls, sources: Iterable[Any], signals: SignalSchema) -> RuleSet:
        """All of them live.

        Raises:
            InvalidRule: The first that can't be compiled.
        """
        return cls(tuple(Deployed(compile_rule(source, signals)) for source in sources))

    @property
    def list_keys(self) -> tuple[str, ...]:
        """`list:name` of every named list that a rule looks something up in."""
        return tuple(name for name in self.signals if SignalSchema.is_list_name(name))

    def evaluate(self, signals: Signals, bucket: int = 0) -> RuleSetResult:
        """Run every rule; never raises for what is in `signals`.

        Args:
            signals: Flat names to values.
            bucket: 0 … 9999, a stable hash of the decision's subject, for canaries.
        """
        fired: list[Fired] = []
        shadow: list[Fired] = []
        unknown: dict[str, tuple[str, ...]] = {}
        codes = shift = 0
        for deployed in self.deployed:
            if deployed.mode is Mode.SNOOZED:
                codes |= _SKIPPED << shift
            else:
                rule = deployed.rule
                result = rule.evaluate(signals)
                matched = result.matched
                if matched is not False:
                    codes |= _CODES[matched] << shift
                    if matched is None:
                        unknown[rule.id] = result.why
                    outcome = rule.outcome if matched else rule.when_unknown
                    if matched or outcome is not Outcome.APPROVE:
                        into = fired if deployed.counts(bucket) else shadow
                        into.append(Fired(rule, outcome, result.why))
            shift += 2
        fired.sort(key=lambda f: -f.outcome)
        return RuleSetResult(
            outcome=fired[0].outcome if fired else Outcome.APPROVE,
            fired=tuple(fired),
            shadow=tuple(shadow),
            unknown=unknown,
            bits=codes.to_bytes((shift + 7) // 8, "little"),
        )

    def results(self, bits: bytes) -> dict[str, str]:
        """What each rule said, from the packed bits of a decision made with this very set.

        Raises:
            ValueError: The bits are of a set of another size.
        """
        if len(bits) != (2 * len(self.deployed) + 7) // 8:
            raise ValueError(f"{len(bits)} bytes can't be the results of {len(self.deployed)} rules")
        codes = int.from_bytes(bits, "little")
        words = ("no", "yes", "unknown", "not run")
        return {d.rule.id: words[codes >> 2 * i & 3] for i, d in enumerate(self.deployed)}

    def snapshot(self, signals: Signals) -> dict[str, Any]:
        """Just what this set reads of the signals: evaluating the snapshot gives the same result.

        A named list is cut down to the members that are the value of some signal, which is all a rule can see of it.
        """
        seen = {name: signals[name] for name in self.signals if signals.get(name) is not None}
        values = {value for value in seen.values() if isinstance(value, str | int)}
        return {
            name: frozenset(value & values) if isinstance(value, frozenset | set) else value
            for name, value in seen.items()
        }
