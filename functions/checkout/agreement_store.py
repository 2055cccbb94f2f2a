"""Agreements as shown and accepted: the very document, by its hash and by whom, kept as proof (data_model.md, W9).

One that was only shown goes by its TTL.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.core.ids import id_bytes
from functions.lending.agreements.agreement import Agreement
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, RawItem
from functions.platform.storage.transactions import Put, Update, WriteSet

KEPT_UNACCEPTED: Final = timedelta(days=30)


class AcceptedAlreadyError(Exception):
    """The document is kept as accepted."""


class AgreementItem(Item):
    """One document that one customer was shown or accepted; holds no personal data."""

    document = BinaryAttribute(legacy_encoding=False, attr_name="d")  # zlib
    version = IntegerAttribute(attr_name="av")
    language = UnicodeAttribute(attr_name="l")
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    quote = BinaryAttribute(legacy_encoding=False, attr_name="q")
    command = BinaryAttribute(legacy_encoding=False, attr_name="ik", null=True)
    shown_at_ms = IntegerAttribute(attr_name="sh", null=True)
    accepted_at_ms = IntegerAttribute(attr_name="t", null=True)
    ttl = IntegerAttribute(attr_name="ttl", null=True)

    def text(self) -> str:
        """The document as it was shown."""
        return zlib.decompress(self.document).decode()


def plan_accepted(
    agreement: Agreement, customer_id: str, merchant_id: str, *, quote: bytes, command: bytes, at: datetime
) -> WriteSet:
    """Keep what was accepted; accepting the same document again keeps the last acceptance.

    Args:
        agreement: As shown.
        customer_id: Who accepts it, signed in.
        merchant_id: Whose sale it finances.
        quote: Hash of the quote it was written for.
        command: Hash of the Idempotency-Key under which it was accepted.
        at: Wall instant.
    """
    item = _item(agreement, customer_id, merchant_id, quote)
    item.command, item.accepted_at_ms = command, epoch_ms(at)
    return WriteSet.of(Put(item))


def plan_shown(agreement: Agreement, customer_id: str, merchant_id: str, *, quote: bytes, at: datetime) -> WriteSet:
    """Keep what is shown, so that it can be accepted by its hash.

    Args:
        agreement: As shown.
        customer_id: Who sees it, signed in.
        merchant_id: Whose sale it would finance.
        quote: Hash of the quote it was written for.
        at: Wall instant.

    Raises (at commit):
        AcceptedAlreadyError: She accepted this very document before, and that proof stays as it is.
    """
    item = _item(agreement, customer_id, merchant_id, quote)
    item.shown_at_ms, item.ttl = epoch_ms(at), int((at + KEPT_UNACCEPTED).timestamp())
    return WriteSet.of(Put(item, Path("t").does_not_exist(), _accepted))


def plan_shown_accepted(document_hash: bytes, customer_id: str, *, command: bytes, at_ms: int) -> WriteSet:
    """What was shown was accepted; the first acceptance stays.

    Args:
        document_hash: SHA-256.
        customer_id: Whose.
        command: Hash of the Idempotency-Key under which it was accepted.
        at_ms: Instant of the acceptance.

    Raises (at commit):
        AcceptedAlreadyError: It is kept as accepted.
    """
    actions = (Path("ik").set(command), Path("t").set(at_ms), Path("ttl").remove())
    place = keys.agreement(document_hash.hex())
    shown = Path("pk").exists() & Path("t").does_not_exist()
    return WriteSet.of(Update(AgreementItem, place, customer_id, actions, shown, _accepted))


def _accepted(_: RawItem | None) -> Exception:
    return AcceptedAlreadyError()


def _item(agreement: Agreement, customer_id: str, merchant_id: str, quote: bytes) -> AgreementItem:
    return AgreementItem(
        pk=keys.agreement(agreement.sha256.hex()),
        sk=customer_id,
        document=zlib.compress(agreement.document.encode(), 9),
        version=agreement.version,
        language=agreement.language,
        merchant=id_bytes(merchant_id),
        quote=quote,
    )
