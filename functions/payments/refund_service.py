"""Refunds: the merchant gives goods money back, and plan, line, credit balance and ledger follow in one transaction.

What the customer had repaid becomes their credit balance, and pays at once what is past due on any of their plans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import id_bytes, require_id
from functions.credit.lines.service import plan_line_change
from functions.ledger.entries import EntryKind
from functions.lending import life
from functions.lending.cash import Effect
from functions.lending.plan import Plan
from functions.lending.plans.balance_store import plan_balance_change
from functions.lending.plans.present import schedule_rows
from functions.lending.plans.service import Booking, Entries, PlanChanges, draw_into, open_plan_ids, read_plans
from functions.lending.plans.store import PlanItem
from functions.lending.refund import RefundKind
from functions.merchants.keyring import MerchantKeysItem, require_current
from functions.payments.fulfilments.sale import Sale
from functions.payments.parties import Parties, party_hash
from functions.payments.refund_store import RefundItem, plan_new, refund_id
from functions.payments.returns import Entitlement, entitlement
from functions.payments.scenario import SCENARIOS
from functions.payments.schemas import RefundRequest
from functions.payments.service import TRIES, load
from functions.payments.store import plan_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call, Command, Principal


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund decided and not yet written.

    Args:
        before: The plan as read.
        after: The plan refunded.
        effect: What that moves.
    """

    before: Plan
    after: Plan
    effect: Effect

    @property
    def fee_minor(self) -> int:
        """Fee that the customer need not pay any more, or gets back."""
        return sum(row.fee_minor for row in self.before.rows) - sum(row.fee_minor for row in self.after.rows)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be given back.

    Args:
        amount_minor: Goods value; None for all that could still be refunded.
        kind: Why.
        reason: The merchant's own words.
        by_rule: What the scenario's rule of return gives back today.
        instrument: What the merchant sent the money back to itself, if it did.
    """

    amount_minor: int | None
    kind: RefundKind = RefundKind.REFUND
    reason: str | None = None
    by_rule: bool = False
    instrument: str | None = None


def refund_capture(capture: str, body: RefundRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Give back part or all of a capture.

    Args:
        capture: The merchant's own.
        body: Goods value, 1 … what could still be refunded.
        call: Its Idempotency-Key names the refund for ever: the refund's id is derived from it.

    Returns:
        The refund, and whether it is the same one again.

    Raises:
        RefundExceedsRemainderError: Carries `remaining_minor`. Nothing is written.
    """
    wanted = Wanted(body.amount_minor, reason=body.reason, by_rule=body.by_rule, instrument=body.instrument)
    return _refund(capture, wanted, call.who, call.command(), call.request_id)


def reverse_capture(capture: str, who: Principal, command: Command, request_id: str) -> tuple[dict[str, Any], bool]:
    """Undo a sale at a till: all that is left of it is given back, with every fee.

    Args:
        capture: The merchant's own.
        who: The merchant.
        command: The sale's own for this, so that it is undone once whatever keys the requests had.
        request_id: Of the request.

    Returns:
        The refund of kind `reversal`, and whether it is the same one again.

    Raises:
        ZeroRefundError: Refunds have given all of it back before. Nothing is written.
    """
    return _refund(capture, Wanted(None, RefundKind.REVERSAL), who, command, request_id)


def find_refund(command: Command) -> str | None:
    """The id of the refund that a command has made, if it has."""
    box = container()
    made = box.tables.get(RefundItem, refund_id(box.secrets.key("ids"), command), consistent=True)
    return made.pk if made is not None else None


def _refund(
    capture: str, wanted: Wanted, who: Principal, command: Command, request_id: str
) -> tuple[dict[str, Any], bool]:
    box = container()
    mine = refund_id(box.secrets.key("ids"), command)
    for attempt in range(TRIES):
        item, done = _load(capture, mine, who, consistent=attempt > 0)
        if done is not None:
            same_body(done.body, command)
            return present_refund(done), True
        now = box.clock.now()
        amount_minor = _amount(item, wanted, now)
        made = _decided(item, amount_minor, wanted.kind, mine, now)
        refund = new_refund(mine, item, made, amount_minor, now)
        refund.kind, refund.reason = wanted.kind.name.lower(), wanted.reason
        refund.key, refund.body = command.key, command.body
        if wanted.instrument is not None and _is_elsewhere(item, wanted.instrument):
            refund.elsewhere = item.alias
        try:
            commit(box.tables, *refund_writes(refund, item, made, request_id, now))
        except ConditionFailedError:
            continue
        return present_refund(refund), False
    raise UnavailableError("the plan is busy", retry_after_s=1)


def preview_refund(capture: str, body: RefundRequest, call: Call) -> dict[str, Any]:
    """What a refund would do; the same decision, not written.

    Raises:
        RefundExceedsRemainderError: Carries `remaining_minor`.
    """
    box = container()
    item = _own(box.tables.get(PlanItem, _plan_of(capture)), call.who)
    now = box.clock.now()
    amount_minor = _amount(item, Wanted(body.amount_minor, by_rule=body.by_rule), now)
    made = _decided(item, amount_minor, RefundKind.REFUND, "", now)
    rule = _by_rule(item, now)
    return {
        "object": "refund_preview",
        "capture_id": item.capture_id,
        "plan_id": item.pk,
        "plan_status": str(made.after.state),
        "amount_minor": amount_minor,
        "currency": item.currency,
        "fee_returned_minor": made.fee_minor,
        "credited_minor": made.effect.credit_balance_minor,
        "line_released_minor": made.effect.principal_released_minor,
        "remaining_minor": made.after.refundable_minor,
        "by_rule": rule
        and {
            "rule": str(rule.rule),
            "amount_minor": rule.amount_minor,
            "until_on": rule.until_on.isoformat() if rule.until_on else None,
        },
        "schedule_before": schedule_rows(made.before),
        "schedule": schedule_rows(made.after),
    }


def read_refund(refund: str, merchant_id: str) -> dict[str, Any]:
    """A merchant's own refund.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    item: RefundItem | None = container().tables.get(RefundItem, require_id("ref", refund))
    if item is None or item.merchant_id != merchant_id:
        raise NotFoundError
    return present_refund(item)


def _is_elsewhere(item: PlanItem, instrument: str) -> bool:
    """Whether money went back to another instrument than the order's; never so of an order that told of none."""
    charged = Parties.unpack(load(item.authorization_id).parties).instrument
    return charged is not None and charged != party_hash(container().secrets.key("parties"), "instrument", instrument)


def _by_rule(item: PlanItem, now: datetime) -> Entitlement | None:
    """What the scenario gives back today; None for a plan of before scenarios were kept with it."""
    if not item.category:
        return None
    plan, today = item.plan(), local_date(now, item.zone)
    return entitlement(SCENARIOS[item.category], Sale.of(item), plan, today)


def _amount(item: PlanItem, wanted: Wanted, now: datetime) -> int:
    """Goods value to give back: as said, by the scenario's rule, or all that is left."""
    if wanted.by_rule:
        rule = _by_rule(item, now)
        return rule.amount_minor if rule else 0
    return item.plan().refundable_minor if wanted.amount_minor is None else wanted.amount_minor


def _plan_of(capture: str) -> str:
    return plan_id(require_id("cap", capture))


def _own(item: PlanItem | None, who: Principal) -> PlanItem:
    if item is None or item.merchant_id != who.id:
        raise NotFoundError
    return item


def _load(capture: str, refund: str, who: Principal, *, consistent: bool) -> tuple[PlanItem, RefundItem | None]:
    """One read of the capture, of the refund that this very command may have made, and of the merchant's keys."""
    plan, done, ring = container().tables.batch_get(
        [
            (PlanItem, _plan_of(capture), keys.SELF),
            (RefundItem, refund, keys.SELF),
            (MerchantKeysItem, keys.merchant_keys(who.id), keys.SELF),
        ],
        consistent=consistent,
    )
    require_current(who, ring)
    return _own(plan, who), done


def _decided(item: PlanItem, amount_minor: int, kind: RefundKind, reference: str, now: datetime) -> Refunded:
    plan = item.plan()
    on = max(local_date(now, item.zone), plan.settled_on)
    after, effect = life.refund(plan, amount_minor, on=on, kind=kind, reference=reference)
    return Refunded(plan, after, effect)


def new_refund(name: str, item: PlanItem, made: Refunded, amount_minor: int, now: datetime) -> RefundItem:
    """An item for what was decided, but for its kind and its command.

    Args:
        name: Its public id.
        item: The plan as read.
        made: What the refund does to it.
        amount_minor: Goods value.
        now: Business time.
    """
    return RefundItem(
        pk=name,
        version=1,
        plan=id_bytes(item.pk),
        merchant=item.merchant,
        customer=item.customer,
        amount=amount_minor,
        currency=item.currency,
        fee=made.fee_minor,
        credited=made.effect.credit_balance_minor,
        released=made.effect.principal_released_minor,
        remaining=made.after.refundable_minor,
        created_at_ms=epoch_ms(now),
    )


def refund_writes(
    refund: RefundItem,
    item: PlanItem,
    made: Refunded,
    request_id: str,
    now: datetime,
    *,
    kind: EntryKind = EntryKind.REFUND,
) -> list[WriteSet]:
    """Everything that a refund changes, the refund itself first: its own conflict is the one to hear of.

    Args:
        refund: New, with its command's key.
        item: The plan as read.
        made: What the refund does to it.
        request_id: The request that caused it.
        now: Business time.
        kind: Of the ledger entry.
    """
    owner, currency, credit = item.customer_id, item.currency, made.effect.credit_balance_minor
    changes = PlanChanges.of([item, *(_other_plans(item) if credit > 0 else ())])
    changes.take([made.after], {item.pk: made.effect})
    booking = Booking(kind, owner, currency, now, made.after.settled_on, refund.key.hex())
    entries = Entries()
    entries.post(booking, made.effect.postings, (item.pk, refund.pk), item.version + 1)
    if credit > 0:
        drawing = replace(booking, kind=EntryKind.CREDIT_BALANCE)
        credit -= draw_into(changes, entries, drawing, credit, (refund.pk, refund.version))
    refund.explained = entries.memory_of(refund.pk)
    refund.tell(now, request_id, Pending("refund.created"))
    return [
        plan_new(refund, ConditionFailedError),
        changes.writes(entries, now, request_id),
        *(plan_line_change(alias, change) for alias, change in changes.lines.items()),
        plan_balance_change(owner, currency, credit, now),
        entries.writes,
    ]


def _other_plans(item: PlanItem) -> list[PlanItem]:
    """The customer's other open plans: what goes back to the customer first pays what is past due there."""
    ids = [name for name in open_plan_ids(item.customer_id, item.currency) if name != item.pk]
    return read_plans(ids)


def present_refund(item: RefundItem) -> dict[str, Any]:
    """A refund as its merchant sees it."""
    return {
        "id": item.pk,
        "object": "refund",
        "status": "refunded",
        "version": item.version,
        "kind": item.kind,
        "capture_id": item.capture_id,
        "plan_id": item.plan_id,
        "amount_minor": item.amount,
        "currency": item.currency,
        "reason": item.reason,
        "fee_returned_minor": item.fee,
        "credited_minor": item.credited,
        "line_released_minor": item.released,
        "remaining_minor": item.remaining,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
    }
