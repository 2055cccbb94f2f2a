"""Counters and terminal histories as items (docs/data_model.md R1, R30, W8); the stream alone writes them."""

from __future__ import annotations

from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet
from functions.risk.counters import Counter
from functions.risk.fraud.features import TerminalHistory
from functions.risk.signals import MerchantFacts

MIXED: Final = "-"


class Counted(Item):
    """One shard of something counted; shard 0 says how many there are."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)
    shards = IntegerAttribute(attr_name="n", default=1)
    version = IntegerAttribute(attr_name="v", default=0)


class CounterItem(Counted):
    """Windows and distinct counts of one device, address, instrument or merchant."""

    def counter(self) -> Counter:
        return Counter.unpack(self.packed) if self.packed else Counter()


class TerminalItem(Counted):
    """Orders and known frauds of one till or online merchant: the little that an authorization reads of it."""

    orders_30d = IntegerAttribute(attr_name="c", default=0)
    sum_30d_minor = IntegerAttribute(attr_name="s", default=0)
    currency = UnicodeAttribute(attr_name="cu", null=True)  # of all orders so far; MIXED once there were two

    def history(self) -> TerminalHistory:
        return TerminalHistory.unpack(self.packed) if self.packed else TerminalHistory()

    def merchant(self, currency: str) -> MerchantFacts:
        """The merchant's orders of 30 days when something was last counted here; none where currencies are mixed."""
        same = self.currency == currency
        return MerchantFacts(self.orders_30d, self.sum_30d_minor) if same else MerchantFacts()


def plan_counted(item: Counted) -> WriteSet:
    """W8: its next state over the one that was read."""
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen))
