"""A payout's states. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.ledger.accounts import Account, AccountRef
from functions.ledger.entries import Posting
from functions.servicing.ports import RailStatus

KEPT_AT_MOST: Final = timedelta(days=30)
"""After this a credit balance goes back without being asked for."""


class PayoutStatus(StrEnum):
    """Where a payout stands."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"


TRANSITIONS: Final[Mapping[PayoutStatus, Mapping[RailStatus, PayoutStatus]]] = MappingProxyType(
    {
        PayoutStatus.PENDING: {
            RailStatus.CONFIRMED: PayoutStatus.PAID,
            RailStatus.FAILED: PayoutStatus.FAILED,
            RailStatus.REVERSED: PayoutStatus.FAILED,
        },
        PayoutStatus.PAID: {RailStatus.REVERSED: PayoutStatus.RETURNED},
        PayoutStatus.FAILED: {},
        PayoutStatus.RETURNED: {},
    }
)
"""State → what the rail says → next state; what is not in the table is old news. A rail that says "failed" has not paid
and never will."""


def accounts_moved(after: PayoutStatus) -> tuple[Account, Account]:
    """Debited and credited account of coming into a state."""
    return {
        PayoutStatus.PENDING: (Account.CUSTOMER_CREDIT_BALANCE, Account.CUSTOMER_PAYOUT_IN_TRANSIT),
        PayoutStatus.PAID: (Account.CUSTOMER_PAYOUT_IN_TRANSIT, Account.CASH_AT_RAIL),
        PayoutStatus.FAILED: (Account.CUSTOMER_PAYOUT_IN_TRANSIT, Account.CUSTOMER_CREDIT_BALANCE),
        PayoutStatus.RETURNED: (Account.CASH_AT_RAIL, Account.CUSTOMER_CREDIT_BALANCE),
    }[after]


def posting_of(after: PayoutStatus, customer_id: str, amount_minor: int) -> Posting:
    """What is posted when a payout comes into a state.

    Args:
        after: The state.
        customer_id: Whose money.
        amount_minor: Of the payout.
    """
    debit, credit = accounts_moved(after)
    return Posting(_ref(debit, customer_id), _ref(credit, customer_id), amount_minor)


def _ref(account: Account, customer_id: str) -> AccountRef:
    return account.of() if account is Account.CASH_AT_RAIL else account.of(customer_id)


def transit_change_minor(after: PayoutStatus, amount_minor: int) -> int:
    """What coming into a state adds to what is on its way to the customer."""
    signs = {PayoutStatus.PENDING: 1, PayoutStatus.PAID: -1, PayoutStatus.FAILED: -1, PayoutStatus.RETURNED: 0}
    return signs[after] * amount_minor


def balance_change_minor(after: PayoutStatus, amount_minor: int) -> int:
    """What coming into a state adds to the customer's credit balance."""
    signs = {PayoutStatus.PENDING: -1, PayoutStatus.PAID: 0, PayoutStatus.FAILED: 1, PayoutStatus.RETURNED: 1}
    return signs[after] * amount_minor
