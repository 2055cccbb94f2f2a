"""Use cases of a new term: see it with its cost and its document, then accept exactly that."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from functions.core.errors import ConflictError
from functions.ledger.entries import EntryKind
from functions.lending import life
from functions.lending.amendments.document import Amendment, amendment_of
from functions.lending.amendments.outlook import Outlook
from functions.lending.amendments.store import plan_amendment
from functions.lending.cash import Effect
from functions.lending.changes.replan import NewTerm, next_due_on
from functions.lending.late import settle
from functions.lending.plan import Plan
from functions.lending.plans.present import schedule_rows
from functions.lending.plans.service import read_plan
from functions.lending.plans.store import PlanItem
from functions.lending.products.service import find_product
from functions.merchants.service import get_merchant
from functions.platform.container import container
from functions.platform.signing import BadSignatureError, sign, verify
from functions.platform.storage.transactions import WriteSet
from functions.platform.web.context import Call
from functions.servicing.hardship.limits import (
    REPLAN_ALONE_DAYS,
    REPLAN_ALONE_MAJOR,
    ReplanNeedsStaffError,
    needs_staff,
)
from functions.servicing.hardship.schemas import ReplanQuoteRequest, ReplanRequest
from functions.servicing.plan_service import change_plan, today_of

_PURPOSE: Final = "replan_quotes"
_CUSTOMER: Final = "customer"


class ReplanQuoteVoidError(ConflictError):
    code, title = "replan_quote_void", "This quote of a new term is no longer valid"


def quote_replan(plan_id: str, body: ReplanQuoteRequest, call: Call) -> dict[str, Any]:
    """A new term with its cost, rate and document; the same decision, not written. Good for the day.

    Raises:
        NotFoundError: Not there, or another customer's.
        ReplanLimitError, ReplanRefusedError: See `functions.lending.life.replan`.
    """
    item = read_plan(plan_id, call.who.id, consistent=True)
    on, before = today_of(item), item.plan()
    first = date.fromisoformat(body.first_due_on) if body.first_due_on else next_due_on(before, on)
    term = NewTerm(body.installments, first, _CUSTOMER)
    after, _effect = life.replan(before, term, on=on)
    made = made_of(item, before, after, on)
    agreement = made.agreement
    signed = {
        "p": item.pk, "d": on.toordinal(), "r": before.revision, "n": term.installments,
        "f": term.first_due_on.toordinal(), "h": agreement.sha256.hex(),
    }  # fmt: skip
    return {
        "object": "replan_quote",
        "plan_id": item.pk,
        "currency": item.currency,
        "valid_on": on.isoformat(),
        "installments": term.installments,
        "first_due_on": term.first_due_on.isoformat(),
        "cost_minor": made.cost_minor,
        "before": _seen(made.before),
        "after": _seen(made.after),
        "needs_staff": needs_staff(made, item.currency),
        "replans_left": max(0, after.rules.replans_max - after.replans),
        "schedule_before": schedule_rows(before),
        "schedule": schedule_rows(after),
        "agreement_hash": agreement.sha256.hex(),
        "language": agreement.language,
        "document": agreement.document,
        "quote": sign(container().secrets.key(_PURPOSE), signed),
    }


def replan_plan(plan_id: str, body: ReplanRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Accept a new term as it was shown.

    Returns:
        The plan, and whether it is the same command again.

    Raises:
        ReplanQuoteVoidError: Not our quote, of another plan, day or document, or the plan has changed since.
        ReplanLimitError, ReplanRefusedError: See `functions.lending.life.replan`.
        ReplanNeedsStaffError: Longer or dearer than a customer may take alone.
    """
    command = call.command()

    def decide(plan: Plan, on: date) -> tuple[Plan, Effect]:
        return life.replan(plan, _term_of(body, plan, on), on=on)

    def beside(item: PlanItem, before: Plan, after: Plan, on: date) -> WriteSet:
        made = made_of(item, before, after, on)
        if made.agreement.sha256.hex() != body.agreement_hash:
            raise ReplanQuoteVoidError("the document is another by now; look at it again")
        if needs_staff(made, item.currency):
            raise ReplanNeedsStaffError(
                f"alone up to {REPLAN_ALONE_DAYS} days longer and {REPLAN_ALONE_MAJOR} {item.currency}",
                days_max=REPLAN_ALONE_DAYS,
            )
        now = container().clock.now()
        return plan_amendment(item.pk, after.replans, made, asked_by=_CUSTOMER, command=command.key, at=now)

    return change_plan(plan_id, call, EntryKind.REPLAN, decide, beside)


def _term_of(body: ReplanRequest, plan: Plan, on: date) -> NewTerm:
    """What was quoted, if it still stands."""
    try:
        shown = verify(container().secrets.key(_PURPOSE), body.quote)
    except BadSignatureError:
        raise ReplanQuoteVoidError("this is not a quote of ours") from None
    if (shown["p"], shown["d"], shown["r"]) != (plan.id, on.toordinal(), plan.revision):
        raise ReplanQuoteVoidError("the quote is of another day or plan, or the plan has changed; ask for a new one")
    if shown["h"] != body.agreement_hash:
        raise ReplanQuoteVoidError("the quote was for another document")
    return NewTerm(shown["n"], date.fromordinal(shown["f"]), _CUSTOMER)


def made_of(item: PlanItem, before: Plan, after: Plan, on: date) -> Amendment:
    """What a re-plan does to a stored plan, in its customer's language.

    Args:
        item: As read.
        before: Its plan.
        after: The same, re-planned.
        on: Today where the customer is.
    """
    product = find_product(item.product, item.product_version or 1)
    return amendment_of(
        settle(before, on),
        after,
        on,
        merchant_name=get_merchant(item.merchant_id).name,
        language=item.language,
        cap_method=product.jurisdiction.cap.method,
    )


def _seen(outlook: Outlook) -> dict[str, Any]:
    return {
        "principal_minor": outlook.principal_minor,
        "fee_minor": outlook.fee_minor,
        "late_minor": outlook.late_minor,
        "total_minor": outlook.total_minor,
        "installments": outlook.installments,
        "next_due_on": outlook.next_due_on.isoformat(),
        "last_due_on": outlook.last_due_on.isoformat(),
        "apr_bps": outlook.apr_bps,
    }
