"""The sandbox channel: takes every message, writes it into a log that can be asked and read, and shows it.

The log is the channel: a message is taken when its log entry is written, and only then. Each taking is an item of its
own, so a message taken twice would stand there twice. On the local platform the message is also handed to the embedded
SES and SNS, so that a person finds it in their inbox; nothing depends on that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pynamodb.attributes import UnicodeAttribute

from functions.core.clock import epoch_ms, isoformat
from functions.core.ids import new_id
from functions.messaging.channel import MessageChannel, NotTakenError, Outgoing, RefusedError
from functions.platform.observability import log
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import WriteSet, commit, create

if TYPE_CHECKING:
    from functions.platform.container import Container

KEPT: Final = timedelta(days=90)
SHOWN_STAGES: Final = frozenset({"local", "test"})
REFUSED_ADDRESSES: Final = frozenset({"refused@example.com", "bounce@simulator.amazonses.com", "+10000000001"})
AWAY_ADDRESSES: Final = frozenset({"away@example.com", "+10000000002"})


class SentItem(Item):
    """One taking of one message."""

    channel = UnicodeAttribute(attr_name="ch")
    template = UnicodeAttribute(attr_name="k")
    language = UnicodeAttribute(attr_name="l")
    subject = UnicodeAttribute(attr_name="su", null=True)
    text = UnicodeAttribute(attr_name="tx", null=True)
    business_at_ms = IntegerAttribute(attr_name="bt")
    wall_at_ms = IntegerAttribute(attr_name="wt")
    inbox = UnicodeAttribute(attr_name="gk", default=keys.SANDBOX_INBOX)
    place = UnicodeAttribute(attr_name="gs")
    ttl = IntegerAttribute(attr_name="ttl")

    @property
    def tag(self) -> str:
        return self.pk.partition("#")[2]


class SandboxChannel:
    """Takes messages for every channel; refuses and is away for the addresses listed above.

    Args:
        box: Gives tables, clock and, where messages are shown, the clients of SES and SNS.
    """

    sandbox = True

    def __init__(self, box: Container) -> None:
        self.box = box
        self._shown: MessageChannel | None = None

    def send(self, message: Outgoing) -> str:
        if message.address in REFUSED_ADDRESSES:
            raise RefusedError("address_rejected")
        if message.address in AWAY_ADDRESSES:
            raise NotTakenError("the sandbox channel is away for this address")
        wall = self.box.clock.wall()
        provider_id = new_id("snt", wall)
        business = self.box.clock.now()
        entry = SentItem(
            pk=keys.sandbox_sent(message.tag),
            sk=provider_id,
            channel=message.channel,
            template=message.template,
            language=message.language,
            subject=None if message.secret else message.subject or None,
            text=None if message.secret else message.text,
            business_at_ms=epoch_ms(business),
            wall_at_ms=epoch_ms(wall),
            place=f"{isoformat(business)}#{message.tag}",
            ttl=int((wall + KEPT).timestamp()),
        )
        commit(self.box.tables, WriteSet.of(create(entry)))
        self._show(message)
        return provider_id

    def find(self, tag: str, channel: str) -> bool | None:
        found, _ = self.box.tables.query(SentItem, keys.sandbox_sent(tag), limit=10, consistent=True)
        return any(entry.channel == channel for entry in found)

    def log_lag(self, channel: str) -> timedelta:  # noqa: ARG002  the same for all
        return timedelta()

    def _show(self, message: Outgoing) -> None:
        if self.box.settings.stage not in SHOWN_STAGES:
            return
        from functions.messaging.aws import AwsChannel

        self._shown = self._shown or AwsChannel(self.box)
        try:
            self._shown.send(message)
        except Exception as error:  # noqa: BLE001  the log has it; a missing picture of it undoes nothing
            log().warning("message not shown", extra={"message_id": message.tag, "error": type(error).__name__})


_: type[MessageChannel] = SandboxChannel
