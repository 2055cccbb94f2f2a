"""Capture: the hold becomes debt. Authorization, line, plan and ledger entry change in one transaction, or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from functions.core.clock import from_epoch_ms, local_date
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import id_bytes, keyed_hash, require_id
from functions.credit.lines.service import plan_line_change
from functions.ledger.entries import Entry, EntryKind
from functions.ledger.service import accounting_day, entry_id, plan_entry
from functions.lending.cash import Effect, capture_effect
from functions.lending.line import NO_CHANGE, hold
from functions.lending.plan import Plan, open_plan
from functions.lending.plans.next_action import next_action
from functions.lending.plans.present import present_capture
from functions.lending.plans.store import PlanItem, plan_new, put_plan
from functions.lending.products.offers import capture_terms
from functions.lending.products.service import find_product
from functions.lending.schedule import build_schedule
from functions.merchants.keyring import MerchantKeysItem, require_current
from functions.payments import authorization as rules
from functions.payments.authorization import Capture, Status
from functions.payments.fulfilments.sale import NOTHING_SAID, Sale
from functions.payments.scenario import SCENARIOS
from functions.payments.service import TRIES, load, wait
from functions.payments.store import AuthorizationItem, apply, capture_id, plan_change, plan_id, to_value
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import remember, same_body
from functions.platform.web.context import HASH_BYTES, Call, Command, Principal

SEGMENT = "standard"


@dataclass(frozen=True, slots=True)
class Born:
    """A capture decided and not yet written."""

    item: PlanItem
    plan: Plan
    effect: Effect


def capture_authorization(
    authorization_id: str, amount_minor: int, *, final: bool, call: Call, sale: Sale = NOTHING_SAID
) -> tuple[dict[str, Any], bool]:
    """Turn part or all of an authorization into a plan.

    Args:
        authorization_id: The merchant's own.
        amount_minor: 1 … what remains.
        final: Whether the rest goes back to the line.
        call: Its Idempotency-Key names the capture for ever: the capture's id is derived from it.
        sale: What the merchant says of it, where its scenario asks.

    Raises:
        AuthorizationStateError, AuthorizationExpiredError, AuthorizationSuspendedError,
        CaptureExceedsRemainderError, TooManyCapturesError, SaleRefusedError: Nothing is written.
        CaptureNotAvailableError: Long after the approval, and it would not be approved now.
    """
    box, command = container(), call.command()
    for attempt in range(TRIES):
        item, done = _load(authorization_id, call.who, command, consistent=attempt > 0)
        if done is not None:
            same_body(done.body, command)
            return present_capture(done), True
        now = box.clock.now()
        decided = rules.capture(to_value(item), amount_minor, final=final, now=now)
        _require_still_good(item, amount_minor, now)
        born = _born(item, decided, command, request_id=call.request_id, now=now, sale=sale)
        try:
            commit(box.tables, *_writes(item, decided, born, command, request_id=call.request_id, now=now))
        except ConditionFailedError:
            continue
        return present_capture(born.item), False
    raise UnavailableError("the authorization is busy", retry_after_s=1)


def capture_sale(
    authorization_id: str, agreement: bytes | None, request_id: str, asked: Command | None = None
) -> tuple[AuthorizationItem, bool]:
    """Turn a sale at a till into debt, whole and once, whoever asks: the shop, the clock or the sweep.

    Args:
        authorization_id: Of a sale at a till.
        agreement: SHA-256 of the agreement, where the authorization does not name one yet.
        request_id: Of the request or message that asks.
        asked: The shop's command, remembered so that its retry is known.

    Returns:
        The authorization, and whether it was captured before.

    Raises:
        AuthorizationStateError, AuthorizationExpiredError, AuthorizationSuspendedError: Nothing is written.
    """
    box = container()
    command = sale_command(authorization_id, "capture")
    for attempt in range(TRIES):
        item = load(authorization_id, consistent=attempt > 0)
        value = to_value(item)
        if value.status is Status.CAPTURED:
            return item, True
        item.agreement = item.agreement or agreement
        item.commands = remember(item.commands, asked) if asked else item.commands
        now = box.clock.now()
        decided = rules.capture(value, value.remaining_minor, final=True, now=now)
        born = _born(item, decided, command, request_id=request_id, now=now)
        try:
            commit(box.tables, *_writes(item, decided, born, command, request_id=request_id, now=now))
        except ConditionFailedError:
            continue
        return item, False
    raise UnavailableError("the authorization is busy", retry_after_s=1)


def sale_command(authorization_id: str, action: str) -> Command:
    """The one command that does something to a whole sale: what it makes has one id for ever."""
    scope = f"sale\n{authorization_id}\n{action}"
    key = keyed_hash(container().secrets.key("commands"), "sale", scope, size=HASH_BYTES)
    return Command(key=key, body=key, scope=scope)


def _require_still_good(item: AuthorizationItem, amount_minor: int, now: datetime) -> None:
    """An approval of some scenarios is not for its whole life: later, line status and rules are asked again."""
    after = SCENARIOS[item.category].recheck_after
    if after is not None and now >= from_epoch_ms(item.created_at_ms) + after:
        container().late_capture(item, amount_minor, now)


def _load(
    authorization_id: str, who: Principal, command: Command, *, consistent: bool
) -> tuple[AuthorizationItem, PlanItem | None]:
    """One read of the authorization, of the capture that this command may have made before, and of the key's state."""
    box = container()
    require_id("auth", authorization_id)
    mine = plan_id(capture_id(box.secrets.key("ids"), authorization_id, command.key))
    auth, plan, keyring = box.tables.batch_get(
        [
            (AuthorizationItem, authorization_id, keys.SELF),
            (PlanItem, mine, keys.SELF),
            (MerchantKeysItem, keys.merchant_keys(who.id), keys.SELF),
        ],
        consistent=consistent,
    )
    require_current(who, keyring if isinstance(keyring, MerchantKeysItem) else None)
    if not isinstance(auth, AuthorizationItem) or auth.merchant_id != who.id:
        raise NotFoundError
    return auth, plan if isinstance(plan, PlanItem) else None


def _born(
    item: AuthorizationItem,
    decided: Capture,
    command: Command,
    *,
    request_id: str,
    now: datetime,
    sale: Sale = NOTHING_SAID,
) -> Born:
    box, row = container(), SCENARIOS[item.category]
    product = find_product(item.product, item.product_version)
    zone = item.zone or "UTC"
    start_on = date.fromordinal(item.sold_on) if item.sold_on else local_date(now, zone)
    schedule = build_schedule(
        capture_terms(product, item.grade, decided.captured_minor, start_on, item.bill_day or 0),
        decided.captured_minor,
        start_on,
    )
    capture = capture_id(box.secrets.key("ids"), item.pk, command.key)
    plan = open_plan(
        schedule,
        replace(product.plan_rules(), holdback_bps=row.holdback_bps),
        plan_id=plan_id(capture),
        customer_id=item.customer_id,
        merchant_id=item.merchant_id,
        opened_at=now,
        backstop_on=sale.require_fits(row, start_on).backstop_on(row, start_on),
    )
    plan_item = PlanItem(
        pk=plan.id,
        version=1,
        customer=item.customer,
        merchant=item.merchant,
        authorization=id_bytes(item.pk),
        alias=item.alias,
        currency=item.currency,
        product=item.product,
        product_version=item.product_version,
        zone=zone,
        language=item.language or "en",
        segment=SEGMENT,
        category=item.category,
        agreement=item.agreement,
        body=command.body,
    )
    sale.keep(plan_item)
    put_plan(plan_item, plan, next_action(plan, SEGMENT, zone), box.settings.shards)
    plan_item.tell(now, request_id, Pending("capture.created"), Pending("plan.created"))
    return Born(plan_item, plan, capture_effect(plan))


def _writes(
    item: AuthorizationItem, decided: Capture, born: Born, command: Command, *, request_id: str, now: datetime
) -> list[WriteSet]:
    seen = item.version
    apply(item, decided.authorization)
    item.capture_keys = (item.capture_keys or b"") + command.key
    item.commands = remember(item.commands, command)
    item.tell(now, request_id, *wait(item, now))
    released = -hold(decided.released_minor) if decided.released_minor else NO_CHANGE
    entry = Entry(
        id=entry_id(born.item.pk, born.item.version),
        currency=item.currency,
        postings=born.effect.postings,
        occurred_at=now,
        effective_on=accounting_day(born.plan.start_on),
        kind=EntryKind.CAPTURE,
        explains=(born.item.pk,),
        command_id=command.key.hex(),
    )
    born.item.explain(entry.id)
    return [
        plan_change(item, seen),
        plan_line_change(item.alias or 0, born.effect.line + released),
        plan_new(born.item, ConditionFailedError),
        plan_entry(entry),
    ]


def read_capture(capture: str, merchant_id: str) -> dict[str, Any]:
    """A merchant's own capture.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    item: PlanItem | None = container().tables.get(PlanItem, plan_id(require_id("cap", capture)))
    if item is None or item.merchant_id != merchant_id:
        raise NotFoundError
    return present_capture(item)
