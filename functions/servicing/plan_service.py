"""A customer's own plans: see them, pay them off, withdraw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from functions.core.clock import local_date
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.core.money import require_currency
from functions.credit.lines.service import plan_line_change
from functions.ledger.entries import EntryKind
from functions.lending import life
from functions.lending.agreements.agreement import agreement_of_plan
from functions.lending.amendments.store import amendments_of
from functions.lending.cash import Effect
from functions.lending.changes.waterfall import payable, row_due_minor
from functions.lending.late import plan_late_due_minor, settle
from functions.lending.payoff import PayoffQuote, QuoteVoidError, payoff_quote
from functions.lending.plan import Plan, days_past_due, delinquency
from functions.lending.plans.balance_store import balance_of, plan_balance_change
from functions.lending.plans.present import present_plan
from functions.lending.plans.service import Booking, Entries, PlanChanges, read_plan, read_plans
from functions.lending.plans.store import PlanItem, PlanRow, rows_key
from functions.lending.products.service import find_product
from functions.merchants.service import get_merchant
from functions.platform.container import container
from functions.platform.signing import BadSignatureError, sign, verify
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call
from functions.platform.web.pagination import page, page_limit, seal, unseal
from functions.servicing.repayment import PAYOFF, Wish
from functions.servicing.repayment_service import collect, present_repayment, read
from functions.servicing.repayment_store import repayment_id
from functions.servicing.schemas import PayoffRequest

_TRIES: Final = 4
_PURPOSE: Final = "payoff_quotes"

Decide = Callable[[Plan, date], tuple[Plan, Effect]]
Beside = Callable[[PlanItem, Plan, Plan, date], WriteSet]


def nothing_beside(item: PlanItem, before: Plan, after: Plan, on: date) -> WriteSet:  # noqa: ARG001  as the others
    """Write nothing but the plan."""
    return WriteSet()


def list_plans(call: Call) -> dict[str, Any]:
    """A customer's plans, newest first."""
    box, limit = container(), page_limit(call.query)
    pk, secret = rows_key(call.who.id), box.secrets.key("cursors")
    rows, last = box.tables.query(
        PlanRow, pk, limit=limit, forward=False, start=unseal(secret, pk, call.query.get("cursor"))
    )
    now = box.clock.now()
    return page(read_plans([row.plan_id for row in rows]), seal(secret, pk, last), lambda item: present_mine(item, now))


def show_plan(plan_id: str, call: Call) -> dict[str, Any]:
    """A customer's own plan as of now.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    return present_mine(read_plan(plan_id, call.who.id, consistent=True), container().clock.now())


def present_mine(item: PlanItem, now: datetime) -> dict[str, Any]:
    """A plan with what only its dates tell: what is due, what is late, what comes next."""
    stored = item.plan()
    on = max(local_date(now, item.zone), stored.settled_on)
    plan = settle(stored, on)
    ahead = [row for row in plan.rows if row.due_on > on and row.unpaid_minor]
    following = min(ahead, key=lambda row: (row.due_on, row.number), default=None)
    return present_plan(item) | {
        "as_of_on": on.isoformat(),
        "due_minor": sum(row_due_minor(plan, row, on) for row in payable(plan, on)),
        "late_minor": plan_late_due_minor(plan, on),
        "days_past_due": days_past_due(plan, on),
        "delinquency": str(delinquency(plan, on)),
        "next_due_on": following.due_on.isoformat() if following else None,
        "next_due_minor": following.unpaid_minor if following else 0,
        "deferrals_left": max(0, plan.rules.deferrals_max - plan.deferrals),
        "replans_left": max(0, plan.rules.replans_max - plan.replans),
    }


def show_agreement(plan_id: str, call: Call) -> dict[str, Any]:
    """The agreement of a plan: its text from the plan's own terms, the hash accepted at checkout, all changes since.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item = read_plan(plan_id, call.who.id)
    product = find_product(item.product, item.product_version or 1)
    agreement = agreement_of_plan(
        item.plan(),
        merchant_name=get_merchant(item.merchant_id).name,
        language=item.language,
        cap_method=product.jurisdiction.cap.method,
        personal=True,
    )
    return {
        "object": "agreement",
        "plan_id": item.pk,
        "hash": agreement.sha256.hex(),
        "accepted_hash": item.agreement.hex() if item.agreement else None,
        "version": agreement.version,
        "language": agreement.language,
        "document": agreement.document,
        "changes": amendments_of(item.pk),
    }


def quote_payoff(plan_id: str, call: Call) -> dict[str, Any]:
    """What closes a plan today.

    Raises:
        NotFoundError: Not there, or another customer's.
        NothingToPayOffError: Nothing is left to pay.
    """
    item = read_plan(plan_id, call.who.id, consistent=True)
    plan, quote = _quoted(item)
    signed = {"p": item.pk, "d": quote.on.toordinal(), "r": quote.revision, "t": quote.total_minor}
    return {
        "object": "payoff_quote",
        "plan_id": item.pk,
        "currency": item.currency,
        "valid_on": quote.on.isoformat(),
        "principal_minor": quote.principal_minor,
        "fee_minor": quote.fee_minor,
        "late_minor": quote.late_minor,
        "total_minor": quote.total_minor,
        "saved_minor": quote.saved_minor,
        "credit_balance_minor": balance_of(plan.customer_id, item.currency),
        "quote": sign(container().secrets.key(_PURPOSE), signed),
    }


def _quoted(item: PlanItem) -> tuple[Plan, PayoffQuote]:
    plan = item.plan()
    return plan, payoff_quote(plan, max(local_date(container().clock.now(), item.zone), plan.settled_on))


def pay_plan_off(plan_id: str, body: PayoffRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Close a plan early; the same as a repayment with the intent `payoff`.

    Args:
        plan_id: The customer's own.
        body: The quote that was shown, if any; the amount, today's quote if absent.
        call: Its Idempotency-Key names the repayment for ever.

    Returns:
        The repayment, and whether it is the same one again.

    Raises:
        QuoteVoidError: The quote is of another day, or the plan has changed since.
        PayoffShortError: Less than what closes the plan; carries what is missing.
    """
    box, command = container(), call.command()
    name = repayment_id(box.secrets.key("ids"), command)
    found = read(name, [require_id("plan", plan_id)])
    if found.own is not None:
        same_body(found.own.body, command)
        return present_repayment(found.own), True
    own = [item for item in found.plans if item.customer_id == call.who.id]
    if not own:
        raise NotFoundError
    item = own[0]
    _plan, quote = _quoted(item)
    if body.quote is not None:
        _require_same(body.quote, quote)
    wish = Wish(
        customer_id=call.who.id,
        amount_minor=quote.total_minor if body.amount_minor is None else body.amount_minor,
        currency=item.currency,
        intent=PAYOFF,
        plan_id=item.pk,
        mode="",
        value_on=quote.on,
        asked_at=box.clock.now(),
        plan_ids=(item.pk,),
        key=command.key,
        body=command.body,
    )
    return collect(name, wish, found, body.instrument, call.request_id)


def _require_same(text: str, quote: PayoffQuote) -> None:
    try:
        shown = verify(container().secrets.key(_PURPOSE), text)
    except BadSignatureError:
        raise QuoteVoidError("this is not a quote of ours") from None
    if (shown["p"], shown["d"], shown["r"]) != (quote.plan_id, quote.on.toordinal(), quote.revision):
        raise QuoteVoidError("the quote is of another day, or the plan has changed since; ask for a new one")


def withdraw_plan(plan_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Undo the agreement within the legal days.

    Raises:
        WithdrawalClosedError: Says until when it was possible.
    """
    return change_plan(plan_id, call, EntryKind.WITHDRAWAL, lambda plan, on: life.withdraw(plan, on=on))


def today_of(item: PlanItem) -> date:
    """The day where a plan's customer is, not before the plan's last operation."""
    return max(local_date(container().clock.now(), item.zone), item.plan().settled_on)


def change_plan(
    plan_id: str, call: Call, kind: EntryKind, decide: Decide, beside: Beside = nothing_beside
) -> tuple[dict[str, Any], bool]:
    """Load, decide, commit once; begin again when somebody was faster.

    Args:
        plan_id: The customer's own.
        call: Its Idempotency-Key counts once.
        kind: Why money moves, if it does.
        decide: What becomes of the plan, on which day.
        beside: What else is written with it, of the plan before and after.

    Returns:
        The plan as its customer sees it, and whether the command was seen before.
    """
    box, command = container(), call.command()
    for attempt in range(_TRIES):
        item = read_plan(plan_id, call.who.id, consistent=attempt > 0)
        now = box.clock.now()
        if is_replay(item.commands, command):
            return present_mine(item, now), True
        changes, entries, on = PlanChanges.of([item]), Entries(), today_of(item)
        before = changes.plans[item.pk]
        after, effect = decide(before, on)
        also = beside(item, before, after, on)
        changes.take([after], {item.pk: effect})
        booking = Booking(kind, item.customer_id, item.currency, now, on, command.key.hex())
        entries.post(booking, effect.postings, (item.pk,), item.version + 1)
        item.commands = remember(item.commands, command)
        try:
            commit(
                box.tables,
                changes.writes(entries, now, call.request_id),
                *(plan_line_change(alias, change) for alias, change in changes.lines.items()),
                plan_balance_change(item.customer_id, item.currency, effect.credit_balance_minor, now),
                entries.writes,
                also,
            )
        except ConditionFailedError:
            continue
        return present_mine(item, now), False
    raise UnavailableError("the plan is busy", retry_after_s=1)


def show_credit_balance(call: Call, currency: str) -> dict[str, Any]:
    """A customer's credit balance in a currency.

    Raises:
        UnsupportedCurrencyError: There is no such currency.
    """
    require_currency(currency)
    return {
        "object": "credit_balance",
        "currency": currency,
        "balance_minor": balance_of(call.who.id, currency),
    }
