"""What a confirmation is bound to, and how strongly it must be proved. Pure.

The challenge that a passkey signs is a keyed hash of the order itself: checkout, merchant, customer, amount, plan and
agreement. So an assertion made for one order proves nothing about another, and a page that shows one amount and sends
another gets no proof at all. Source: Commission Delegated Regulation (EU) 2018/389, article 5 (dynamic linking).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import ConflictError, ForbiddenError, TooManyRequestsError
from functions.core.ids import ID_BYTES, id_bytes, id_text, keyed_hash

SHOWN_FOR: Final = timedelta(minutes=10)
NONCE_BYTES: Final = 16
CODE_TRIES: Final = 5
CODES_SENT: Final = 3
_HASH, _DIGEST, _INSTANT, _CHALLENGE = 8, 32, 8, 32
_CODE_DIGITS: Final = 6


class StepUpRequiredError(ConflictError):
    code, title = "step_up_required", "The customer must confirm this order with a passkey or a code"


class PasskeyRequiredError(ConflictError):
    code, title = "passkey_required", "An order of this size is confirmed with a passkey; register one first"


class AgreementNotShownError(ConflictError):
    code, title = "agreement_not_shown", "This plan was not shown to the customer a moment ago; begin again"


class ConfirmationRefusedError(ForbiddenError):
    code, title = "confirmation_refused", "The proof of the confirmation is not good"


class TooManyConfirmationCodesError(ConflictError):
    code, title = "too_many_codes", f"An order gets at most {CODES_SENT} codes"


class TooManyPurchasesError(TooManyRequestsError):
    code, title = "too_many_purchases", "The line takes no more purchases in this quarter of an hour"


@dataclass(frozen=True, slots=True)
class Caps:
    """How strongly orders of a currency are confirmed.

    Args:
        step_up_over_minor: Over it, a passkey or a code is needed.
        code_up_to_minor: Up to it, a one-time code will do for somebody without a passkey.
    """

    step_up_over_minor: int
    code_up_to_minor: int


@cache
def _caps() -> Mapping[str, Caps]:
    table = json.loads(Path(__file__).with_name("confirmation_caps.json").read_text("utf-8"))
    return MappingProxyType({currency: Caps(*row) for currency, row in table["caps"].items()})


def caps_of(currency: str) -> Caps:
    """The caps of a currency; one that is not in the table is always confirmed with a passkey."""
    return _caps().get(currency, Caps(0, 0))


def methods_for(amount_minor: int, currency: str, *, has_passkey: bool) -> Sequence[str]:
    """How a customer may prove a confirmation, the preferred first.

    Somebody with a passkey is not let in by the weaker code: else whoever has the phone number needs no passkey.
    """
    if has_passkey:
        return ("passkey",)
    return ("code",) if amount_minor <= caps_of(currency).code_up_to_minor else ()


def needs_step_up(amount_minor: int, currency: str, *, asked_by_risk: bool) -> bool:
    """Whether a session alone is not enough."""
    return asked_by_risk or amount_minor > caps_of(currency).step_up_over_minor


@dataclass(frozen=True, slots=True)
class Shown:
    """What one customer was shown last, and what she has to sign to confirm it.

    Args:
        quote: 8-byte hash of the quoted plan.
        agreement: SHA-256 of the document.
        nonce: Makes the challenge another one each time.
        until: Wall instant after which it is shown again.
        method: How it is to be proved: "passkey", "code", or "" for not at all. A code that was not sent proves
            nothing: else whoever guesses could ask for the passkey, for ever, and try codes.
    """

    customer_id: str
    quote: bytes
    agreement: bytes
    nonce: bytes
    until: datetime
    method: str = ""

    def pack(self) -> bytes:
        """At most 87 bytes."""
        instant = epoch_ms(self.until).to_bytes(_INSTANT, "big")
        return id_bytes(self.customer_id) + self.quote + self.agreement + self.nonce + instant + self.method.encode()

    @classmethod
    def unpack(cls, raw: bytes) -> Shown:
        """Inverse of `pack`."""
        parts = []
        for width in (ID_BYTES, _HASH, _DIGEST, NONCE_BYTES, _INSTANT):
            parts.append(raw[:width])
            raw = raw[width:]
        customer, quote, agreement, nonce, instant = parts
        until = from_epoch_ms(int.from_bytes(instant, "big"))
        return cls(id_text("cus", customer), quote, agreement, nonce, until, raw.decode())


@dataclass(frozen=True, slots=True)
class Bound:
    """The order that is confirmed.

    Args:
        checkout_id: `chk_…`.
        merchant_id: Who is paid.
        amount_minor: What is financed.
        currency: ISO 4217.
    """

    checkout_id: str
    merchant_id: str
    amount_minor: int
    currency: str

    def challenge(self, secret: bytes, shown: Shown) -> bytes:
        """The 32 bytes that prove exactly this order, by this plan, to this customer, this time."""
        return keyed_hash(
            secret,
            "confirm",
            shown.nonce,
            self.checkout_id,
            self.merchant_id,
            shown.customer_id,
            self.amount_minor,
            self.currency,
            shown.quote,
            shown.agreement,
            size=_CHALLENGE,
        )


def code_of(secret: bytes, challenge: bytes) -> str:
    """The six digits that stand for a challenge where there is no passkey; stored nowhere."""
    number = int.from_bytes(keyed_hash(secret, "confirmation-code", challenge), "big")
    return f"{number % 10**_CODE_DIGITS:0{_CODE_DIGITS}d}"
