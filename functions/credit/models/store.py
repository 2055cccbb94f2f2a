"""The registry of a model, its shadow scores, its histograms and its drift reports, as items."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import isoformat, parse_instant
from functions.credit.models.artifacts import Managed, release_of
from functions.credit.models.registry import Proposal, Registry, Step
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import Put, Update, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

_KEPT_STEPS: Final = 50
_SEEN_LIFE_S: Final = 48 * 3600
_PAGE: Final = 100


class RegistryItem(State):
    """Who is champion and who is challenger of one model."""

    champion = UnicodeAttribute(attr_name="ch")
    former = JSONAttribute(attr_name="fo")
    challenger = UnicodeAttribute(attr_name="cl", null=True)
    challenged_at = UnicodeAttribute(attr_name="ca", null=True)
    proposal = JSONAttribute(attr_name="pr", null=True)
    history = JSONAttribute(attr_name="hi")
    commands = CommandsAttribute()


class ShadowItem(Item):
    """One case that champion and challenger scored alike: figures only, nothing of the person."""

    champion = UnicodeAttribute(attr_name="ch")
    figures = JSONAttribute(attr_name="f")
    subject = UnicodeAttribute(attr_name="s")  # whose outcome will tell: a limit file's or an order's id, or ""
    ttl = IntegerAttribute(attr_name="ttl", null=True)


class HistogramItem(Item):
    """How many values fell into each bin in one week: an attribute per bin, changed by ADD alone."""


class DriftReportItem(State):
    """What a week's histogram came to."""

    model = UnicodeAttribute(attr_name="mo")
    rows = IntegerAttribute(attr_name="n")
    drifts = JSONAttribute(attr_name="d")
    alarms = JSONAttribute(attr_name="a")


class TallyItem(Item):
    """Counts by month: an attribute per count, changed by ADD alone."""


class CountedItem(Item):
    """A consumer's note that it has counted an event."""

    ttl = IntegerAttribute(attr_name="ttl")


def read_registry(model: Managed, *, consistent: bool = False) -> tuple[Registry, RegistryItem | None]:
    """Roles of a model's versions; until people act, the package's release is champion."""
    tables: Tables = container().tables
    item = tables.get(RegistryItem, keys.MODELS, model, consistent=consistent)
    if item is None:
        return Registry(release_of(model).version), None
    return _value(item), item


def _value(item: RegistryItem) -> Registry:
    asked = item.proposal
    return Registry(
        champion=item.champion,
        former=tuple(item.former),
        challenger=item.challenger or None,
        challenged_at=parse_instant(item.challenged_at) if item.challenged_at else None,
        proposal=Proposal(**{**asked, "at": parse_instant(asked["at"])}) if asked else None,
        history=tuple(Step(**{**step, "at": parse_instant(step["at"])}) for step in item.history),
    )


def registry_item(model: Managed, registry: Registry, version: int) -> RegistryItem:
    """A registry as it is stored; the last fifty acts are kept here, every one went out as an event."""
    asked = registry.proposal
    return RegistryItem(
        pk=keys.MODELS,
        sk=model,
        version=version,
        champion=registry.champion,
        former=list(registry.former),
        challenger=registry.challenger,
        challenged_at=isoformat(registry.challenged_at) if registry.challenged_at else None,
        proposal=present_proposal(asked) if asked else None,
        history=[present_step(step) for step in registry.history[-_KEPT_STEPS:]],
    )


def present_proposal(asked: Proposal) -> dict[str, Any]:
    """A proposal as JSON values."""
    return {"version": asked.version, "by": asked.by, "reason": asked.reason, "at": isoformat(asked.at)}


def present_step(step: Step) -> dict[str, Any]:
    """An act as JSON values."""
    return {
        "what": step.what, "version": step.version, "by": step.by, "reason": step.reason, "at": isoformat(step.at),
    }  # fmt: skip


def plan_registry(item: RegistryItem, seen_version: int | None) -> WriteSet:
    """A registry over the version that was read; None: it is the first."""
    return WriteSet.of(create(item) if seen_version is None else replace(item, seen_version))


def plan_shadow(item: ShadowItem) -> WriteSet:
    """A case's two scores; the same case twice is one item."""
    return WriteSet.of(Put(item))


def shadow_scores(challenger: str, most: int) -> list[ShadowItem]:
    """Up to so many cases of a challenger's shadow.

    Their ids are keyed hashes, so that what is cut off is a matter of chance, not of time.
    """
    tables: Tables = container().tables
    found: list[ShadowItem] = []
    start: RawItem | None = None
    while len(found) < most:
        items, start = tables.query(ShadowItem, keys.shadow(challenger), limit=_PAGE, start=start)
        found += items
        if start is None:
            break
    return found[:most]


def plan_bins(version: str, week: str, bins: dict[str, int], event_id: str, wall: datetime) -> WriteSet:
    """Count one row's bins once per event.

    Args:
        version: Of the model that scored it.
        week: As `watch.week_of` names it.
        bins: How often, by attribute name.
        event_id: Of the event that brought the row.
        wall: Wall time.

    Raises (at commit):
        ConditionFailedError: Counted already.
    """
    actions = tuple(Path(name).add(by) for name, by in bins.items())
    note = CountedItem(pk=keys.seen("histogram", event_id), ttl=int(wall.timestamp()) + _SEEN_LIFE_S)
    return WriteSet.of(Update(HistogramItem, keys.drift(version), week, actions), create(note))


def read_bins(version: str, week: str) -> dict[str, int]:
    """The counts of a week by attribute name; empty if nothing was counted."""
    raw = container().tables.dispatch(
        "GetItem",
        {
            "TableName": container().tables.name_of(HistogramItem),
            "Key": {"pk": {"S": keys.drift(version)}, "sk": {"S": week}},
        },
    )
    return _counts(raw.get("Item", {}))


def plan_tally(pk: str, sk: str, counts: dict[str, int]) -> WriteSet:
    """Add to a month's counts; guarded by whatever else is in the same write."""
    return WriteSet.of(Update(TallyItem, pk, sk, tuple(Path(name).add(by) for name, by in counts.items())))


def read_tallies(pk: str) -> dict[str, dict[str, int]]:
    """All months of a tally by sort key."""
    tables: Tables = container().tables
    found: dict[str, dict[str, int]] = {}
    start: RawItem | None = None
    while True:
        rows, start = tables.query_raw(TallyItem, Path("pk") == pk, limit=_PAGE, start=start)
        found |= {row["sk"]["S"]: _counts(row) for row in rows}
        if start is None:
            return found


def _counts(row: RawItem) -> dict[str, int]:
    return {name: int(value["N"]) for name, value in row.items() if name not in {"pk", "sk", "ttl"} and "N" in value}


def plan_report(item: DriftReportItem) -> WriteSet:
    """A week's report, once."""
    return WriteSet.of(create(item))


def read_reports(version: str, most: int) -> list[DriftReportItem]:
    """The latest reports of a model, newest first."""
    tables: Tables = container().tables
    items, _ = tables.query(
        DriftReportItem, keys.drift(version), limit=most, sort=Path("sk").startswith(keys.DRIFT_REPORTS), forward=False
    )
    return items
