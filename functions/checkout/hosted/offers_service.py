"""Use cases of a customer's own view of an order: read it, and the plans she can pay it by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from functions.checkout.checkout_service import load, state_of
from functions.checkout.checkout_store import CheckoutItem, OrderItem
from functions.checkout.decision import STEP_UP_REQUIRED
from functions.checkout.hosted.affordability import Judged, Month, Wanted, judge, owed_by_month, recommend, refusal
from functions.checkout.hosted.confirmation import methods_for, needs_step_up
from functions.checkout.hosted.texts import say
from functions.checkout.order import CheckoutStateError
from functions.checkout.quote_service import bill_day_for, present_offer, signed_offer
from functions.checkout.tokens import LIFETIME, Quote, QuoteInvalidError, require_fresh
from functions.core.clock import from_epoch_ms, isoformat, local_date
from functions.core.errors import NotFoundError
from functions.credit.lines.budget import Budget, budget_of
from functions.credit.lines.service import get_line
from functions.credit.lines.store import LineItem
from functions.customers.customer import Customer
from functions.customers.passkeys.service import list_passkeys
from functions.customers.service import get_customer
from functions.lending.plans.service import open_plan_ids, read_plans
from functions.lending.products.offers import price_offer
from functions.lending.products.plan_product import PlanProduct
from functions.lending.products.service import product_book
from functions.merchants.service import get_merchant
from functions.payments.authorization import Status
from functions.payments.service import load as load_authorization
from functions.payments.store import to_value
from functions.platform.container import container
from functions.platform.web.context import Call

_OUTCOME: Mapping[Status, str] = {Status.HELD: "held", Status.DECLINED: "declined"}


def open_to(checkout_id: str, customer_id: str) -> tuple[CheckoutItem, OrderItem | None]:
    """An order that this customer may see: nobody's yet, or her own.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item, order = load(checkout_id)
    if item.customer_id not in {None, customer_id}:
        raise NotFoundError
    return item, order


def show(checkout_id: str, call: Call) -> dict[str, Any]:
    """The order, and what became of it.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    return present_own(*open_to(checkout_id, call.who.id))


def present_own(item: CheckoutItem, order: OrderItem | None) -> dict[str, Any]:
    """An order as the customer sees it who is asked to confirm it."""
    return {
        "id": item.pk,
        "object": "checkout",
        "status": state_of(item),
        "merchant_name": get_merchant(item.merchant_id).name,
        "amount_minor": item.amount,
        "currency": item.currency,
        "channel": item.channel,
        "lines": (order.lines if order else None) or [],
        "shipping_minor": order.shipping_minor if order else 0,
        "return_url": order.return_url if order else None,
        "expires_at": isoformat(from_epoch_ms(item.expires_at_ms)),
        "outcome": outcome_of(item),
    }


def outcome_of(item: CheckoutItem) -> str | None:
    """What became of the last confirmation; the decline that asked for a step-up was none."""
    if item.authorization_id is None:
        return None
    value = to_value(load_authorization(item.authorization_id))
    return None if value.decline_code == STEP_UP_REQUIRED else _OUTCOME.get(value.status, "approved")


def require_open(item: CheckoutItem) -> None:
    """Refuse what only an open checkout allows.

    Raises:
        CheckoutStateError: It is confirmed, cancelled or expired.
    """
    state = state_of(item)
    if state != "open":
        raise CheckoutStateError(f"the checkout is {state}", current_status=state)


def require_quote(item: CheckoutItem, quote: Quote, wall: datetime) -> None:
    """Refuse a quote that is not for exactly this order, or too old.

    Raises:
        QuoteInvalidError: Another merchant, amount, currency, category or channel.
        QuoteExpiredError: Its 15 minutes are over.
    """
    of_quote = (quote.merchant_id, quote.amount_minor, quote.currency, quote.category, quote.channel, quote.course)
    if of_quote != (item.merchant_id, item.amount, item.currency, item.category, item.channel, item.course):
        raise QuoteInvalidError
    require_fresh(quote, wall)


def line_refusal(line: LineItem | None, amount_minor: int, currency: str) -> str | None:
    """Why a line can't pay an order at all; None if it can. For its customer, never for a merchant."""
    if line is None or line.currency != currency:
        return "no_line"
    if line.status != "active":
        return "line_frozen" if line.status == "frozen" else "line_closed"
    return "not_enough_available" if line.available < amount_minor else None


def offers(checkout_id: str, call: Call) -> dict[str, Any]:
    """The plans she can pay by, at her price; which is recommended and why; and why another is not offered.

    Raises:
        NotFoundError: Not there, or another customer's.
        CheckoutStateError: It is confirmed, cancelled or expired.
    """
    item, order = open_to(checkout_id, call.who.id)
    require_open(item)
    customer = get_customer(call.who.id)
    language = call.query.get("language", customer.language)
    alias = customer.aliases.get(item.currency)
    line = get_line(alias) if alias is not None else None
    expires_at = container().clock.wall() + LIFETIME
    why_not = line_refusal(line, item.amount, item.currency)
    has_passkey = bool(list_passkeys(customer.id))
    body: dict[str, Any] = {
        "object": "checkout_offers",
        "checkout": present_own(item, order),
        "offers": [],
        "recommendation": None,
        "not_offered": [],
        "unavailable": None,
        "step_up": {
            "required": needs_step_up(item.amount, item.currency, asked_by_risk=bool(item.stepped_up)),
            "methods": list(methods_for(item.amount, item.currency, has_passkey=has_passkey)),
        },
        "expires_at": isoformat(expires_at),
    }
    if line is None or why_not is not None:
        code = why_not or "no_line"
        facts = {"available": line.available} if line is not None else {}
        return body | {"unavailable": {"code": code, "text": say(code, language, item.currency, **facts)}}
    return body | _personal(item, line, customer, language, expires_at)


def _personal(
    item: CheckoutItem, line: LineItem, customer: Customer, language: str, expires_at: datetime
) -> dict[str, Any]:
    start_on = local_date(container().clock.now(), customer.zone)
    wanted = Wanted(item.amount, item.category, item.channel, line.grade, line.allowed_terms)
    effective = [p for p in product_book().products if p.currency == item.currency and p.is_effective(start_on)]
    reasons = [(product, refusal(product, wanted)) for product in effective]
    budget, owed = budget_of(customer.id, item.currency, line.grade), _owed(customer.id, item.currency, start_on)
    offered = [product for product, code in reasons if code is None]
    bill_day, room = bill_day_for(offered, line), budget.room_minor if budget else None
    judged = [
        judge(price_offer(product, line.grade, item.amount, start_on, bill_day), owed, room) for product in offered
    ]
    return {
        "offers": [_offer(each, item, line, expires_at) for each in judged],
        "recommendation": _recommendation(judged, budget, language, item.currency),
        "not_offered": [_not_offered(product, code, language) for product, code in reasons if code is not None],
    }


def _owed(customer_id: str, currency: str, today: date) -> Mapping[Month, int]:
    """What she owes by month; what is overdue falls into this one."""
    plans = [item.plan() for item in read_plans(open_plan_ids(customer_id, currency))]
    return owed_by_month((max(row.due_on, today), row.unpaid_minor) for plan in plans for row in plan.rows)


def _offer(each: Judged, item: CheckoutItem, line: LineItem, expires_at: datetime) -> dict[str, Any]:
    quote = Quote(
        merchant_id=item.merchant_id,
        amount_minor=item.amount,
        currency=item.currency,
        category=item.category,
        channel=item.channel,
        product_id=each.offer.product_id,
        product_version=each.offer.product_version,
        price_bps=each.offer.price_bps,
        alias=line.alias,
        expires_at=expires_at,
        course=item.course,
        bill_day=each.offer.schedule.terms.due.bill_day,
    )
    return (
        present_offer(each.offer)
        | signed_offer(quote)
        | {
            "installment_minor": each.installment_minor,
            "owed_minor": each.owed_minor,
            "affordable": each.affordable,
        }
    )


def _recommendation(judged: list[Judged], budget: Budget | None, language: str, currency: str) -> dict[str, Any] | None:
    if not judged:
        return None
    best, code = recommend(judged)
    facts: dict[str, int] = {"room": budget.room_minor} if budget else {}
    if best is not None:
        facts |= {"installment": best.installment_minor, "owed": best.owed_minor}
    return {
        "product_id": best.offer.product_id if best else None,
        "room_minor": budget.room_minor if budget else None,
        "code": code,
        "text": say(code, language, currency, **facts),
    }


def _not_offered(product: PlanProduct, code: str, language: str) -> dict[str, Any]:
    facts = {
        "least": product.min_amount_minor,
        "most": product.max_amount_minor,
        "count": product.terms.term_count,
    }
    return {
        "product_id": product.id,
        "term_count": product.terms.term_count,
        "code": code,
        "text": say(code, language, product.currency, **facts),
    }
