"""Use cases of fulfilments: report service rendered, and read what was reported.

Fulfilment, plan and ledger entry change in one transaction; the customer's debt and line do not.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import FieldError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import id_bytes, require_id
from functions.ledger.entries import EntryKind
from functions.lending import life
from functions.lending.cash import Effect, holdback_minor
from functions.lending.changes.fulfilment import FulfilmentExceedsRemainderError
from functions.lending.plan import Plan
from functions.lending.plans.service import Booking, Entries, PlanChanges
from functions.lending.plans.store import PlanItem
from functions.merchants.keyring import MerchantKeysItem, require_current
from functions.payments.fulfilments.sale import units_value_minor
from functions.payments.fulfilments.schemas import FulfilmentRequest
from functions.payments.fulfilments.store import FulfilmentItem, fulfilment_id, plan_new
from functions.payments.scenario import SCENARIOS
from functions.payments.store import plan_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call, Principal

_TRIES = 4
_ANY_SERVICE = "service_rendered"


class FulfilmentRefusedError(InvalidError):
    code, title = "fulfilment_refused", "This can't have been rendered so"


def fulfil_capture(capture: str, body: FulfilmentRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Report service rendered; what waited for it is owed to the merchant from now.

    Args:
        capture: The merchant's own.
        body: What was rendered, when, and where the proof is kept.
        call: Its Idempotency-Key names the fulfilment for ever.

    Raises:
        NothingHeldBackError, DisputeOpenError, FulfilmentExceedsRemainderError, FulfilmentRefusedError: Nothing is
            written.
    """
    box, command = container(), call.command()
    mine = fulfilment_id(box.secrets.key("ids"), command)
    for attempt in range(_TRIES):
        item, done = _load(capture, mine, call.who, consistent=attempt > 0)
        if done is not None:
            same_body(done.body, command)
            return present_fulfilment(done), True
        now = box.clock.now()
        plan = item.plan()
        today = local_date(now, item.zone)
        _require_own_service(body.event, item.category)
        _require_past(body.rendered_on, plan.start_on, today)
        amount, units = _rendered(plan, item, body)
        after, effect = life.fulfil(plan, amount, on=max(today, plan.settled_on), reference=mine)
        own = FulfilmentItem(
            pk=mine,
            version=1,
            plan=id_bytes(item.pk),
            merchant=item.merchant,
            event=body.event,
            rendered=body.rendered_on.toordinal(),
            amount=amount,
            units=units or None,
            released=holdback_minor(plan) - holdback_minor(after),
            held=holdback_minor(after),
            currency=item.currency,
            reference=body.evidence.reference,
            digest=bytes.fromhex(body.evidence.sha256) if body.evidence.sha256 else None,
            created_at_ms=epoch_ms(now),
            key=command.key,
            body=command.body,
        )
        item.rendered_units = (item.rendered_units or 0) + units or None
        try:
            commit(box.tables, *_writes(own, item, (after, effect), call.request_id, now))
        except ConditionFailedError:
            continue
        return present_fulfilment(own), False
    raise UnavailableError("the plan is busy", retry_after_s=1)


def _load(capture: str, mine: str, who: Principal, *, consistent: bool) -> tuple[PlanItem, FulfilmentItem | None]:
    """One read of the capture, of the fulfilment that this very command may have made, and of the merchant's keys."""
    plan, done, ring = container().tables.batch_get(
        [
            (PlanItem, plan_id(require_id("cap", capture)), keys.SELF),
            (FulfilmentItem, mine, keys.SELF),
            (MerchantKeysItem, keys.merchant_keys(who.id), keys.SELF),
        ],
        consistent=consistent,
    )
    require_current(who, ring)
    if plan is None or plan.merchant_id != who.id:
        raise NotFoundError
    return plan, done


def _require_own_service(event: str, category: str) -> None:
    """No trip releases what waits for a lesson."""
    own = SCENARIOS[category].rendered
    if event not in {_ANY_SERVICE, own}:
        detail = f"{_ANY_SERVICE} or {own}" if own else _ANY_SERVICE
        raise FulfilmentRefusedError(
            f"of this scenario: {detail}", errors=(FieldError("/event", "not_allowed", detail),)
        )


def _require_past(rendered_on: date, start_on: date, today: date) -> None:
    if not start_on <= rendered_on <= today:
        detail = f"from the capture on {start_on} to today, {today}"
        raise FulfilmentRefusedError(detail, errors=(FieldError("/rendered_on", "out_of_range", detail),))


def _rendered(plan: Plan, item: PlanItem, body: FulfilmentRequest) -> tuple[int, int]:
    """Goods value and units of a report; a sale in units is reported in units, any other one in money."""
    units = item.units or 0
    if (body.amount_minor if units else body.units) is not None:
        raise FulfilmentRefusedError(
            "this sale has units: report them" if units else "this sale has no units: report goods value",
            errors=(FieldError("/amount_minor" if units else "/units", "not_applicable", "see the capture"),),
        )
    if not units:
        return body.amount_minor or plan.unfulfilled_minor, 0
    so_far = item.rendered_units or 0
    more = units - so_far if body.units is None else body.units
    if not 1 <= more <= units - so_far:
        raise FulfilmentExceedsRemainderError(f"{units - so_far} units remain", remaining_units=units - so_far)
    value = units_value_minor(plan.captured_minor, units, so_far + more)
    return min(value - units_value_minor(plan.captured_minor, units, so_far), plan.unfulfilled_minor), more


def _writes(
    own: FulfilmentItem, item: PlanItem, done: tuple[Plan, Effect], request_id: str, now: datetime
) -> list[WriteSet]:
    after, effect = done
    changes, entries = PlanChanges.of([item]), Entries()
    changes.take([after], {item.pk: effect})
    booking = Booking(EntryKind.HOLDBACK, item.customer_id, item.currency, now, after.settled_on, own.key.hex())
    entries.post(booking, effect.postings, (item.pk, own.pk), item.version + 1)
    own.explained = entries.memory_of(own.pk)
    return [plan_new(own, ConditionFailedError), changes.writes(entries, now, request_id), entries.writes]


def read_fulfilment(name: str, merchant_id: str) -> dict[str, Any]:
    """A merchant's own fulfilment.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    item: FulfilmentItem | None = container().tables.get(FulfilmentItem, require_id("ful", name))
    if item is None or item.merchant_id != merchant_id:
        raise NotFoundError
    return present_fulfilment(item)


def present_fulfilment(item: FulfilmentItem) -> dict[str, Any]:
    """A fulfilment as its merchant sees it."""
    return {
        "id": item.pk,
        "object": "fulfilment",
        "version": item.version,
        "capture_id": item.capture_id,
        "event": item.event,
        "rendered_on": date.fromordinal(item.rendered).isoformat(),
        "amount_minor": item.amount,
        "units": item.units,
        "released_minor": item.released,
        "holdback_minor": item.held,
        "currency": item.currency,
        "evidence": {"reference": item.reference, "sha256": item.digest.hex() if item.digest else None},
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
    }
