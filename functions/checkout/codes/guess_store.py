"""Wrong codes as items: one per merchant, which every payment at a till reads, and one per alias guessed at."""

from __future__ import annotations

import struct
from typing import Final

from pynamodb.attributes import BinaryAttribute
from pynamodb.expressions.operand import Path

from functions.checkout.codes.wrong_codes import AliasGuesses, MerchantGuesses
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet

MERCHANT_KEPT_S: Final = 3600
ALIAS_KEPT_S: Final = 32 * 86_400
"""Over the life of an alias, which is a month."""


class GuessItem(Item):
    """Wrong codes; at most 1 KB."""

    version = IntegerAttribute(attr_name="v", default=0)
    packed = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)
    total = IntegerAttribute(attr_name="n", default=0)
    ttl = IntegerAttribute(attr_name="ttl")

    def of_merchant(self) -> MerchantGuesses:
        """Wrong codes at a merchant."""
        return MerchantGuesses.unpack(self.packed)

    def of_alias(self) -> AliasGuesses:
        """Wrong codes under an alias."""
        raw = self.packed or b""
        return AliasGuesses(struct.unpack(f">{len(raw) // 4}I", raw), self.total)


def pack_alias(guesses: AliasGuesses) -> bytes:
    """The latest instants, as stored."""
    return struct.pack(f">{len(guesses.latest_s)}I", *guesses.latest_s)


def plan_guesses(item: GuessItem) -> WriteSet:
    """The next count over the one that was read.

    Raises (at commit):
        ConditionFailedError: Another wrong code came meanwhile.
    """
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("v") == seen if seen else Path("pk").does_not_exist()))
