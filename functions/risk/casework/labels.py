"""Labels: what an authorization turned out to be. Backtests, training and the merchant's own risk learn from them.

A label is written in the transaction that closes its case, so neither is there without the other. What nobody found
out (inconclusive, expired) is no label. The list keeps every finding as it became known, so that whoever learns as of
an instant learns what was known then; the authorization's own label is its last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import id_bytes, id_text
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet

_PAGE = 100


class LabelItem(Item):
    """What one authorization was: once beside the authorization, once in the list of labels."""

    authorization = BinaryAttribute(legacy_encoding=False, attr_name="a")
    fraud = BooleanAttribute(attr_name="f")
    source = UnicodeAttribute(attr_name="sr")
    by = BinaryAttribute(legacy_encoding=False, attr_name="b")
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    alias = IntegerAttribute(attr_name="al", null=True)
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    occurred_at_ms = IntegerAttribute(attr_name="t")
    known_at_ms = IntegerAttribute(attr_name="k")

    def label(self) -> Label:
        return Label(
            authorization_id=id_text("auth", self.authorization),
            merchant_id=id_text("mer", self.merchant),
            customer_id=id_text("cus", self.customer),
            fraud=bool(self.fraud),
            source=self.source,
            amount_minor=self.amount,
            currency=self.currency,
            occurred_at=from_epoch_ms(self.occurred_at_ms),
            known_at=from_epoch_ms(self.known_at_ms),
        )


@dataclass(frozen=True, slots=True)
class Label:
    """What an authorization was.

    Args:
        authorization_id: `auth_…`.
        merchant_id: `mer_…`.
        customer_id: `cus_…`.
        fraud: Confirmed fraud, or cleared.
        source: Who found out: "case" or "dispute".
        amount_minor: Of the authorization.
        currency: ISO 4217.
        occurred_at: When it was authorized; business time.
        known_at: When anyone knew. Whoever learns as of an instant takes nothing that became known later.
    """

    authorization_id: str
    merchant_id: str
    customer_id: str
    fraud: bool
    source: str
    amount_minor: int
    currency: str
    occurred_at: datetime
    known_at: datetime


def plan_label(auth: AuthorizationItem, *, fraud: bool, source: str, by: str, known_at: datetime) -> WriteSet:
    """The label of an authorization, beside it and in the list; nothing is written yet.

    Args:
        auth: Which.
        fraud: Whether it was.
        source: "case" or "dispute".
        by: Public id of the case or dispute.
        known_at: Business time.
    """
    known_at_ms = epoch_ms(known_at)
    places = ((auth.pk, keys.LABEL), (_list(), f"{known_at_ms:013d}#{auth.pk}"))
    items = (
        LabelItem(
            pk=pk,
            sk=sk,
            authorization=id_bytes(auth.pk),
            fraud=fraud,
            source=source,
            by=id_bytes(by),
            merchant=auth.merchant,
            customer=auth.customer,
            alias=auth.alias,
            amount=auth.amount,
            currency=auth.currency,
            occurred_at_ms=auth.created_at_ms,
            known_at_ms=known_at_ms,
        )
        for pk, sk in places
    )
    return WriteSet.of(*(Put(item) for item in items))


def _list() -> str:
    return keys.listing("staff", "label")


def label_of(authorization_id: str) -> Label | None:
    """What an authorization was, if anyone found out."""
    item: LabelItem | None = container().tables.get(LabelItem, authorization_id, keys.LABEL)
    return item.label() if item else None


def labels_known(since: datetime, until: datetime) -> Iterator[Label]:
    """What became known in [since, until), in that order; an authorization found out twice comes twice, the last last.

    Args:
        since: Business time, aware.
        until: Likewise.
    """
    tables, start = container().tables, None
    between = Path("sk").between(f"{epoch_ms(since):013d}", f"{epoch_ms(until):013d}")
    while True:
        items, start = tables.query(LabelItem, _list(), limit=_PAGE, sort=between, start=start)
        yield from (item.label() for item in items)
        if start is None:
            return
