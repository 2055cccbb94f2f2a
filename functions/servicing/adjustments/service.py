"""Use cases of adjustments: propose, approve, refuse, list. What one person may do alone is done at once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import id_bytes, require_id
from functions.core.money import require_currency
from functions.credit.lines.service import plan_line_change
from functions.customers.service import get_customer
from functions.ledger.accounts import Account
from functions.ledger.entries import EntryKind, Posting
from functions.lending import life
from functions.lending.amendments.store import plan_amendment
from functions.lending.cash import Effect
from functions.lending.changes.replan import NewTerm
from functions.lending.plan import Plan
from functions.lending.plans.balance_store import plan_balance_change
from functions.lending.plans.service import Booking, Entries, PlanChanges, read_plans
from functions.lending.plans.store import PlanItem
from functions.lending.products.service import SamePersonError
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call, Command
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.servicing.adjustments.adjustment import (
    APPLIED,
    DEFERRAL,
    GOODWILL,
    KINDS,
    MANUAL,
    PROPOSED,
    REFUSED,
    REPLAN,
    SECOND,
    WAIVE_LATE,
    account_by_hand,
    needs_second_person,
)
from functions.servicing.adjustments.schemas import AdjustmentRequest, DecisionRequest
from functions.servicing.adjustments.store import (
    PREFIX,
    AdjustmentItem,
    AdjustmentRow,
    adjustment_id,
    plan_adjustment,
    rows_key,
)
from functions.servicing.credit_service import draw_now
from functions.servicing.hardship.limits import DeferralCostChangedError, ReplanCostChangedError
from functions.servicing.hardship.replan_service import made_of
from functions.servicing.repayment import CurrencyMismatchError

_TRIES: Final = 5
_STAFF: Final = "staff"
_EVENTS: Final = {PROPOSED: "adjustment.proposed", APPLIED: "adjustment.applied", REFUSED: "adjustment.refused"}


class AdjustmentStateError(ConflictError):
    code, title = "adjustment_state", "The adjustment is not waiting for a second person"


def propose(body: AdjustmentRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Make a correction, or propose it where one person may not make it alone.

    Returns:
        The adjustment, and whether it is the same one again.

    Raises:
        InsufficientScopeError: The kind is another role's.
        NotFoundError: No such plan or customer.
        CurrencyMismatchError: Goodwill in a currency in which the customer has no line.
        NothingToWaiveError: More than the late charge that is due; carries it.
        DeferralCostChangedError, DeferralLimitError, DeferralRefusedError: As of a customer's own deferral.
        ReplanCostChangedError, ReplanLimitError, ReplanRefusedError: As of a customer's own re-plan.
        AccountRefusedError, AccountNotByHandError: Not an account to post to by hand.
    """
    box, command = container(), call.command()
    call.require("staff", KINDS[body.kind].role)
    require_currency(body.currency)
    name = adjustment_id(box.secrets.key("ids"), command)
    found: AdjustmentItem | None = box.tables.get(AdjustmentItem, name, consistent=True)
    if found is not None:
        same_body(found.body, command)
        return present_adjustment(found), True
    item = _new(name, body, command, call.who.id, box.clock.now())
    after = PROPOSED if needs_second_person(item.kind, item.amount, item.currency, _days_of(item)) else APPLIED
    _write(box, item, after, call.request_id)
    return present_adjustment(item), False


def _new(name: str, body: AdjustmentRequest, command: Command, by: str, now: datetime) -> AdjustmentItem:
    customer = _creditor(body.customer_id, body.currency) if body.customer_id else None
    item = AdjustmentItem(
        pk=name,
        version=0,
        kind=body.kind,
        status=PROPOSED,
        customer=id_bytes(customer) if customer else None,
        plan=id_bytes(require_id("plan", body.plan_id)) if body.plan_id else None,
        debit=body.debit,
        credit=body.credit,
        days=body.days,
        installments=body.installments,
        first_due=date.fromisoformat(body.first_due_on).toordinal() if body.first_due_on else None,
        currency=body.currency,
        amount=body.amount_minor,
        reason=body.reason,
        proposed_by=by,
        proposed_at_ms=epoch_ms(now),
        key=command.key,
        body=command.body,
    )
    if item.kind == MANUAL:
        _posting(item)
    return item


def _creditor(customer_id: str, currency: str) -> str:
    """Whose credit balance a correction goes to: there is one where there is a line."""
    customer = get_customer(customer_id)
    if currency not in customer.aliases:
        detail = f"there is no credit line in {currency}"
        raise CurrencyMismatchError(detail, errors=(FieldError("/currency", "mismatch", detail),))
    return customer.id


def _days_of(item: AdjustmentItem) -> int:
    """By how much a correction moves due days; of a re-plan, the last one."""
    if item.kind != REPLAN:
        return item.days or 0
    plan, on = _plan_of(item, container().clock.now())
    before = plan.plan()
    after, _effect = life.replan(before, _term_of(item), on=on)
    return made_of(plan, before, after, on).longer_days


def approve(name: str, body: DecisionRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Let a proposed correction be made; by somebody else than proposed it.

    Raises:
        SamePersonError: By the same person.
        AdjustmentStateError: It was decided already.
    """
    return _decide(name, body, call, APPLIED)


def refuse(name: str, body: DecisionRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Refuse a proposed correction, or take one's own back.

    Raises:
        AdjustmentStateError: It was decided already.
    """
    return _decide(name, body, call, REFUSED)


def _decide(name: str, body: DecisionRequest, call: Call, after: str) -> tuple[dict[str, Any], bool]:
    box, command = container(), call.command()
    item = _loaded(name)
    if is_replay(item.commands, command):
        return present_adjustment(item), True
    call.require("staff", KINDS[item.kind].role, SECOND)
    if item.status != PROPOSED:
        raise AdjustmentStateError(f"it is {item.status}", current_status=item.status)
    if after == APPLIED and item.proposed_by == call.who.id:
        raise SamePersonError
    item.commands = remember(item.commands, command)
    item.decided_by, item.decided_at_ms, item.decision = call.who.id, epoch_ms(box.clock.now()), body.reason
    _write(box, item, after, call.request_id)
    return present_adjustment(item), False


def _write(box: Container, item: AdjustmentItem, after: str, request_id: str) -> None:
    """An adjustment's next state, and where it is made the money; begun again where the plan changed meanwhile."""
    seen, before = item.version, item.explained
    for _ in range(_TRIES):
        now, entries = box.clock.now(), Entries()
        item.version, item.status = seen + 1, after
        money = _MAKES[item.kind](item, entries, now, request_id) if after == APPLIED else WriteSet()
        item.explained = entries.memory_of(item.pk, before)
        item.tell(now, request_id, Pending(_EVENTS[after]))
        try:
            commit(box.tables, plan_adjustment(item, seen), money, entries.writes)
        except ConditionFailedError:
            _require_unchanged(item.pk, seen)
            continue
        count(f"Adjustment_{after}")
        if item.customer_id and after == APPLIED:
            draw_now(item.customer_id, item.currency, now)
        return
    raise UnavailableError("the plan is busy", retry_after_s=1)


def _require_unchanged(name: str, seen_version: int) -> None:
    """Only the plan may have changed; an adjustment that did was decided by somebody else."""
    found: AdjustmentItem | None = container().tables.get(AdjustmentItem, name, consistent=True)
    if (found.version if found else 0) != seen_version:
        raise AdjustmentStateError("it was decided a moment ago", current_status=found.status if found else PROPOSED)


def _waive(item: AdjustmentItem, entries: Entries, now: datetime, request_id: str) -> WriteSet:
    plan, on = _plan_of(item, now)
    after, effect = life.waive_late(plan.plan(), item.amount, on=on, reference=item.pk)
    return _changed(plan, after, effect, entries, now, request_id)


def _defer(item: AdjustmentItem, entries: Entries, now: datetime, request_id: str) -> WriteSet:
    plan, on = _plan_of(item, now)
    before = plan.plan()
    after, effect = life.defer(
        before, item.installments or 1, item.days or 0, on=on, asked_by=_STAFF, reference=item.pk
    )
    cost = after.fee_unpaid_minor - before.fee_unpaid_minor
    if cost != item.amount:
        raise DeferralCostChangedError(f"it costs {cost} by now", cost_minor=cost)
    booking = Booking(EntryKind.DEFERRAL, plan.customer_id, plan.currency, now, on, item.key.hex())
    entries.post(booking, effect.postings, (item.pk, plan.pk), item.version)
    return _changed(plan, after, effect, entries, now, request_id)


def _replan(item: AdjustmentItem, entries: Entries, now: datetime, request_id: str) -> WriteSet:
    plan, on = _plan_of(item, now)
    before = plan.plan()
    after, effect = life.replan(before, _term_of(item), on=on)
    made = made_of(plan, before, after, on)
    if max(0, made.cost_minor) != item.amount:
        raise ReplanCostChangedError(f"it costs {made.cost_minor} by now", cost_minor=made.cost_minor)
    booking = Booking(EntryKind.REPLAN, plan.customer_id, plan.currency, now, on, item.key.hex())
    entries.post(booking, effect.postings, (item.pk, plan.pk), item.version)
    kept = plan_amendment(plan.pk, after.replans, made, asked_by=_STAFF, command=item.key, at=now)
    return _changed(plan, after, effect, entries, now, request_id) + kept


def _term_of(item: AdjustmentItem) -> NewTerm:
    return NewTerm(item.installments or 1, date.fromordinal(item.first_due or 1), _STAFF)


def _plan_of(item: AdjustmentItem, now: datetime) -> tuple[PlanItem, date]:
    """The plan of a correction, and today where its customer is."""
    plans = read_plans([str(item.plan_id)], consistent=True)
    if not plans:
        raise NotFoundError
    [plan] = plans
    _require_currency_of(plan, item)
    return plan, max(local_date(now, plan.zone), plan.plan().settled_on)


def _changed(  # noqa: PLR0917  a plan, what became of it, and what it is written with
    plan: PlanItem, after: Plan, effect: Effect, entries: Entries, now: datetime, request_id: str
) -> WriteSet:
    changes = PlanChanges.of([plan])
    changes.take([after], {plan.pk: effect})
    lines = WriteSet.union(plan_line_change(alias, change) for alias, change in changes.lines.items())
    return changes.writes(entries, now, request_id) + lines


def _require_currency_of(plan: PlanItem, item: AdjustmentItem) -> None:
    if plan.currency != item.currency:
        detail = f"the plan is in {plan.currency}"
        raise InvalidError(detail, errors=(FieldError("/currency", "mismatch", "the currency of the plan"),))


def _credit(item: AdjustmentItem, entries: Entries, now: datetime, request_id: str) -> WriteSet:  # noqa: ARG001  as the others
    owner = str(item.customer_id)
    posting = Posting(Account.WAIVER.of(), Account.CUSTOMER_CREDIT_BALANCE.of(owner), item.amount)
    booking = Booking(EntryKind.WAIVER, owner, item.currency, now, now.date(), item.key.hex())
    entries.post(booking, (posting,), (item.pk,), item.version)
    return plan_balance_change(owner, item.currency, item.amount, now)


def _post(item: AdjustmentItem, entries: Entries, now: datetime, request_id: str) -> WriteSet:  # noqa: ARG001
    booking = Booking(EntryKind.ADJUSTMENT, keys.HOUSE, item.currency, now, now.date(), item.key.hex())
    entries.post(booking, (_posting(item),), (item.pk,), item.version)
    return WriteSet()


def _posting(item: AdjustmentItem) -> Posting:
    debit, credit = account_by_hand(str(item.debit), "/debit"), account_by_hand(str(item.credit), "/credit")
    return Posting(debit.of(), credit.of(), item.amount)


_MAKES: Final = {WAIVE_LATE: _waive, GOODWILL: _credit, MANUAL: _post, DEFERRAL: _defer, REPLAN: _replan}


def list_adjustments(call: Call) -> dict[str, Any]:
    """All adjustments, newest first."""
    found, cursor = listed(call, rows_key(), AdjustmentRow, AdjustmentItem)
    return page(found, cursor, present_adjustment)


def read_adjustment(name: str) -> dict[str, Any]:
    """One adjustment.

    Raises:
        NotFoundError: There is none.
    """
    return present_adjustment(_loaded(name))


def _loaded(name: str) -> AdjustmentItem:
    item: AdjustmentItem | None = container().tables.get(AdjustmentItem, require_id(PREFIX, name), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def present_adjustment(item: AdjustmentItem) -> dict[str, Any]:
    """An adjustment as staff see it, in answers and events."""
    return {
        "id": item.pk,
        "object": "adjustment",
        "kind": item.kind,
        "status": item.status,
        "version": item.version,
        "amount_minor": item.amount,
        "currency": item.currency,
        "plan_id": item.plan_id,
        "customer_id": item.customer_id,
        "debit": item.debit,
        "credit": item.credit,
        "days": item.days,
        "installments": item.installments,
        "first_due_on": date.fromordinal(item.first_due).isoformat() if item.first_due else None,
        "reason": item.reason,
        "proposed_by": item.proposed_by,
        "proposed_at": isoformat(from_epoch_ms(item.proposed_at_ms)),
        "decided_by": item.decided_by,
        "decided_at": isoformat(from_epoch_ms(item.decided_at_ms)) if item.decided_at_ms else None,
        "decision": item.decision,
    }
