"""Quotes: the plans an amount can be paid by, priced, with every payment and the annual rate, each offer signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from functions.checkout.order import require_currency_of_line
from functions.checkout.schemas import QuoteRequest
from functions.checkout.tokens import (
    LIFETIME,
    CustomerToken,
    Quote,
    read_customer_token,
    require_unexpired,
    sign_quote,
)
from functions.core.clock import isoformat, local_date
from functions.core.money import require_currency
from functions.credit.lines.service import get_line
from functions.credit.lines.store import LineItem
from functions.lending.products.offers import Offer, price_offer
from functions.lending.products.plan_product import PlanProduct
from functions.lending.products.service import product_book
from functions.merchants.service import get_merchant
from functions.payments.scenario import Course
from functions.platform.container import container
from functions.platform.web.context import Call
from functions.servicing.statements.bill_day import bill_day_of


def quote(body: QuoteRequest, call: Call) -> dict[str, Any]:
    """Price every plan that the amount, the scenario and (with a token) the customer's line allow.

    Without a token, prices are the product's ceiling: a customer's own price is that or less. With a token and no
    usable line there are no offers, and nothing says why.

    Raises:
        CustomerTokenInvalidError: The token is not for this merchant, or has expired.
        UnsupportedCurrencyError, CurrencyNotAcceptedError: See `require_sells`.
        CurrencyMismatchError: The token is of a line in another currency.
    """
    box = container()
    merchant = get_merchant(call.who.id)
    require_currency(body.currency)
    merchant.require_sells(body.currency, body.category, body.amount_minor)
    wall = box.clock.wall()
    token: CustomerToken | None = None
    line: LineItem | None = None
    if body.customer_token is not None:
        token = read_customer_token(box.secrets.key("tokens"), body.customer_token, merchant.id, "quote")
        require_unexpired(token, wall)
        line = get_line(token.alias) if token.alias is not None else None
        require_currency_of_line(body.currency, (line.currency,) if line else ())
    start_on = local_date(box.clock.now(), line.zone if line else merchant.zone)
    expires_at = wall + LIFETIME
    return {
        "object": "quote",
        "amount_minor": body.amount_minor,
        "currency": body.currency,
        "category": body.category,
        "channel": body.channel,
        "personal": token is not None,
        "expires_at": isoformat(expires_at),
        "offers": [
            present_offer(offer)
            | signed_offer(
                Quote(
                    merchant_id=merchant.id,
                    amount_minor=body.amount_minor,
                    currency=body.currency,
                    category=body.category,
                    channel=body.channel,
                    product_id=offer.product_id,
                    product_version=offer.product_version,
                    price_bps=offer.price_bps,
                    alias=line.alias if line else None,
                    expires_at=expires_at,
                    course=Course(body.education.beneficiary, body.education.programme),
                    bill_day=offer.schedule.terms.due.bill_day,
                )
            )
            for offer in _offers(body, start_on, line, personal=token is not None)
        ],
    }


def signed_offer(quote: Quote) -> dict[str, str]:
    """What makes an offer good to be paid by, until it expires."""
    text = sign_quote(container().secrets.key("quotes"), quote)
    return {"quote": text, "expires_at": isoformat(quote.expires_at)}


def _offers(body: QuoteRequest, start_on: date, line: LineItem | None, *, personal: bool) -> list[Offer]:
    if personal and (line is None or line.status != "active" or line.currency != body.currency):
        return []
    grade = line.grade if line else None
    products = product_book().offers_for(body.currency, body.category, body.channel, grade, body.amount_minor, start_on)
    wanted = [product for product in products if line is None or product.terms.term_count in line.allowed_terms]
    bill_day = bill_day_for(wanted, line)
    return [price_offer(product, grade, body.amount_minor, start_on, bill_day) for product in wanted]


def bill_day_for(products: Sequence[PlanProduct], line: LineItem | None) -> int:
    """The bill day that some products are priced by: the customer's own, read only where one of them is due by bill.

    Returns:
        0 for each product's own day.
    """
    if line is None or not any(product.is_due_by_bill for product in products):
        return 0
    return bill_day_of(line.customer_id, line.currency)


def present_offer(offer: Offer) -> dict[str, Any]:
    """An offer as JSON values: no grade, no income, no reason."""
    schedule = offer.schedule
    return {
        "product_id": offer.product_id,
        "product_version": offer.product_version,
        "term_count": schedule.terms.term_count,
        "schedule": [
            {
                "number": row.number,
                "due_on": row.due_on.isoformat(),
                "principal_minor": row.principal_minor,
                "fee_minor": row.fee_minor,
                "subsidy_minor": row.subsidy_minor,
                "total_minor": row.total_minor,
                "balance_minor": row.balance_minor,
            }
            for row in schedule.rows
        ],
        "total_cost_minor": offer.total_cost_minor,
        "fee_minor": offer.fee_minor,
        "subsidy_minor": offer.subsidy_minor,
        "apr_bps": offer.apr_bps,
        "effective_apr_bps": offer.effective_apr_bps,
    }
