"""Payout blocks: a hand on what a merchant is to be paid, with a reason, an end, and whose hand it is.

A block covers the merchant's payouts whole, or what is owed for one order or capture. Each is an item of its own under
the merchant, named by what set it, so that two cases block and release without knowing of each other. Whoever pays out
asks `blocks_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending, Rendered, State, Told
from functions.platform.storage.table import IntegerAttribute, RawItem
from functions.platform.storage.transactions import Put, WriteSet, replace

_PAGE = 100


class BlockItem(State):
    """One hand on a merchant's payouts; 300 bytes, kept after its end as the record of it."""

    only = UnicodeAttribute(attr_name="o", null=True)
    reason = UnicodeAttribute(attr_name="re")
    since_ms = IntegerAttribute(attr_name="t")
    until_ms = IntegerAttribute(attr_name="ex")
    released_ms = IntegerAttribute(attr_name="rl", null=True)
    released_by = UnicodeAttribute(attr_name="rb", null=True)

    @property
    def set_by(self) -> str:
        return self.sk.removeprefix(keys.BLOCK)


@dataclass(frozen=True, slots=True)
class Block:
    """A payout block.

    Args:
        merchant_id: `mer_…`.
        set_by: Public id of the case or dispute that set it.
        only: The one authorization or capture it covers, or None for all that the merchant is owed.
        reason: A stable code, for example "fraud_suspected".
        since_at: Business time.
        until_at: When it ends by itself.
    """

    merchant_id: str
    set_by: str
    only: str | None
    reason: str
    since_at: datetime
    until_at: datetime

    def covers(self, authorization_id: str, capture_id: str) -> bool:
        """Whether what is owed for a capture of an order may not be paid out."""
        return self.only in {None, authorization_id, capture_id}


def find_block(merchant_id: str, set_by: str) -> BlockItem | None:
    """The block that a case or dispute set, whether it stands or not."""
    item: BlockItem | None = container().tables.get(BlockItem, merchant_id, keys.block(set_by), consistent=True)
    return item


def plan_block(
    merchant_id: str,
    set_by: str,
    *,
    reason: str,
    until_at: datetime,
    now: datetime,
    request_id: str,
    only: str | None = None,
    seen: BlockItem | None = None,
) -> WriteSet:
    """Block payouts, or prolong and widen the block of the same hand.

    Args:
        merchant_id: `mer_…`.
        set_by: Public id of the case or dispute.
        reason: A stable code.
        until_at: When it ends by itself; business time.
        now: Business time.
        request_id: The record or command that caused it.
        only: Only what is owed for this authorization or capture; None for everything.
        seen: The block of this hand as read, if there is one.
    """
    version = seen.version if seen else 0
    item = BlockItem(
        pk=merchant_id,
        sk=keys.block(set_by),
        version=version + 1,
        only=only,
        reason=reason,
        since_ms=seen.since_ms if seen and not seen.released_ms else epoch_ms(now),
        until_ms=epoch_ms(until_at),
    )
    item.tell(now, request_id, Pending("payout.blocked"))
    if seen is None:
        return WriteSet.of(Put(item, Path("pk").does_not_exist()))
    return WriteSet.of(replace(item, version))


def plan_release(item: BlockItem, *, by: str, now: datetime, request_id: str) -> WriteSet:
    """End a block; nothing where it has ended."""
    if item.released_ms:
        return WriteSet()
    seen = item.version
    item.version, item.released_ms, item.released_by = seen + 1, epoch_ms(now), by
    item.tell(now, request_id, Pending("payout.released"))
    return WriteSet.of(replace(item, seen))


def blocks_of(merchant_id: str, now: datetime) -> list[Block]:
    """The blocks that stand on a merchant's payouts at an instant."""
    tables, start, found = container().tables, None, []
    while True:
        items, start = tables.query(
            BlockItem, merchant_id, limit=_PAGE, sort=Path("sk").startswith(keys.BLOCK), start=start, consistent=True
        )
        found += [as_block(item) for item in items if not item.released_ms and item.until_ms > epoch_ms(now)]
        if start is None:
            return found


def as_block(item: BlockItem) -> Block:
    """The item as a value."""
    return Block(
        merchant_id=item.pk,
        set_by=item.set_by,
        only=item.only,
        reason=item.reason,
        since_at=from_epoch_ms(item.since_ms),
        until_at=from_epoch_ms(item.until_ms),
    )


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of `payout.blocked` and `payout.released`; staff alone hear of them."""
    block = as_block(BlockItem.from_raw_data(dict(image)))
    data = {
        "set_by": block.set_by,
        "only": block.only,
        "reason": block.reason,
        "until": isoformat(block.until_at),
        **told.note,
    }
    return Rendered(block.set_by, {"block": data}, merchant_id=block.merchant_id)
