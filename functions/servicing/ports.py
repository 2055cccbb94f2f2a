"""What servicing needs from outside: a payment rail that collects from customers and tells what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from functions.core.errors import UnavailableError
from functions.platform.web.context import Call


class RailStatus(StrEnum):
    """How far a collection is, as the rail says it."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Collection:
    """What a rail is asked to collect.

    Args:
        reference: Ours, for ever the same for the same repayment: asked for twice, it is collected once.
        customer_id: Who pays.
        amount_minor: At least 1.
        currency: ISO 4217 code.
        instrument: Which of the customer's accounts or cards; None for the one on file.
        memo: Text that the rail gives back with everything it says about this collection.
        account: Number of that account in clear, where we know it; in no log, event or item.
    """

    reference: str
    customer_id: str
    amount_minor: int
    currency: str
    instrument: str | None
    memo: str
    account: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Disbursement:
    """What a rail is asked to pay out to a customer.

    Args:
        reference: Ours, for ever the same for the same payout: asked for twice, it is paid once.
        customer_id: Who is paid.
        amount_minor: At least 1.
        currency: ISO 4217 code.
        account: Number of the customer's account in clear; in no log, event or item.
    """

    reference: str
    customer_id: str
    amount_minor: int
    currency: str
    account: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RailWord:
    """What a rail says about a collection, when asked or by itself.

    Args:
        reference: Ours; "" for money that nobody asked for.
        provider_reference: The rail's own; one names one movement of money.
        status: How far it is.
        amount_minor: Collected, or taken back.
        currency: Of it.
        failure_code: Why it failed, for example "insufficient_funds".
        memo: As it was given.
    """

    reference: str
    provider_reference: str
    status: RailStatus
    amount_minor: int
    currency: str
    failure_code: str | None = None
    memo: str = ""


class RailTimeoutError(UnavailableError):
    code, title = "rail_timeout", "The payment rail did not answer in time; try again with the same key"


class PaymentRail(Protocol):
    """Moves a customer's money to us, and what we hold of it back.

    The rail's own record is what a repayment rests on until we have written ours: it must take a reference once, answer
    the same to the same reference, and repeat its callbacks until they are taken, each with the memo.
    """

    sandbox: ClassVar[bool]
    """Whether it is a stand-in; a live stage refuses one."""

    def collect(self, asked: Collection) -> RailWord:
        """Ask for money; at most 5 seconds.

        Raises:
            RailTimeoutError: No answer in that time: it may or may not have been taken, and a callback will tell.
        """

    def pay_out(self, asked: Disbursement) -> RailWord:
        """Pay money out; at most 5 seconds. "reversed" is money that came back.

        Raises:
            RailTimeoutError: As with `collect`.
        """

    def read_callback(self, call: Call, now: datetime) -> RailWord:
        """What a call of the rail says.

        Args:
            call: As it came, not judged by anybody else.
            now: Wall time.

        Raises:
            UnauthorizedError: Not signed by the rail, or too long ago.
            InvalidError: Signed, but nothing we understand.
        """
