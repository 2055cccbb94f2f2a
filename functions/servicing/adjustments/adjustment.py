"""Which corrections there are, who may make them, and when a second person is needed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from functions.core.errors import FieldError, InvalidError
from functions.core.money import currency_exponent
from functions.ledger.accounts import Account, Scope, account_by_slug

WAIVE_LATE, GOODWILL, MANUAL = "waive_late", "goodwill", "manual_posting"
DEFERRAL, REPLAN = "deferral", "replan"
PROPOSED, APPLIED, REFUSED = "proposed", "applied", "refused"


class AccountNotByHandError(InvalidError):
    code, title = "account_not_by_hand", "This account is moved by what changes its owner's state, never by hand"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of correction.

    Args:
        role: Staff role that may propose and, as the second person, decide it; `SECOND` may decide any.
        alone_major: What one person may do alone, in major units of the currency.
        alone_days: By how much one person may move due days alone; of a re-plan, the last one.
    """

    role: str
    alone_major: int
    alone_days: int = 0


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        WAIVE_LATE: Kind("support", 100),
        GOODWILL: Kind("support", 100),
        MANUAL: Kind("finance", 0),
        DEFERRAL: Kind("support", 100, alone_days=62),
        REPLAN: Kind("support", 100, alone_days=366),
    }
)
SECOND: Final = "finance"
"""Role that may be the second person of every kind."""
BY_HAND: Final = frozenset(
    account for account in Account if account.scope is Scope.HOUSE and account is not Account.UNMATCHED_RECEIPTS
)
"""Accounts without an item behind them that would then no longer agree with the books."""


def needs_second_person(kind: str, amount_minor: int, currency: str, days: int = 0) -> bool:
    """Whether one person may not make a correction alone.

    Args:
        kind: Name in `KINDS`.
        amount_minor: Of the correction; of a deferral or re-plan, what it costs the customer.
        currency: ISO 4217 code.
        days: By how much due days move.
    """
    alone: int = KINDS[kind].alone_major * 10 ** currency_exponent(currency)
    return amount_minor > alone or days > KINDS[kind].alone_days


def account_by_hand(slug: str, pointer: str) -> Account:
    """An account that may be posted to by hand.

    Args:
        slug: Its stable name.
        pointer: JSON pointer of the field that names it.

    Raises:
        AccountRefusedError: No such account.
        AccountNotByHandError: It stands for a customer's, a merchant's or a receipt's state.
    """
    account = account_by_slug(slug)
    if account not in BY_HAND:
        raise AccountNotByHandError(slug, errors=(FieldError(pointer, "not_by_hand", "a house account without items"),))
    return account
