"""Dead letters as items: what no consumer could handle, kept whole until a person replays it or lets it be."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.attributes import UnicodeAttribute

from functions.core.clock import epoch_ms
from functions.core.ids import derived_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet, create
from functions.platform.web.commands import CommandsAttribute

PREFIX: Final = "dead"
WAITING, REPLAYED = "waiting", "replayed"


class DeadLetterItem(State):
    """A message that no consumer could handle."""

    source = UnicodeAttribute(attr_name="sr")
    body = UnicodeAttribute(attr_name="b")
    at_ms = IntegerAttribute(attr_name="t")
    state = UnicodeAttribute(attr_name="s", default=WAITING)
    replayed_by = UnicodeAttribute(attr_name="rb", null=True)
    replayed_ms = IntegerAttribute(attr_name="rt", null=True)
    commands = CommandsAttribute()


class DeadLetterRow(Item):
    """A row of the list of dead letters; which it is ends its sort key."""


def plan_letter(source: str, message_id: str, body: str, at: datetime) -> WriteSet:
    """A dead letter and its row; the same message twice is one letter.

    Args:
        source: Name of the queue it was found on.
        message_id: SQS's.
        body: Whole.
        at: When it was sent there.

    Raises (at commit):
        ConditionFailedError: It is kept already.
    """
    letter_id = derived_id(PREFIX, container().secrets.key("ids"), source, message_id)
    item = DeadLetterItem(pk=letter_id, version=1, source=source, body=body, at_ms=epoch_ms(at))
    row = DeadLetterRow(pk=letters_list(), sk=f"{item.at_ms:013d}#{letter_id}")
    return WriteSet.of(create(item), Put(row))


def letters_list() -> str:
    """Partition of the staff's list of them."""
    return keys.listing("staff", PREFIX)
