"""What a change of a plan or a line, or a refund, means for the checks: both images in, facts out, no I/O.

A plan says by itself as of which day it is (its last value date, and the hour up to which the sweep has done all), so
that "the first installment went unpaid past grace" is a function of two images, and the same whenever they arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from functions.core.clock import local_date
from functions.lending.plan import OperationKind, Plan, PlanState
from functions.lending.plans.store import PlanItem, from_image
from functions.payments.refund_store import RefundItem
from functions.platform.bus.stream import StreamRecord
from functions.platform.storage import keys
from functions.platform.storage.outbox import told_at_ms
from functions.risk.counters import DAY_S

_EPOCH: Final = date(1970, 1, 1)


class FactKind(StrEnum):
    """What happened. Money of each is in `Fact.amount_minor`."""

    CAPTURED = "captured"
    REFUNDED = "refunded"
    REFUNDED_ELSEWHERE = "refunded_elsewhere"  # told beside it: to another instrument than the order's
    DISPUTED = "disputed"
    REPAID = "repaid"  # one or more installments in full, by their due day
    FIRST_PAID = "first_paid"  # the first installment, before grace was over
    FIRST_MISSED = "first_missed"  # the first installment was not
    RAISED = "raised"  # the limit of a line


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a customer's line.

    Args:
        kind: What.
        event_id: Of the stream record that told it: guards against counting twice.
        alias: Of the line.
        merchant_id: Whose sale it was; "" for a line's own.
        currency: ISO 4217.
        at_s: When, seconds since 1970; of a plan's facts the begin of the day, where the customer is.
        amount_minor: How much.
    """

    kind: FactKind
    event_id: str
    alias: int
    merchant_id: str
    currency: str
    at_s: int
    amount_minor: int

    @property
    def day(self) -> int:
        """Days since 1970."""
        return self.at_s // DAY_S


class First(StrEnum):
    """What is known of a plan's first installment."""

    WAITING = "waiting"
    PAID = "paid"
    MISSED = "missed"
    VOID = "void"  # refunded, withdrawn, or moved into a new term: nobody will ever know


def facts_of(record: StreamRecord) -> list[Fact]:
    """Everything that a stream record tells the checks."""
    if record.new is None or record.sk != keys.SELF:
        return []
    if record.pk.startswith("plan_"):
        new = from_image(record.new)
        old = from_image(record.old).plan() if record.old else None
        return list(_of_plan(record.event_id, new, old, new.plan()))
    if record.pk.startswith("ref_") and record.old is None:
        return list(_of_refund(record.event_id, RefundItem.from_raw_data(dict(record.new))))
    if record.pk.startswith("line#") and record.old is not None:
        return list(_of_line(record.event_id, record.pk, record.old, record.new))
    return []


def as_of(plan: Plan, zone: str) -> date:
    """The day up to which a stored plan speaks, where its customer is."""
    done_on = local_date(plan.done_through, zone) if plan.done_through else plan.start_on
    return max(plan.start_on, plan.settled_on, done_on)


def first_installment(plan: Plan, zone: str) -> First:
    """What is known of the first installment: paid before grace was over, missed, or neither yet."""
    row = plan.rows[0]
    moved = row.number < plan.replanned_from and not row.principal_paid_minor
    if plan.state is PlanState.REFUNDED or plan.withdrawn_on is not None or moved:
        return First.VOID
    grace_over = as_of(plan, zone) > row.counted_from_on + timedelta(days=plan.rules.grace_days)
    if row.disputed:
        return First.WAITING
    if row.unpaid_minor:
        return First.MISSED if grace_over else First.WAITING
    return First.PAID


def _of_plan(event_id: str, item: PlanItem, old: Plan | None, new: Plan) -> Iterator[Fact]:
    today = as_of(new, item.zone)

    def fact(kind: FactKind, amount_minor: int) -> Fact:
        at_s = (today - _EPOCH).days * DAY_S
        return Fact(kind, event_id, item.alias, item.merchant_id, item.currency, at_s, amount_minor)

    if old is None:
        yield fact(FactKind.CAPTURED, new.captured_minor)
        return
    if (refunded := new.refunded_minor - old.refunded_minor) > 0 and not _was_dispute(old, new):
        yield fact(FactKind.REFUNDED, refunded)
    if (disputed := new.disputed_minor - old.disputed_minor) > 0:
        yield fact(FactKind.DISPUTED, disputed)
    if repaid := _repaid_on_time(old, new):
        yield fact(FactKind.REPAID, repaid)
    before, after = first_installment(old, item.zone), first_installment(new, item.zone)
    if before is First.WAITING and after is First.PAID:
        yield fact(FactKind.FIRST_PAID, new.captured_minor)
    if before is First.WAITING and after is First.MISSED:
        yield fact(FactKind.FIRST_MISSED, new.captured_minor)


def _was_dispute(old: Plan, new: Plan) -> bool:
    """Whether what went back was a lost dispute, which is no habit of refunding."""
    return any(op.kind is OperationKind.DISPUTE_CLOSE for op in new.journal[len(old.journal) :])


def _repaid_on_time(old: Plan, new: Plan) -> int:
    """Paid for installments that this change has settled by their due day."""
    before = {row.number: row for row in old.rows}
    total = 0
    for row in new.rows:
        had = before.get(row.number)
        paid = row.principal_paid_minor + row.fee_paid_minor
        if had is None or row.unpaid_minor or not had.unpaid_minor or new.settled_on > row.due_on:
            continue
        total += max(0, paid - had.principal_paid_minor - had.fee_paid_minor)
    return total


def _of_refund(event_id: str, item: RefundItem) -> Iterator[Fact]:
    """What the plan does not say of a refund: that the merchant sent the money somewhere else."""
    if item.elsewhere is not None:
        at_s, kind = item.created_at_ms // 1000, FactKind.REFUNDED_ELSEWHERE
        yield Fact(kind, event_id, item.elsewhere, item.merchant_id, item.currency, at_s, item.amount)


def _of_line(event_id: str, pk: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Fact]:
    """Money moves through a line all day without its version; a raise of the limit moves both, and says when."""
    raised = _number(new, "lm") - _number(old, "lm")
    if raised > 0 and _number(new, "v") > _number(old, "v") and (at_ms := told_at_ms(new)) is not None:
        yield Fact(FactKind.RAISED, event_id, int(pk.partition("#")[2]), "", new["cu"]["S"], at_ms // 1000, raised)


def _number(image: dict[str, Any], name: str) -> int:
    return int(image[name]["N"]) if name in image else 0
