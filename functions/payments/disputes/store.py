"""Disputes as items, and the lists of them that the projector keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, parse_instant
from functions.core.ids import derived_id, id_text
from functions.payments.disputes.dispute import Dispute, Evidence, Kind, Outcome, Proposal, State, next_look
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State as StateItem
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import OnConflict, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.platform.web.context import Command

STAFF: Final = "staff"
_LIST: Final = "dis"


class DisputeItem(StateItem):
    """A dispute; 600 bytes, at most 4 KB with twenty pieces of evidence. In the action index while silence loses it."""

    kind = UnicodeAttribute(attr_name="k")
    state = UnicodeAttribute(attr_name="s")
    plan = BinaryAttribute(legacy_encoding=False, attr_name="p")
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    opened_at_ms = IntegerAttribute(attr_name="t")
    evidence_due_ms = IntegerAttribute(attr_name="du")
    evidence = JSONAttribute(attr_name="ev", null=True)
    proposed = UnicodeAttribute(attr_name="pr", null=True)
    proposed_by = UnicodeAttribute(attr_name="pb", null=True)
    decided_by = UnicodeAttribute(attr_name="db", null=True)
    reason = UnicodeAttribute(attr_name="re", null=True)
    refund = BinaryAttribute(legacy_encoding=False, attr_name="rf", null=True)
    refunded = IntegerAttribute(attr_name="ra", null=True)
    closed_at_ms = IntegerAttribute(attr_name="cl", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def plan_id(self) -> str:
        return id_text("plan", self.plan)

    @property
    def capture_id(self) -> str:
        return id_text("cap", self.plan)

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)


class DisputeRow(Item):
    """A row of a merchant's, the staff's or a plan's list of disputes."""


def list_of(owner: str) -> str:
    """Partition of a list: of a merchant, of `STAFF`, of a plan."""
    return keys.listing(owner, _LIST)


def row(owner: str, opened_at_ms: int, dispute_id: str) -> DisputeRow:
    """A dispute's place in a list."""
    return DisputeRow(pk=list_of(owner), sk=f"{opened_at_ms:013d}#{dispute_id}")


def dispute_id(secret: bytes, command: Command) -> str:
    """The public id of the dispute that a command opens."""
    return derived_id("dis", secret, command.scope)


def to_value(item: DisputeItem) -> Dispute:
    """The item's state as the pure dispute."""
    proposal = Proposal(Outcome(item.proposed), item.proposed_by or "") if item.proposed else None
    return Dispute(
        kind=Kind(item.kind),
        state=State(item.state),
        version=item.version,
        amount_minor=item.amount,
        opened_at=from_epoch_ms(item.opened_at_ms),
        evidence_due_at=from_epoch_ms(item.evidence_due_ms),
        evidence=tuple(Evidence(**{**piece, "at": parse_instant(piece["at"])}) for piece in item.evidence or ()),
        proposal=proposal,
        decided_by=tuple((item.decided_by or "").split()),
    )


def apply(item: DisputeItem, value: Dispute) -> None:
    """Write the pure dispute's state into the item, and the hour at which it is to be looked at."""
    item.kind, item.state, item.version = str(value.kind), str(value.state), value.version
    item.amount = value.amount_minor
    item.opened_at_ms, item.evidence_due_ms = epoch_ms(value.opened_at), epoch_ms(value.evidence_due_at)
    item.evidence = [_packed(piece) for piece in value.evidence] or None
    item.proposed = str(value.proposal.outcome) if value.proposal else None
    item.proposed_by = value.proposal.by if value.proposal else None
    item.decided_by = " ".join(value.decided_by) or None
    at = next_look(value)
    item.shard = keys.action_hour(shard_of(item.pk, container().settings.shards)) if at else None
    item.hour = hour_key(at) if at else None


def _packed(piece: Evidence) -> dict[str, Any]:
    return asdict(piece) | {"at": isoformat(piece.at)}


def plan_new(item: DisputeItem, on_conflict: OnConflict) -> WriteSet:
    """A new dispute, once per command."""
    return WriteSet.of(create(item, on_conflict))


def plan_change(item: DisputeItem, seen_version: int) -> WriteSet:
    """A dispute's next state over the one that was read."""
    return WriteSet.of(replace(item, seen_version))
