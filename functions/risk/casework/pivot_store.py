"""What suspicions are about (a line, a merchant), as items: its open case, if it still is, and its latest alerts."""

from __future__ import annotations

from typing import Final

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import ConditionFailedError, Put, WriteSet

MOST_ALERTS: Final = 10
"""Alerts a pivot remembers: twice what is sent in the hour that is looked at."""

MERCHANT: Final = "mer_"


class PivotItem(Item):
    """A pivot; written over the version that was read, so that two suspicions of it at once become one case."""

    case = UnicodeAttribute(attr_name="c", null=True)
    alerts = JSONAttribute(attr_name="al", null=True)
    version = IntegerAttribute(attr_name="v", default=0)

    def remember(self, alert_id: str) -> None:
        """Keep an alert in mind, the oldest beyond ten forgotten."""
        others = [each for each in self.alerts or [] if each != alert_id]
        self.alerts = [*others, alert_id][-MOST_ALERTS:]


def find_pivot(name: str) -> PivotItem:
    """A pivot as it is now, or a new one."""
    return pivot_of(name, container().tables.get(PivotItem, keys.pivot(name), consistent=True))


def pivot_of(name: str, read: Item | None) -> PivotItem:
    """A pivot as it was read, or a new one where there was none."""
    return read if isinstance(read, PivotItem) else PivotItem(pk=keys.pivot(name), version=0)


def plan_pivot(item: PivotItem) -> WriteSet:
    """W7: a pivot's next state over the one that was read."""
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen, ConditionFailedError))
