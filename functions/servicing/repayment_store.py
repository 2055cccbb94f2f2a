"""Repayments as items (docs/data_model.md R12, W10), and receipts that nobody knows the sender of."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import ID_BYTES, derived_id, id_bytes, id_text
from functions.lending.allocation import Allocation, Part
from functions.platform.signing import BadSignatureError, sign, verify
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.platform.web.context import Command
from functions.servicing.ports import RailWord
from functions.servicing.repayment import Status, Wish


class RepaymentItem(State):
    """Money from a customer; under 1 KB for up to eight plans.

    Args:
        provider: The rail's own reference.
        parts: Per plan: id, amount, and of it principal, fee and late charge.
        credited: What went to the credit balance.
        unowned: What of it went there beside the plans: `take_back` wants it apart.
        candidates: Plans it may go to, while it is not known whether the money comes.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    status = UnicodeAttribute(attr_name="s")
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    intent = UnicodeAttribute(attr_name="i")
    plan = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)
    mode = UnicodeAttribute(attr_name="mo", null=True)
    value_day = IntegerAttribute(attr_name="d")
    provider = UnicodeAttribute(attr_name="pr")
    failure = UnicodeAttribute(attr_name="fc", null=True)
    parts = JSONAttribute(attr_name="pa", null=True)
    credited = IntegerAttribute(attr_name="cr", null=True)
    unowned = IntegerAttribute(attr_name="cx", null=True)
    candidates = BinaryAttribute(legacy_encoding=False, attr_name="l", null=True)
    created_at_ms = IntegerAttribute(attr_name="t")
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def plan_id(self) -> str | None:
        return id_text("plan", self.plan) if self.plan else None

    def wish(self) -> Wish:
        """What the customer wanted, and where the money may go or has gone."""
        return Wish(
            customer_id=self.customer_id,
            amount_minor=self.amount,
            currency=self.currency,
            intent=self.intent,
            plan_id=self.plan_id,
            mode=self.mode or "",
            value_on=date.fromordinal(self.value_day),
            asked_at=from_epoch_ms(self.created_at_ms),
            plan_ids=_ids(self.candidates) or tuple([part.plan_id for part in self.allocated()]),
            key=self.key,
            body=self.body,
        )

    def allocated(self) -> tuple[Part, ...]:
        """What went to which plan."""
        return tuple([Part(f"plan_{tail}", amount) for tail, amount, *_rest in self.parts or ()])

    def allocate(self, allocation: Allocation) -> None:
        """Remember how the money was spread."""
        self.parts = [
            [part.plan_id.removeprefix("plan_"), part.amount_minor, *_split(allocation, part.plan_id)]
            for part in allocation.parts
        ]
        self.credited = allocation.effect.credit_balance_minor or None
        self.unowned = allocation.credit_minor or None
        self.candidates = None


def _split(allocation: Allocation, plan_id: str) -> tuple[int, int, int]:
    effect = allocation.effects[plan_id]
    return effect.principal_minor, effect.fee_minor, effect.late_minor


def _ids(raw: bytes | None) -> tuple[str, ...]:
    data = raw or b""
    return tuple([id_text("plan", data[at : at + ID_BYTES]) for at in range(0, len(data), ID_BYTES)])


ASSIGNED: Final = "assigned"


class ReceiptItem(State):
    """Money on the rail that no repayment of ours asked for; waits for a person to say whose it is.

    Args:
        repayment: What it became.
    """

    status = UnicodeAttribute(attr_name="s")
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    provider = UnicodeAttribute(attr_name="pr")
    reference = UnicodeAttribute(attr_name="r")
    created_at_ms = IntegerAttribute(attr_name="t")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c", null=True)
    repayment = BinaryAttribute(legacy_encoding=False, attr_name="rp", null=True)
    assigned_by = UnicodeAttribute(attr_name="by", null=True)
    reason = UnicodeAttribute(attr_name="re", null=True)
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    commands = CommandsAttribute()

    @property
    def customer_id(self) -> str | None:
        return id_text("cus", self.customer) if self.customer else None

    @property
    def repayment_id(self) -> str | None:
        return id_text("rep", self.repayment) if self.repayment else None

    def assign(self, customer_id: str, repayment: str, by: str, reason: str) -> None:
        """Remember whose it is, what it became, and who said so why."""
        self.customer, self.repayment = id_bytes(customer_id), id_bytes(repayment)
        self.assigned_by, self.reason = by, reason


class ReceiptRow(Item):
    """A row of the staff's list of receipts."""


def receipts_key() -> str:
    """Partition of the staff's list of receipts."""
    return keys.listing("staff", "receipt")


def plan_receipt_row(item: ReceiptItem) -> WriteSet:
    """A new receipt's row in the staff's list."""
    return WriteSet.of(create(ReceiptRow(pk=receipts_key(), sk=f"{item.created_at_ms:013d}#{item.pk}")))


def repayment_id(secret: bytes, command: Command) -> str:
    """The public id of the repayment that a command makes."""
    return derived_id("rep", secret, command.scope)


def receipt_id(secret: bytes, provider_reference: str) -> str:
    """The id of a receipt that nobody asked for: one per movement of money."""
    return derived_id("rcpt", secret, provider_reference)


def new_item(name: str, wish: Wish, said: RailWord) -> RepaymentItem:
    """A repayment as asked, before it has a status."""
    return RepaymentItem(
        pk=name,
        version=0,
        customer=id_bytes(wish.customer_id),
        amount=wish.amount_minor,
        currency=wish.currency,
        intent=wish.intent,
        plan=id_bytes(wish.plan_id) if wish.plan_id else None,
        mode=wish.mode or None,
        value_day=wish.value_on.toordinal(),
        provider=said.provider_reference,
        candidates=b"".join(id_bytes(each) for each in wish.plan_ids),
        created_at_ms=epoch_ms(wish.asked_at),
        key=wish.key,
        body=wish.body,
    )


def plan_state(item: RepaymentItem | ReceiptItem, seen_version: int) -> WriteSet:
    """A repayment or receipt: new, or over the version that was read.

    Raises (at commit):
        ConditionFailedError: Somebody was faster.
    """
    if not seen_version:
        return WriteSet.of(create(item, ConditionFailedError))
    return WriteSet.of(replace(item, seen_version))


def status_of(item: RepaymentItem | None) -> Status | None:
    """Where it stands; None before it is written."""
    return Status(item.status) if item is not None else None


def pack_memo(secret: bytes, name: str, wish: Wish) -> str:
    """A wish as the text that the rail gives back, signed by us: enough to write the repayment if we could not.

    Args:
        secret: Key of memos.
        name: Id of the repayment.
        wish: What was asked.
    """
    fields: dict[str, Any] = {
        "r": name,
        "c": wish.customer_id,
        "a": wish.amount_minor,
        "u": wish.currency,
        "i": wish.intent,
        "p": wish.plan_id,
        "m": wish.mode,
        "d": wish.value_on.toordinal(),
        "t": epoch_ms(wish.asked_at),
        "l": [each.removeprefix("plan_") for each in wish.plan_ids],
        "k": wish.key.hex(),
        "b": wish.body.hex(),
    }
    return sign(secret, fields)


def read_memo(secret: bytes, name: str, memo: str) -> Wish | None:
    """Inverse of `pack_memo`; None for a text that is not ours, or of another repayment."""
    try:
        fields = verify(secret, memo)
    except BadSignatureError:
        return None
    if fields["r"] != name:
        return None
    return Wish(
        customer_id=fields["c"],
        amount_minor=fields["a"],
        currency=fields["u"],
        intent=fields["i"],
        plan_id=fields["p"],
        mode=fields["m"],
        value_on=date.fromordinal(fields["d"]),
        asked_at=from_epoch_ms(fields["t"]),
        plan_ids=tuple([f"plan_{tail}" for tail in fields["l"]]),
        key=bytes.fromhex(fields["k"]),
        body=bytes.fromhex(fields["b"]),
    )
