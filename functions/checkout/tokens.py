"""What the merchant carries between our calls: quotes and customer tokens, signed and short-lived.

Neither says a grade, an income or why: a quote says the offer, a token says who, for which merchant and for what.
Both live 15 minutes of wall time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.core.errors import ConflictError, InvalidError, UnauthorizedError
from functions.core.ids import id_bytes, id_text, keyed_hash
from functions.payments.parties import Parties
from functions.payments.scenario import USUAL_COURSE, Course
from functions.platform.signing import BadSignatureError, sign, verify

LIFETIME = timedelta(minutes=15)
HASH_BYTES = 8


class QuoteInvalidError(InvalidError):
    code, title = "quote_invalid", "Not a quote of ours, or not for this merchant"


class QuoteExpiredError(ConflictError):
    code, title = "quote_expired", "The quote is older than 15 minutes; ask for a new one"


class CustomerTokenInvalidError(UnauthorizedError):
    code, title = "customer_token_invalid", "Not a customer token for this merchant and purpose"


class TokenUsedError(ConflictError):
    code, title = "customer_token_used", "This customer token has been used"


@dataclass(frozen=True, slots=True)
class Quote:
    """One offer, as signed.

    Args:
        merchant_id: Whose quote it is.
        price_bps: Monthly fee or annual rate of the offer, by the product's kind of pricing.
        alias: The line it was priced for, or None for an anonymous one (priced at the product's ceiling).
        expires_at: Wall instant.
        course: Of education alone.
        bill_day: The customer's, of a product that is due by bill; 0 for the product's own.
    """

    merchant_id: str
    amount_minor: int
    currency: str
    category: str
    channel: str
    product_id: str
    product_version: int
    price_bps: int
    alias: int | None
    expires_at: datetime
    course: Course = USUAL_COURSE
    bill_day: int = 0


def sign_quote(key: bytes, quote: Quote) -> str:
    """The quote as text."""
    return sign(
        key,
        {
            "m": id_bytes(quote.merchant_id).hex(),
            "a": quote.amount_minor,
            "c": quote.currency,
            "k": quote.category,
            "h": quote.channel,
            "p": quote.product_id,
            "v": quote.product_version,
            "f": quote.price_bps,
            "l": quote.alias,
            "x": int(quote.expires_at.timestamp()),
            **({} if quote.course == USUAL_COURSE else {"e": [quote.course.beneficiary, quote.course.programme]}),
            **({"b": quote.bill_day} if quote.bill_day else {}),
        },
    )


def read_quote(key: bytes, text: str, merchant_id: str) -> Quote:
    """The quote in the text, expired or not.

    Raises:
        QuoteInvalidError: Not ours, changed, or another merchant's.
    """
    quote = open_quote(key, text)
    if quote.merchant_id != merchant_id:
        raise QuoteInvalidError
    return quote


def open_quote(key: bytes, text: str) -> Quote:
    """The quote in the text, whoever's and expired or not.

    Raises:
        QuoteInvalidError: Not ours, or changed.
    """
    try:
        payload = verify(key, text)
    except BadSignatureError:
        raise QuoteInvalidError from None
    return Quote(
        merchant_id=id_text("mer", bytes.fromhex(payload["m"])),
        amount_minor=payload["a"],
        currency=payload["c"],
        category=payload["k"],
        channel=payload["h"],
        product_id=payload["p"],
        product_version=payload["v"],
        price_bps=payload["f"],
        alias=payload["l"],
        expires_at=_instant(payload["x"]),
        course=Course(*payload.get("e", ())),
        bill_day=payload.get("b", 0),
    )


def require_fresh(quote: Quote, wall: datetime) -> None:
    """Refuse a quote whose 15 minutes are over.

    Raises:
        QuoteExpiredError: They are.
    """
    if wall >= quote.expires_at:
        raise QuoteExpiredError


def quote_hash(text: str) -> bytes:
    """What a pay token is bound to."""
    return keyed_hash(b"quote", text, size=HASH_BYTES)


@dataclass(frozen=True, slots=True)
class CustomerToken:
    """A customer's consent that one merchant may do one thing.

    Args:
        purpose: "quote" or "pay".
        alias: Her line in the quote's currency, or None if there is none.
        quote: Hash of the quote she agreed to pay by; pay only.
        agreement: SHA-256 of the agreement that was shown; pay only.
        nonce: Makes it single-use; pay only.
        parties: Her device, instrument and place, as she told them herself; pay only.
    """

    purpose: str
    customer_id: str
    merchant_id: str
    alias: int | None
    expires_at: datetime
    quote: bytes = b""
    agreement: bytes = b""
    nonce: bytes = b""
    parties: Parties = field(default_factory=Parties)


def sign_customer_token(key: bytes, token: CustomerToken) -> str:
    """The token as text."""
    return sign(
        key,
        {
            "t": token.purpose,
            "c": id_bytes(token.customer_id).hex(),
            "m": id_bytes(token.merchant_id).hex(),
            "l": token.alias,
            "x": int(token.expires_at.timestamp()),
            "q": token.quote.hex(),
            "g": token.agreement.hex(),
            "n": token.nonce.hex(),
            "d": (token.parties.pack() or b"").hex(),
        },
    )


def read_customer_token(key: bytes, text: str, merchant_id: str, purpose: str) -> CustomerToken:
    """The token in the text, expired or not.

    Raises:
        CustomerTokenInvalidError: Not ours, another merchant's, another purpose's, or some other credential.
    """
    try:
        payload = verify(key, text)
    except BadSignatureError:
        raise CustomerTokenInvalidError from None
    token = CustomerToken(
        purpose=payload["t"],
        customer_id=id_text("cus", bytes.fromhex(payload["c"])),
        merchant_id=id_text("mer", bytes.fromhex(payload["m"])),
        alias=payload["l"],
        expires_at=_instant(payload["x"]),
        quote=bytes.fromhex(payload["q"]),
        agreement=bytes.fromhex(payload["g"]),
        nonce=bytes.fromhex(payload["n"]),
        parties=Parties.unpack(bytes.fromhex(payload["d"])),
    )
    if (token.merchant_id, token.purpose) != (merchant_id, purpose):
        raise CustomerTokenInvalidError
    return token


def require_unexpired(token: CustomerToken, wall: datetime) -> None:
    """Refuse a token whose 15 minutes are over.

    Raises:
        CustomerTokenInvalidError: They are.
    """
    if wall >= token.expires_at:
        raise CustomerTokenInvalidError("the customer token has expired")


def _instant(seconds: Any) -> datetime:  # noqa: ANN401  out of signed JSON
    return datetime.fromtimestamp(int(seconds), tz=UTC)
