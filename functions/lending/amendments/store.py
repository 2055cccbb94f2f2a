"""Changed agreements as items of their plan (docs/data_model.md R60, W60): document, who accepted it, when."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.lending.amendments.document import Amendment
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import WriteSet, create

MOST = 24
"""As many re-plans as rules can allow."""


class AmendmentItem(Item):
    """One change of a plan's terms; about 1.5 KB with 24 installments. Holds no personal data."""

    document = BinaryAttribute(legacy_encoding=False, attr_name="d")  # zlib
    sha256 = BinaryAttribute(legacy_encoding=False, attr_name="h")
    document_version = IntegerAttribute(attr_name="av")
    language = UnicodeAttribute(attr_name="l")
    asked_by = UnicodeAttribute(attr_name="by")
    command = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    accepted_at_ms = IntegerAttribute(attr_name="t")
    cost = IntegerAttribute(attr_name="co")


def plan_amendment(
    plan_id: str, number: int, made: Amendment, *, asked_by: str, command: bytes, at: datetime
) -> WriteSet:
    """Keep a change of terms as accepted, in the write that makes it.

    Args:
        plan_id: Of which plan.
        number: 1 for its first re-plan.
        made: As shown.
        asked_by: "customer" or "staff".
        command: Hash of the Idempotency-Key under which it was accepted.
        at: Business time.
    """
    agreement = made.agreement
    item = AmendmentItem(
        pk=keys.amendments(plan_id),
        sk=f"{number:04d}",
        document=zlib.compress(agreement.document.encode(), 9),
        sha256=agreement.sha256,
        document_version=agreement.version,
        language=agreement.language,
        asked_by=asked_by,
        command=command,
        accepted_at_ms=epoch_ms(at),
        cost=made.cost_minor,
    )
    return WriteSet.of(create(item))


def amendments_of(plan_id: str) -> list[dict[str, Any]]:
    """All changes of a plan's terms, oldest first, as the customer sees them."""
    found, _ = container().tables.query(AmendmentItem, keys.amendments(plan_id), limit=MOST, consistent=True)
    return [
        {
            "hash": item.sha256.hex(),
            "version": item.document_version,
            "language": item.language,
            "document": zlib.decompress(item.document).decode(),
            "asked_by": item.asked_by,
            "cost_minor": item.cost,
            "accepted_at": isoformat(from_epoch_ms(item.accepted_at_ms)),
        }
        for item in found
    ]
