"""Customer tokens: the signed-in customer lets one merchant do one thing, and accepts what she was shown."""

from __future__ import annotations

from typing import Any

from functions.checkout.agreement_store import plan_accepted
from functions.checkout.minted_store import mint_until, minted_until
from functions.checkout.order import require_currency_of_line
from functions.checkout.parties import parties_told
from functions.checkout.quote_service import present_offer
from functions.checkout.schemas import MerchantTokenRequest
from functions.checkout.tokens import (
    LIFETIME,
    CustomerToken,
    Quote,
    QuoteInvalidError,
    quote_hash,
    read_quote,
    require_fresh,
    sign_customer_token,
)
from functions.core.clock import isoformat, local_date
from functions.core.errors import ConflictError, FieldError, InvalidError
from functions.core.ids import keyed_hash, require_id
from functions.credit.lines.service import get_line
from functions.customers.customer import Customer
from functions.customers.service import get_customer
from functions.lending.agreements.agreement import Agreement, build_agreement
from functions.lending.products.offers import Offer, price_offer
from functions.lending.products.service import find_product
from functions.merchants.merchant import Merchant
from functions.merchants.service import get_merchant
from functions.payments.parties import Parties
from functions.platform.container import container
from functions.platform.storage.transactions import WriteSet, commit
from functions.platform.web.context import Call

_NONCE_BYTES = 8


class AgreementChangedError(ConflictError):
    code, title = "agreement_changed", "The agreement is not the one that was shown; show it again"


def create_merchant_token(body: MerchantTokenRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Mint a token for one merchant.

    For `pay`, the answer carries the agreement at the customer's own price; minting is accepting it, and a client that
    showed an agreement before passes its hash, so that nothing else than what was shown is accepted.

    Returns:
        The token, and whether it is the same one again: a command mints one for as long as that lives.

    Raises:
        IdempotencyKeyReusedError: The key was used for another token.
        InvalidError: `pay` without a quote.
        QuoteInvalidError, QuoteExpiredError: Of another merchant, at another customer's price, or too old.
        CurrencyMismatchError: No line of hers is in the quote's currency.
        AgreementChangedError: `agreement_hash` is of another document.
    """
    box, command = container(), call.command()
    merchant = get_merchant(require_id("mer", body.merchant_id))
    customer = get_customer(call.who.id)
    wall = box.clock.wall()
    minted = minted_until(command, wall)
    answer: dict[str, Any] = {"object": "merchant_token", "purpose": body.purpose, "merchant_id": merchant.id}
    quote_digest = agreement_digest = nonce = b""
    accepted: WriteSet | None = None
    parties = Parties()
    currency = body.currency or _usual_currency(merchant, customer)
    if body.purpose == "pay":
        if body.quote is None:
            raise InvalidError("pay needs the quote", errors=(FieldError("/quote", "required", "the offer's quote"),))
        quote = read_quote(box.secrets.key("quotes"), body.quote, merchant.id)
        if minted is None:
            require_fresh(quote, wall)
        currency = quote.currency
        require_currency_of_line(currency, customer.aliases)
        if quote.alias is not None and customer.aliases.get(currency) != quote.alias:
            raise QuoteInvalidError("it was made for another customer")
        offer = personal_offer(quote, customer)
        agreement = agreement_of(offer, quote, merchant, body.language or customer.language)
        if body.agreement_hash is not None and body.agreement_hash != agreement.sha256.hex():
            raise AgreementChangedError
        parties = parties_told(device=body.device, instrument=body.instrument, place=body.place)
        quote_digest, agreement_digest = quote_hash(body.quote), agreement.sha256
        nonce = keyed_hash(box.secrets.key("tokens"), command.key, command.body, size=_NONCE_BYTES)
        accepted = plan_accepted(agreement, customer.id, merchant.id, quote=quote_digest, command=command.key, at=wall)
        answer |= {
            "amount_minor": quote.amount_minor,
            "currency": quote.currency,
            "offer": present_offer(offer),
            "agreement": present_agreement(agreement),
        }
    expires_at, again = (minted, True) if minted else mint_until(command, wall + LIFETIME, wall)
    if accepted:
        commit(box.tables, accepted)
    token = CustomerToken(
        purpose=body.purpose,
        customer_id=customer.id,
        merchant_id=merchant.id,
        alias=customer.aliases.get(currency),
        expires_at=expires_at,
        quote=quote_digest,
        agreement=agreement_digest,
        nonce=nonce,
        parties=parties,
    )
    text = sign_customer_token(box.secrets.key("tokens"), token)
    return answer | {"customer_token": text, "expires_at": isoformat(expires_at)}, again


def _usual_currency(merchant: Merchant, customer: Customer) -> str:
    """The merchant's first currency in which the customer has a line; its first at all, where there is none."""
    sold = merchant.currencies
    return next((each for each in sold if each in customer.aliases), sold[0])


def present_agreement(agreement: Agreement) -> dict[str, Any]:
    """An agreement as its customer reads it."""
    return {
        "hash": agreement.sha256.hex(),
        "version": agreement.version,
        "language": agreement.language,
        "document": agreement.document,
    }


def personal_offer(quote: Quote, customer: Customer) -> Offer:
    """The quoted plan at this customer's own price, which is the quoted one or less."""
    box = container()
    product = find_product(quote.product_id, quote.product_version)
    alias = customer.aliases.get(quote.currency)
    line = get_line(alias) if alias is not None else None
    grade = product.applied_grade(quote.price_bps, line.grade if line else None, personal=quote.alias is not None)
    start_on = local_date(box.clock.now(), customer.zone)
    return price_offer(product, grade, quote.amount_minor, start_on, quote.bill_day)


def agreement_of(offer: Offer, quote: Quote, merchant: Merchant, language: str) -> Agreement:
    """What the customer accepts by paying this offer at this merchant."""
    product = find_product(quote.product_id, quote.product_version)
    return build_agreement(
        offer.schedule,
        merchant_name=merchant.name,
        language=language,
        rules=product.plan_rules(),
        cap_method=product.jurisdiction.cap.method,
        personal=True,
        currency=quote.currency,
    )
