"""What decides now: rule sets, named lists and the fraud model as a container knows them, at most half a minute old.

A refresh is one small read, of the head and of the models' registry, unless something has changed. Decisions name the
set and the model they were made with: a container that is a little behind decides rightly by what it has, and says so.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from functions.core.errors import ConflictError, UnavailableError
from functions.credit.models.store import RegistryItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.risk.named_lists.lists import NamedLists
from functions.risk.named_lists.store import read_lists
from functions.risk.record import DecisionRecord, ruleset_of, unpack
from functions.risk.rule_life.in_force import InForce
from functions.risk.rule_life.publication import every_rule, plan_publication
from functions.risk.rule_life.store import HeadItem, read_rules, read_ruleset, short
from functions.risk.ruling.default_rules import RELEASE, default_ruleset
from functions.risk.ruling.ruleset import RuleSet

CACHED_S: Final = 30.0
_SETS: Final = 16
"""Rule sets kept compiled: those in force, and those that recent decisions were made with."""


class RulesetNotKeptError(ConflictError):
    code, title = "ruleset_not_kept", "The rule set of this decision is not kept, or in a language no longer spoken"


@dataclass(slots=True)
class _Copy:
    read_at: float = float("-inf")
    version: int = -1
    live: InForce | None = None
    list_versions: dict[str, int] = field(default_factory=dict)
    sets: dict[str, RuleSet] = field(default_factory=dict)


_copy = _Copy()


def forget() -> None:
    """Drop what this process remembers."""
    _copy.read_at, _copy.version, _copy.live = float("-inf"), -1, None
    _copy.list_versions.clear()
    _copy.sets.clear()


def live() -> InForce:
    """Rule sets, lists and fraud model in force.

    Raises:
        UnavailableError: Storage did not answer, or does not hold what the head names.
    """
    if _copy.live is None or time.monotonic() - _copy.read_at > CACHED_S:
        _refresh(*_read())
    assert _copy.live is not None
    return _copy.live


def _read() -> tuple[HeadItem | None, RegistryItem | None]:
    """R32: which rule sets decide, and which fraud model; in one request."""
    wanted = [(HeadItem, keys.RULES, keys.HEAD), (RegistryItem, keys.MODELS, "fraud")]
    head, models = container().tables.batch_get(wanted)
    return (
        head if isinstance(head, HeadItem) else None,
        models if isinstance(models, RegistryItem) else None,
    )


def _refresh(head: HeadItem | None, models: RegistryItem | None) -> None:
    now = time.monotonic()
    if head is None:
        _copy.live = InForce(default_ruleset(synchronous=True), default_ruleset(synchronous=False), NamedLists({}))
    elif head.version != _copy.version:
        known = _copy.live.lists if _copy.live else NamedLists({})
        changed = [name for name, version in head.lists.items() if _copy.list_versions.get(name) != version]
        lists = replace(known, until={**known.until, **read_lists(container().tables, changed)})
        _copy.live = InForce(_in_force(head.sync), _in_force(head.stream), lists, head.release)
        _copy.version, _copy.list_versions = head.version, dict(head.lists)
    assert _copy.live is not None
    champion, challenger = (models.champion, models.challenger) if models else ("", "")
    _copy.live = replace(_copy.live, fraud_model=champion, fraud_challenger=challenger or "")
    _copy.read_at = now


def _in_force(name: str) -> RuleSet:
    try:
        return ruleset(name)
    except RulesetNotKeptError:
        raise UnavailableError("the rules in force can't be read", retry_after_s=1) from None


def ruleset(name: str) -> RuleSet:
    """A rule set by its short hash, now in force or not.

    Raises:
        RulesetNotKeptError: It was never stored, or this code's rule language gives it another meaning.
    """
    found = _copy.sets.get(name) or _shipped(name)
    if found is None:
        found = read_ruleset(container().tables, name)
        if found is None or short(found) != name:
            raise RulesetNotKeptError(ruleset=name)
        if len(_copy.sets) >= _SETS:
            _copy.sets.pop(next(iter(_copy.sets)))
        _copy.sets[name] = found
    return found


def _shipped(name: str) -> RuleSet | None:
    sets = (default_ruleset(synchronous=True), default_ruleset(synchronous=False))
    return next((each for each in sets if short(each) == name), None)


def read_record(data: bytes) -> tuple[DecisionRecord, RuleSet]:
    """A stored decision and the rule set it was made with.

    Raises:
        DamagedError: No decision record of this format.
        RulesetNotKeptError: See `ruleset`.
    """
    rules = ruleset(ruleset_of(data).hex())
    return unpack(data, rules), rules


def keep_shipped() -> None:
    """Publish the shipped rules if they are newer than those in force; for the stream, which sees every decision.

    So the set that decided stands under its hash before the next release replaces it, and no authorization writes it.
    """
    if live().release >= RELEASE:
        return
    box = container()
    stored = read_rules(box.tables, consistent=True)
    if stored.head is not None and stored.head.release >= RELEASE:
        _copy.read_at = float("-inf")
        return
    rules = every_rule(box.secrets.key("ids"), stored)
    with suppress(ConditionFailedError):  # another container was faster
        commit(box.tables, plan_publication(rules, stored.head, box.clock.now(), ConditionFailedError))
    _copy.read_at = float("-inf")
