"""Rules, rule sets that have decided, and the head that says which decide now (docs/data_model.md R31, R32, W30).

Rules and head share a partition, so that one query reads all that a publication rests on. A rule set stands under its
own hash and is never changed: a decision names it, and finds it again for as long as the decision is kept.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import OnConflict, Put, WriteSet
from functions.platform.web.commands import CommandsAttribute
from functions.risk.rule_life.lifecycle import RuleLife, RuleState
from functions.risk.rules import SignalSchema, compile_rule
from functions.risk.ruling.ruleset import BUCKETS, Deployed, Mode, RuleSet
from functions.risk.signal_table import SCHEMA, SYNC_SCHEMA

RULE_PREFIX: Final = "rul"
MAX_HISTORY: Final = 50
HASH_DIGITS: Final = 16
_PAGE: Final = 100


class RuleItem(State):
    """One version of a rule: its source never changes, its life does."""

    name = UnicodeAttribute(attr_name="n")
    number = IntegerAttribute(attr_name="nr")
    source = JSONAttribute(attr_name="d")
    author = UnicodeAttribute(attr_name="au")
    state = UnicodeAttribute(attr_name="s")
    share_bps = IntegerAttribute(attr_name="sh", default=BUCKETS)
    until_ms = IntegerAttribute(attr_name="u", null=True)
    woken = UnicodeAttribute(attr_name="w", null=True)
    approved_by = UnicodeAttribute(attr_name="ab", null=True)
    report = JSONAttribute(attr_name="rp", null=True)
    history = JSONAttribute(attr_name="hi")
    created_at_ms = IntegerAttribute(attr_name="t")
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik", null=True)
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib", null=True)
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    def life(self) -> RuleLife:
        return RuleLife(
            author=self.author,
            state=RuleState(self.state),
            share_bps=self.share_bps,
            until=None if self.until_ms is None else from_epoch_ms(self.until_ms),
            woken=RuleState(self.woken) if self.woken else None,
            approved_by=self.approved_by or "",
        )

    def set_life(self, life: RuleLife) -> None:
        """Write a life into the item; one that ends by itself stands in the action index until then."""
        self.state, self.share_bps = str(life.state), life.share_bps
        self.until_ms = None if life.until is None else epoch_ms(life.until)
        self.woken = str(life.woken) if life.woken else None
        self.approved_by = life.approved_by or None
        shards = container().settings.shards
        self.shard = None if life.until is None else keys.action_hour(shard_of(self.sk, shards))
        self.hour = None if life.until is None else hour_key(life.until)

    def note(self, at: datetime, what: str, by: str, reason: str = "") -> None:
        """Add to the history; beyond fifty entries the oldest but the first go."""
        entry = {"at": isoformat(at), "what": what, "by": by, **({"reason": reason} if reason else {})}
        kept = [*self.history, entry]
        self.history = kept if len(kept) <= MAX_HISTORY else [kept[0], *kept[-(MAX_HISTORY - 1) :]]


class RuleSetItem(Item):
    """A rule set as it decided, by the first half of its hash."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="p")


class HeadItem(Item):
    """Which rule sets decide now, which release of the shipped rules is in them, and how new each named list is."""

    sync = UnicodeAttribute(attr_name="sy")
    stream = UnicodeAttribute(attr_name="st")
    release = IntegerAttribute(attr_name="r")
    lists = JSONAttribute(attr_name="ls")
    version = IntegerAttribute(attr_name="v", default=0)


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything a publication rests on, in one read.

    Args:
        rules: By id.
        head: None before anything was ever published.
    """

    rules: Mapping[str, RuleItem]
    head: HeadItem | None


def short(ruleset: RuleSet) -> str:
    """What a rule set is called in keys and in decision records."""
    return ruleset.hash[:HASH_DIGITS]


def packed(ruleset: RuleSet) -> bytes:
    """A rule set as bytes."""
    rows = [[json.loads(d.rule.source), str(d.mode), d.share_bps] for d in ruleset.deployed]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 9)


def unpacked(raw: bytes) -> RuleSet:
    """Inverse of `packed`.

    Raises:
        InvalidRule: The rule language of this code no longer reads it.
    """
    rows: list[tuple[dict[str, Any], str, int]] = json.loads(zlib.decompress(raw))
    return RuleSet(tuple(Deployed(compile_rule(s, schema_of(s)), Mode(mode), share) for s, mode, share in rows))


def schema_of(source: Mapping[str, Any]) -> SignalSchema:
    """The signals a rule may use, by the pass it runs in."""
    return SCHEMA if source.get("pass") == "stream" else SYNC_SCHEMA


def read_rules(tables: Tables, *, consistent: bool = False) -> Stored:
    """R31: all rules, and the head."""
    rules: dict[str, RuleItem] = {}
    head: HeadItem | None = None
    start: RawItem | None = None
    while True:
        raw, start = tables.query_raw(Item, Path("pk") == keys.RULES, limit=_PAGE, start=start, consistent=consistent)
        for each in raw:
            if each["sk"]["S"] == keys.HEAD:
                head = HeadItem.from_raw_data(each)
            else:
                item = RuleItem.from_raw_data(each)
                rules[item.sk] = item
        if start is None:
            return Stored(rules, head)


def read_head(tables: Tables, *, consistent: bool = False) -> HeadItem | None:
    """R32: which sets decide now."""
    found: HeadItem | None = tables.get(HeadItem, keys.RULES, keys.HEAD, consistent=consistent)
    return found


def read_ruleset(tables: Tables, name: str) -> RuleSet | None:
    """R32: a rule set that decided, by its short hash."""
    item: RuleSetItem | None = tables.get(RuleSetItem, keys.ruleset(name))
    return unpacked(item.packed) if item else None


def plan_rule(item: RuleItem, on_conflict: OnConflict) -> WriteSet:
    """W30: a rule's next state over the one that was read; version 0 means that it is the first."""
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen, on_conflict))


def plan_rulesets(rulesets: Iterable[RuleSet]) -> WriteSet:
    """W30: rule sets under their hashes; to write one again writes the same."""
    items = (RuleSetItem(pk=keys.ruleset(short(each)), packed=packed(each)) for each in rulesets)
    return WriteSet.of(*(Put(item) for item in items))


def plan_head(head: HeadItem, on_conflict: OnConflict) -> WriteSet:
    """W30: what decides from now on, over the head that was read."""
    seen = head.version
    head.version = seen + 1
    return WriteSet.of(Put(head, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen, on_conflict))
