"""Use cases of disputes: the customer opens one, the merchant answers or gives in, a person or the clock decides.

Dispute, plan, line, credit balance and ledger change in one transaction: what is open stands in the plan as
`disputed_minor`, which stops late charge, reminders and delinquency there and blocks the capture's payout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import derived_id, id_bytes, id_text, keyed_hash, require_id
from functions.ledger.entries import EntryKind
from functions.lending import life
from functions.lending.cash import Effect
from functions.lending.plan import Plan
from functions.lending.plans.service import Entries, PlanChanges, read_plan
from functions.lending.plans.store import PlanItem
from functions.lending.refund import Bearer, RefundKind
from functions.payments.disputes import dispute as rules
from functions.payments.disputes.dispute import Dispute, Evidence, Kind, Outcome, State
from functions.payments.disputes.schemas import DisputeDecision, DisputeRequest, EvidenceRequest
from functions.payments.disputes.store import (
    STAFF,
    DisputeItem,
    DisputeRow,
    apply,
    dispute_id,
    list_of,
    plan_change,
    plan_new,
    to_value,
)
from functions.payments.refund_service import Refunded, new_refund, refund_writes
from functions.platform.container import container
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import HASH_BYTES, Call, Command, Principal
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page

_TRIES: Final = 4
_SWEEP: Final = "sweep"

Decide = Callable[[Dispute, datetime], Dispute]


def open_dispute(plan_id: str, body: DisputeRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Contest the goods of a plan, whole or in part.

    Args:
        plan_id: The customer's own.
        body: What is said, and of how much goods value.
        call: Its Idempotency-Key names the dispute for ever.

    Raises:
        DisputeOpenError: The plan has one.
        DisputeExceedsRemainderError: Carries `remaining_minor`.
    """
    box, command = container(), call.command()
    name = dispute_id(box.secrets.key("ids"), command)
    for _ in range(_TRIES):
        own, plan = _own_and_plan(name, require_id("plan", plan_id), call.who)
        if own is not None:
            same_body(own.body, command)
            return present(own), True
        now = box.clock.now()
        stored = plan.plan()
        amount = stored.refundable_minor if body.amount_minor is None else body.amount_minor
        after, effect = life.open_dispute(stored, amount, on=_today(plan, stored, now), reference=name)
        item = _new(name, plan, command)
        apply(item, rules.open_dispute(Kind(body.kind), amount, now))
        item.tell(now, call.request_id, Pending("dispute.opened"))
        try:
            commit(box.tables, plan_new(item, ConditionFailedError), _plan_alone(plan, after, effect, now, call))
        except ConditionFailedError:
            continue
        return present(item), False
    raise UnavailableError("the plan is busy", retry_after_s=1)


def _new(name: str, plan: PlanItem, command: Command) -> DisputeItem:
    return DisputeItem(
        pk=name,
        plan=id_bytes(plan.pk),
        merchant=plan.merchant,
        customer=plan.customer,
        currency=plan.currency,
        key=command.key,
        body=command.body,
    )


def _own_and_plan(name: str, plan_id: str, who: Principal) -> tuple[DisputeItem | None, PlanItem]:
    own, plan = container().tables.batch_get(
        [(DisputeItem, name, keys.SELF), (PlanItem, plan_id, keys.SELF)], consistent=True
    )
    if not isinstance(plan, PlanItem) or plan.customer_id != who.id:
        raise NotFoundError
    return own if isinstance(own, DisputeItem) else None, plan


def _today(item: PlanItem, plan: Plan, now: datetime) -> date:
    return max(local_date(now, item.zone), plan.settled_on)


def _plan_alone(item: PlanItem, after: Plan, effect: Effect, now: datetime, call: Call | None = None) -> WriteSet:
    """A plan that a dispute touches without moving money."""
    changes = PlanChanges.of([item])
    changes.take([after], {item.pk: effect})
    return changes.writes(Entries(), now, call.request_id if call else _SWEEP)


def list_own(plan_id: str, call: Call) -> dict[str, Any]:
    """Disputes about a customer's own plan, newest first.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    plan = read_plan(plan_id, call.who.id)
    items, cursor = listed(call, list_of(plan.pk), DisputeRow, DisputeItem)
    return page(items, cursor, present)


def list_disputes(call: Call) -> dict[str, Any]:
    """A merchant's disputes, or all of them for staff, newest first."""
    owner = STAFF if call.who.kind == "staff" else call.who.id
    items, cursor = listed(call, list_of(owner), DisputeRow, DisputeItem)
    return page(items, cursor, lambda item: present(item, call.who))


def show_dispute(name: str, call: Call) -> dict[str, Any]:
    """A merchant's own dispute, or any for staff.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    return present(_load(name, call.who), call.who)


def answer(name: str, body: EvidenceRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """The merchant contests it by a piece of evidence.

    Raises:
        DisputeStateError, EvidenceLateError, TooMuchEvidenceError: Nothing is written.
    """
    return _change(
        name, call, lambda it, now: rules.answer(it, Evidence(body.kind, body.reference, body.sha256 or "", now))
    )


def accept(name: str, call: Call) -> tuple[dict[str, Any], bool]:
    """The merchant gives in: the customer gets the contested goods value back, out of what the merchant is owed.

    Raises:
        DisputeStateError: It is closed.
    """
    return _change(name, call, lambda it, _now: rules.accept(it))


def decide(name: str, body: DisputeDecision, call: Call) -> tuple[dict[str, Any], bool]:
    """A person decides; above the threshold, two.

    Raises:
        DisputeStateError, EvidenceAwaitedError, SamePersonError: Nothing is written.
    """
    outcome, by = Outcome(body.outcome), call.who.id
    return _change(name, call, lambda it, now: rules.decide(it, outcome, by, now), reason=body.reason)


def _load(name: str, who: Principal, *, consistent: bool = False) -> DisputeItem:
    item: DisputeItem | None = container().tables.get(DisputeItem, require_id("dis", name), consistent=consistent)
    if item is None or (who.kind == "merchant" and item.merchant_id != who.id):
        raise NotFoundError
    return item


def _change(name: str, call: Call, decide_on: Decide, *, reason: str | None = None) -> tuple[dict[str, Any], bool]:
    """Load, decide, commit once; begin again when somebody was faster."""
    box, command = container(), call.command()
    for _ in range(_TRIES):
        item = _load(name, call.who, consistent=True)
        if is_replay(item.commands, command):
            return present(item, call.who), True
        now = box.clock.now()
        after = decide_on(to_value(item), now)
        item.reason = reason or item.reason
        item.commands = remember(item.commands, command)
        try:
            commit(box.tables, *_writes(item, after, now, call.request_id))
        except ConditionFailedError:
            continue
        return present(item, call.who), False
    raise UnavailableError("the dispute is busy", retry_after_s=1)


def _writes(item: DisputeItem, after: Dispute, now: datetime, request_id: str) -> list[WriteSet]:
    """The dispute's next state and, when it closes, what that does to plan, line and books."""
    seen = item.version
    apply(item, after)
    if after.state in rules.OPEN:
        item.tell(now, request_id)
        return [plan_change(item, seen)]
    money = _closing(item, after, now, request_id)
    item.closed_at_ms = epoch_ms(now)
    item.tell(now, request_id, Pending("dispute.closed"))
    return [plan_change(item, seen), *money]


def _closing(item: DisputeItem, after: Dispute, now: datetime, request_id: str) -> list[WriteSet]:
    """The plan goes on; what the merchant lost and has not refunded meanwhile is a refund of kind dispute."""
    box = container()
    stored = box.tables.get(PlanItem, item.plan_id, consistent=True)
    plan = stored.plan()
    if not plan.disputed_minor:
        raise ConditionFailedError  # somebody closed it between our two reads
    on = _today(stored, plan, now)
    lost_minor = 0 if after.state is State.WON else min(after.amount_minor, plan.refundable_minor)
    bearer = Bearer.LENDER if rules.lender_bears(after) else Bearer.MERCHANT
    refund_id = derived_id("ref", box.secrets.key("ids"), item.pk)
    # the plan's journal knows the dispute by its own id already: what it lost goes by the refund's
    new, effect = life.close_dispute(plan, on=on, lost_minor=lost_minor, bearer=bearer, reference=refund_id)
    if not lost_minor:
        return [_plan_alone(stored, new, effect, now)]
    made = Refunded(plan, new, effect)
    refund = new_refund(refund_id, stored, made, lost_minor, now)
    refund.kind = RefundKind.DISPUTE.name.lower()
    secret = box.secrets.key("commands")
    refund.key, refund.body = (keyed_hash(secret, part, item.pk, size=HASH_BYTES) for part in ("key", "body"))
    item.refund, item.refunded = id_bytes(refund.pk), lost_minor
    return refund_writes(refund, stored, made, request_id, now, kind=EntryKind.DISPUTE)


def note_told(name: str) -> None:
    """The merchant has been told and is asked; again, or after it has answered, without effect."""
    box = container()
    item = box.tables.get(DisputeItem, name, consistent=True)
    after = rules.ask(to_value(item)) if item else None
    if after is not None:
        with suppress(ConditionFailedError):
            commit(box.tables, *_writes(item, after, box.clock.now(), ""))


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  each is judged by the clock itself
    """What the action-hour sweep does with disputes: silence loses them when the days for evidence are over.

    Args:
        due: Keys of disputes.
        now: Instant of the sweep.
    """
    each_for_itself(_lapse, [pk for pk, _ in due])


def _lapse(pk: str) -> None:
    box = container()
    item = box.tables.get(DisputeItem, pk, consistent=True)
    after = rules.lapse(to_value(item), box.clock.now()) if item else None
    if after is not None:
        with suppress(ConditionFailedError):  # the merchant or a person was faster, and has moved its hour
            commit(box.tables, *_writes(item, after, box.clock.now(), _SWEEP))


def present(item: DisputeItem, who: Principal | None = None) -> dict[str, Any]:
    """A dispute as the customer and the merchant see it, with the staff's work on it where staff ask.

    Args:
        item: As stored.
        who: Who asks; None for the customer and for events.
    """
    shown = {
        "id": item.pk,
        "object": "dispute",
        "status": item.state,
        "version": item.version,
        "kind": item.kind,
        "capture_id": item.capture_id,
        "plan_id": item.plan_id,
        "amount_minor": item.amount,
        "currency": item.currency,
        "evidence": [{**piece, "sha256": piece["sha256"] or None} for piece in item.evidence or ()],
        "evidence_due_at": isoformat(from_epoch_ms(item.evidence_due_ms)),
        "refund_id": id_text("ref", item.refund) if item.refund else None,
        "refunded_minor": item.refunded or 0,
        "opened_at": isoformat(from_epoch_ms(item.opened_at_ms)),
        "closed_at": isoformat(from_epoch_ms(item.closed_at_ms)) if item.closed_at_ms else None,
    }
    if who is not None and who.kind == "staff":
        shown["work"] = {
            "merchant_id": item.merchant_id,
            "customer_id": item.customer_id,
            "proposed": item.proposed,
            "proposed_by": item.proposed_by,
            "decided_by": (item.decided_by or "").split(),
            "reason": item.reason,
        }
    return shown
