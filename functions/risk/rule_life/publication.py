"""What decides: the shipped rules and the stored ones as two rule sets, one for each pass. Pure but for the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from functions.core.errors import InvalidError
from functions.core.ids import derived_id
from functions.payments.store import MAX_DECISION_BYTES
from functions.platform.storage import keys
from functions.platform.storage.transactions import OnConflict, WriteSet
from functions.risk.record import most_bytes
from functions.risk.rule_life.lifecycle import RuleLife, RuleState, deployed
from functions.risk.rule_life.store import (
    RULE_PREFIX,
    HeadItem,
    RuleItem,
    Stored,
    plan_head,
    plan_rulesets,
    schema_of,
    short,
)
from functions.risk.rules import compile_rule
from functions.risk.ruling.default_rules import RELEASE, default_sources
from functions.risk.ruling.ruleset import Deployed, RuleSet

SHIPPED: Final = "whitenote"
"""Author of the rules that ship with the platform."""
MAX_RULES: Final = 200
"""Of one pass; evaluated inside every authorization, so kept to what a millisecond holds."""


class TooManyRulesError(InvalidError):
    code, title = "too_many_rules", "More rules than one decision can run and remember"


@dataclass(frozen=True, slots=True)
class Publication:
    """Both passes.

    Args:
        sync: Runs inside the authorization.
        stream: Runs after it.
    """

    sync: RuleSet
    stream: RuleSet


def rule_id(secret: bytes, name: str, number: int) -> str:
    """The public id of a version of a rule."""
    return derived_id(RULE_PREFIX, secret, name, number)


def shipped_items(secret: bytes, at_ms: int = 0) -> dict[str, RuleItem]:
    """The shipped rules as items that nobody has touched yet: version 0, live, of our own authorship."""
    return {rule_id(secret, source["id"], 1): _shipped(secret, source, at_ms) for source in default_sources()}


def _shipped(secret: bytes, source: dict[str, Any], at_ms: int) -> RuleItem:
    item = RuleItem(
        pk=keys.RULES,
        sk=rule_id(secret, source["id"], 1),
        version=0,
        name=source["id"],
        number=1,
        source=source,
        author=SHIPPED,
        history=[],
        created_at_ms=at_ms,
    )
    item.set_life(RuleLife(SHIPPED, RuleState.LIVE))
    return item


def every_rule(secret: bytes, stored: Stored) -> dict[str, RuleItem]:
    """Shipped and stored rules by id; a shipped one that somebody has touched is a stored one."""
    return {**shipped_items(secret), **stored.rules}


def publication(rules: Iterable[RuleItem], now: datetime) -> Publication:
    """The rule sets that these rules make at an instant.

    Raises:
        TooManyRulesError: They are too many, or the synchronous ones together read more than a decision record holds.
    """
    running = [d for item in rules if (d := _deployed(item, now)) is not None]
    made = Publication(
        sync=RuleSet(tuple(d for d in running if d.rule.synchronous)),
        stream=RuleSet(tuple(d for d in running if not d.rule.synchronous)),
    )
    if max(len(made.sync.deployed), len(made.stream.deployed)) > MAX_RULES:
        raise TooManyRulesError(f"a pass runs at most {MAX_RULES} rules")
    if most_bytes(made.sync) > MAX_DECISION_BYTES:
        raise TooManyRulesError("the synchronous rules together read more signals than a decision record holds")
    return made


def _deployed(item: RuleItem, now: datetime) -> Deployed | None:
    if item.state in _NOT_RUN:
        return None
    return deployed(compile_rule(item.source, schema_of(item.source)), item.life(), now)


_NOT_RUN: Final = frozenset({RuleState.DRAFT, RuleState.VALIDATED, RuleState.BACKTESTED, RuleState.RETIRED})


def plan_publication(
    rules: Mapping[str, RuleItem], head: HeadItem | None, now: datetime, on_conflict: OnConflict
) -> WriteSet:
    """Let these rules decide, if they are not those that do already.

    Args:
        rules: All of them, as they shall be.
        head: As read; its version guards against another publication meanwhile.
        now: Business time: snoozes and expiries are judged by it.
        on_conflict: Of the head.

    Raises:
        TooManyRulesError: See `publication`.
    """
    made = publication(rules.values(), now)
    after = head or HeadItem(pk=keys.RULES, sk=keys.HEAD, lists={}, version=0)
    wanted = (short(made.sync), short(made.stream), RELEASE)
    if head is not None and (head.sync, head.stream, head.release) == wanted:
        return WriteSet()
    after.sync, after.stream, after.release = wanted
    return plan_rulesets((made.sync, made.stream)) + plan_head(after, on_conflict)
