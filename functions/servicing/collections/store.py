"""Files of late debts as items (docs/data_model.md R46, W47)."""

from __future__ import annotations

from datetime import date
from typing import Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import derived_id, id_text
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Delete, Put, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.servicing.collections.contact import CHANNELS, OUTCOMES, Contact
from functions.servicing.statements.cycle import cut_at

PREFIX: Final = "col"
CURRENT: Final = "current"
BUCKETS: Final = ("M1", "M2", "M3", "M4+", "charged_off")
OPEN, KEPT, BROKEN = "open", "kept", "broken"
_KEPT_CONTACTS: Final = 60


class FileItem(State):
    """What is late of a customer in a currency, and what was done about it; at most 4 KB.

    Args:
        bucket: "current" where nothing is late any more, or one of `BUCKETS`.
        since: Ordinal of the oldest unpaid due day.
        overdue: Late by the last look, late charge included.
        listed: Sort key of its row in the list of its bucket.
        contacts: [ms, channel, outcome, staff subject] of the last sixty.
        promise: How the last promise to pay stands.
        promised: Its amount.
        promise_day: Its ordinal.
        promise_base: What had been collected by then on `promise_plans`.
        promise_plans: Ends of the ids of the plans that were open then.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    zone = UnicodeAttribute(attr_name="z")
    bucket = UnicodeAttribute(attr_name="b", default=CURRENT)
    since = IntegerAttribute(attr_name="sn", null=True)
    overdue = IntegerAttribute(attr_name="od", default=0)
    charged_off = IntegerAttribute(attr_name="co", default=0)
    listed = UnicodeAttribute(attr_name="li", null=True)
    contacts: JSONAttribute = JSONAttribute(attr_name="ct", default=list)
    promise = UnicodeAttribute(attr_name="p", null=True)
    promised = IntegerAttribute(attr_name="pa", null=True)
    promise_day = IntegerAttribute(attr_name="pd", null=True)
    promise_base = IntegerAttribute(attr_name="pb", null=True)
    promise_plans: JSONAttribute = JSONAttribute(attr_name="pp", null=True)
    promised_to = UnicodeAttribute(attr_name="pt", null=True)
    opened_at_ms = IntegerAttribute(attr_name="t")
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def promise_on(self) -> date | None:
        return date.fromordinal(self.promise_day) if self.promise_day else None

    def log(self) -> list[Contact]:
        """The contacts, oldest first."""
        return [
            Contact(from_epoch_ms(ms), CHANNELS[channel], OUTCOMES[outcome], by)
            for ms, channel, outcome, by in self.contacts
        ]

    def note(self, contact: Contact) -> None:
        """Add a contact; the oldest beyond sixty are forgotten."""
        entry = [epoch_ms(contact.at), CHANNELS.index(contact.channel), OUTCOMES.index(contact.outcome), contact.by]
        self.contacts = [*self.contacts, entry][-_KEPT_CONTACTS:]

    def look_after(self, on: date | None) -> None:
        """Stand in the action index for the morning of a day; None takes it out."""
        self.shard = keys.action_hour(shard_of(self.pk, container().settings.shards)) if on else None
        self.hour = hour_key(cut_at(on, self.zone)) if on else None


class FileRow(Item):
    """A row of a bucket's list."""


def file_id(secret: bytes, customer_id: str, currency: str) -> str:
    """The one file of a customer in a currency."""
    return derived_id(PREFIX, secret, customer_id, currency)


def rows_key(bucket: str) -> str:
    """Partition of the list of a bucket."""
    return keys.listing("staff", f"late-{bucket}")


def plan_file(item: FileItem, seen_version: int, before: tuple[str, str] | None) -> WriteSet:
    """W47: a file, new or over the version that was read, and its row where the bucket has changed.

    Args:
        item: To be written; `listed` is set here.
        seen_version: 0 for a new one.
        before: Bucket and sort key of the row as read, if there was one.

    Raises (at commit):
        ConditionFailedError: Somebody was faster.
    """
    rows = WriteSet()
    after = (item.bucket, f"{item.opened_at_ms:013d}#{item.pk}") if item.bucket != CURRENT else None
    if before != after:
        if before:
            rows += WriteSet.of(Delete(FileRow, rows_key(before[0]), before[1]))
        if after:
            rows += WriteSet.of(Put(FileRow(pk=rows_key(after[0]), sk=after[1])))
    item.listed = after[1] if after else None
    return WriteSet.of(replace(item, seen_version) if seen_version else create(item)) + rows
