"""Merchants as items: the merchant, its row in the staff's list, and its API keys as it lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.merchants import kyb, payout_change
from functions.merchants.keyring import MerchantKeysItem
from functions.merchants.merchant import Merchant
from functions.platform.credentials import ApiKeyItem
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Delete, Put, Update, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

PREFIX: Final = "mer"


class MerchantItem(State):
    """A merchant; 300 bytes as a rule, at most 2 KiB."""

    name = UnicodeAttribute(attr_name="nm")
    country = UnicodeAttribute(attr_name="co")
    zone = UnicodeAttribute(attr_name="zn")
    limits = UnicodeAttribute(attr_name="lm")
    categories = UnicodeAttribute(attr_name="ca")
    status = UnicodeAttribute(attr_name="st")
    cutoff = UnicodeAttribute(attr_name="cf")
    payout_mode = UnicodeAttribute(attr_name="pm")
    wrapped_key = BinaryAttribute(legacy_encoding=False, attr_name="wk", null=True)
    payout_account = BinaryAttribute(legacy_encoding=False, attr_name="pa", null=True)
    payout_last4 = UnicodeAttribute(attr_name="p4", null=True)
    kyb = JSONAttribute(attr_name="ky", null=True)
    payout_next = BinaryAttribute(legacy_encoding=False, attr_name="pn", null=True)
    payout_change = JSONAttribute(attr_name="pc", null=True)
    contact = BinaryAttribute(legacy_encoding=False, attr_name="cn", null=True)
    reason = UnicodeAttribute(attr_name="rs", null=True)
    changed_by = UnicodeAttribute(attr_name="by", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ck")
    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")
    commands = CommandsAttribute()
    created_at_ms = IntegerAttribute(attr_name="t")
    live_at_ms = IntegerAttribute(attr_name="lt", null=True)


class MerchantRow(Item):
    """A merchant in the staff's list, by the time it was created."""


class KeyEntryItem(State):
    """An API key as its merchant lists it; the key itself is stored nowhere, its hash finds what judges it."""

    name = UnicodeAttribute(attr_name="nm", null=True)
    scopes = UnicodeAttribute(attr_name="sc")
    hash = BinaryAttribute(legacy_encoding=False, attr_name="h")
    hint = UnicodeAttribute(attr_name="hn")
    created_at_ms = IntegerAttribute(attr_name="t")
    expires_at_ms = IntegerAttribute(attr_name="ex", null=True)
    revoked_at_ms = IntegerAttribute(attr_name="rv", null=True)
    used_at_ms = IntegerAttribute(attr_name="lu", null=True)
    successor = UnicodeAttribute(attr_name="rt", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ck")
    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")

    @property
    def key_id(self) -> str:
        return self.sk.removeprefix(keys.KEY_ENTRIES)

    def status(self, now: datetime) -> str:
        """One of "live", "expiring" (rotated, in its overlap), "expired", "revoked"; wall time."""
        if self.revoked_at_ms:
            return "revoked"
        if not self.expires_at_ms:
            return "live"
        return "expiring" if epoch_ms(now) < self.expires_at_ms else "expired"


def as_merchant(item: MerchantItem, ring: MerchantKeysItem) -> Merchant:
    """The items as a value."""
    return Merchant(
        id=item.pk,
        name=item.name,
        country=item.country,
        zone=item.zone,
        max_amount_minor=json.loads(item.limits),
        categories=tuple(item.categories.split()),
        status=item.status,
        keys_version=ring.keys_version,
        cutoff=item.cutoff,
        payout_mode=item.payout_mode,
        created_at=from_epoch_ms(item.created_at_ms),
        version=item.version,
        payout_change=payout_change.from_json(item.payout_change),
        kyb=kyb.from_json(item.kyb),
        live_at=from_epoch_ms(item.live_at_ms) if item.live_at_ms else None,
    )


def promote(item: MerchantItem, now: datetime) -> None:
    """Put the new payout account in force when its 48 hours are over; the next write keeps it so."""
    change = payout_change.from_json(item.payout_change)
    if change is not None and change.is_effective(now):
        item.payout_account, item.payout_last4 = item.payout_next, change.last4
        item.payout_next = item.payout_change = None


def pack_limits(limits: Mapping[str, int]) -> str:
    """Largest order by currency, as stored."""
    return json.dumps(dict(limits), separators=(",", ":"))


def merchants_list() -> str:
    """Partition of the staff's list of merchants."""
    return keys.listing("staff", "merchants")


def row_of(item: MerchantItem) -> MerchantRow:
    """The merchant's place in the staff's list."""
    return MerchantRow(pk=merchants_list(), sk=f"{item.created_at_ms:013d}#{item.pk}")


def plan_new(item: MerchantItem) -> WriteSet:
    """A new merchant with its first generation of keys, none yet.

    Raises (at commit):
        ConditionFailedError: The same command has made it meanwhile.
    """
    ring = MerchantKeysItem(pk=keys.merchant_keys(item.pk), status=item.status)
    return WriteSet.of(create(item), create(ring), create(row_of(item)))


def plan_change(item: MerchantItem, seen_version: int) -> WriteSet:
    """A merchant over the version that was read."""
    return WriteSet.of(replace(item, seen_version))


def plan_status(item: MerchantItem, seen_version: int) -> WriteSet:
    """A merchant with another status, known to the calls that move money at once."""
    told = Update(
        MerchantKeysItem, keys.merchant_keys(item.pk), keys.SELF, (Path("st").set(item.status),), Path("pk").exists()
    )
    return plan_change(item, seen_version) + WriteSet.of(told)


def plan_key(judged: ApiKeyItem, entry: KeyEntryItem) -> WriteSet:
    """A new key: what judges it, and its place in the merchant's list.

    Raises (at commit):
        ConditionFailedError: The same command has made it meanwhile.
    """
    return WriteSet.of(create(entry), create(judged))


def plan_expiry(entry: KeyEntryItem, seen_version: int) -> WriteSet:
    """A key that ends at its time.

    Raises (at commit):
        ConditionFailedError: It was rotated or revoked meanwhile.
    """
    judged = Update(ApiKeyItem, _judged(entry), keys.SELF, (Path("ex").set(entry.expires_at_ms),), Path("pk").exists())
    return WriteSet.of(replace(entry, seen_version), judged)


def plan_revocation(
    entry: KeyEntryItem, seen_version: int, ring: MerchantKeysItem, others: Sequence[KeyEntryItem]
) -> WriteSet:
    """A key that ends now, for the authorizer and for those who still hold its answer.

    Args:
        entry: As it will be.
        seen_version: As it was read.
        ring: Of the next generation already.
        others: Keys that stay; they join the new generation, so that none ever falls far behind.

    Raises (at commit):
        ConditionFailedError: A key changed meanwhile.
    """
    join = (Path("kv").set(ring.keys_version),)
    return WriteSet.of(
        replace(entry, seen_version),
        Delete(ApiKeyItem, _judged(entry), keys.SELF),
        Put(ring, Path("kv") == ring.keys_version - 1),
        *(Update(ApiKeyItem, _judged(other), keys.SELF, join, Path("pk").exists()) for other in others),
    )


def _judged(entry: KeyEntryItem) -> str:
    return keys.api_key(entry.hash.hex())
