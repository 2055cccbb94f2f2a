"""The agreement of a sale at a till, written from the sale itself: the same text whenever it is asked for."""

from __future__ import annotations

from datetime import date

from functions.checkout.agreement_store import plan_accepted
from functions.core.clock import from_epoch_ms
from functions.lending.agreements.agreement import Agreement, build_agreement
from functions.lending.products.offers import Offer, price_offer
from functions.lending.products.plan_product import PlanProduct
from functions.lending.products.service import find_product
from functions.merchants.service import get_merchant
from functions.payments.store import AuthorizationItem
from functions.platform.storage.transactions import WriteSet


def offer_of(item: AuthorizationItem) -> Offer:
    """The plan of a sale, priced as it will be captured: from the shop's day of the sale."""
    return price_offer(_product(item), item.grade, item.amount, _sold_on(item), item.bill_day or 0)


def agreement_of(item: AuthorizationItem) -> Agreement:
    """What the customer accepts."""
    product = _product(item)
    return build_agreement(
        offer_of(item).schedule,
        merchant_name=get_merchant(item.merchant_id).name,
        language=item.language or "en",
        rules=product.plan_rules(),
        cap_method=product.jurisdiction.cap.method,
        personal=True,
        currency=item.currency,
    )


def plan_agreed(item: AuthorizationItem, agreement: Agreement) -> WriteSet:
    """Keep what was accepted by showing the code, or by confirming on the phone."""
    return plan_accepted(
        agreement,
        item.customer_id,
        item.merchant_id,
        quote=item.content,
        command=item.key,
        at=from_epoch_ms(item.created_at_ms),
    )


def _product(item: AuthorizationItem) -> PlanProduct:
    return find_product(item.product, item.product_version)


def _sold_on(item: AuthorizationItem) -> date:
    return date.fromordinal(item.sold_on)
