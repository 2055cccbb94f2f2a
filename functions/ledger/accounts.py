"""The chart of accounts: every place money can be, said once.

A customer's and a merchant's accounts carry an owner; the house's don't. Codes never change, because the
Merkle log hashes them; a retired account keeps its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from functions.core.errors import InvalidError


class Side(StrEnum):
    """Where a balance normally stands."""

    DEBIT = "debit"
    CREDIT = "credit"


class Scope(StrEnum):
    """Whose account it is; customers and merchants have one each, the house has one in all."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    HOUSE = "house"


class AccountClass(StrEnum):
    """Where the account stands in the balance sheet or the income statement."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


OWNER_PREFIX: Final = MappingProxyType({Scope.CUSTOMER: "cus_", Scope.MERCHANT: "mer_"})
_MAX_OWNER = 64

_CUSTOMER, _MERCHANT, _HOUSE = Scope.CUSTOMER, Scope.MERCHANT, Scope.HOUSE
_CLASS_OF_DIGIT: Final = MappingProxyType(dict(enumerate(AccountClass, start=1)))
_DEBIT_CLASSES: Final = frozenset({AccountClass.ASSET, AccountClass.EXPENSE})


class AccountRefusedError(InvalidError):
    code, title = "account_refused", "No such account in the chart"


class Account(Enum):
    """One row per account: code, title, scope.

    The first digit of a code is the account's class; the class gives the side unless the row says otherwise.
    """

    # What customers owe, and what is owed to them
    CUSTOMER_PRINCIPAL = (1110, "Customer principal receivable", _CUSTOMER)
    CUSTOMER_FEE = (1120, "Customer fee receivable", _CUSTOMER)
    REPAYMENT_IN_TRANSIT = (1310, "Repayment in transit", _CUSTOMER)
    CUSTOMER_CREDIT_BALANCE = (2110, "Customer credit balance", _CUSTOMER)
    CUSTOMER_PAYOUT_IN_TRANSIT = (2120, "Customer payout in transit", _CUSTOMER)
    # What merchants owe, and what is owed to them
    MERCHANT_RECEIVABLE = (1210, "Merchant receivable", _MERCHANT)
    SUBSIDY_RECEIVABLE = (1220, "Subsidy receivable", _MERCHANT)
    ADVANCE_RECEIVABLE = (1230, "Advance receivable", _MERCHANT)
    MERCHANT_PAYABLE = (2210, "Merchant payable", _MERCHANT)
    # On-collection terms: the merchant's share exists from capture, but is owed only as the customer pays.
    MERCHANT_UNCOLLECTED = (2220, "Merchant share not yet collected", _MERCHANT)
    HOLDBACK_PAYABLE = (2230, "Holdback payable", _MERCHANT)
    RESERVE_PAYABLE = (2240, "Reserve payable", _MERCHANT)
    PAYOUT_IN_TRANSIT = (2250, "Payout in transit", _MERCHANT)
    # Money, and what the house owes
    CASH_AT_RAIL = (1010, "Cash at rail", _HOUSE)
    LOSS_ALLOWANCE = (1910, "Loss allowance", _HOUSE, Side.CREDIT)  # stands against the receivables
    UNMATCHED_RECEIPTS = (2310, "Unmatched receipts", _HOUSE)
    DEFERRED_FEE_INCOME = (2410, "Deferred fee income", _HOUSE)
    TAX_PAYABLE = (2510, "Tax payable", _HOUSE)
    LENDER_FUNDING = (3010, "Lender funding", _HOUSE)
    # Income
    MERCHANT_DISCOUNT_INCOME = (4010, "Merchant discount income", _HOUSE)
    FEE_INCOME = (4020, "Earned fee income", _HOUSE)
    LATE_INCOME = (4030, "Late income", _HOUSE)
    ADVANCE_INCOME = (4040, "Advance income", _HOUSE)
    RECOVERY = (4050, "Recovery", _HOUSE)
    # Expense
    CHARGE_OFF = (5010, "Charge-off", _HOUSE)
    ALLOWANCE_EXPENSE = (5020, "Change of loss allowance", _HOUSE)
    WAIVER = (5030, "Waiver and goodwill", _HOUSE)
    DISPUTE_LOSS = (5040, "Dispute loss", _HOUSE)
    RAIL_FEES = (5050, "Rail fees", _HOUSE)

    code: int
    title: str
    scope: Scope
    side: Side

    def __init__(self, code: int, title: str, scope: Scope, side: Side | None = None) -> None:
        self.code = code
        self.title = title
        self.scope = scope
        self.side = side or (Side.DEBIT if self.account_class in _DEBIT_CLASSES else Side.CREDIT)

    @property
    def account_class(self) -> AccountClass:
        """Asset, liability, equity, income or expense."""
        return _CLASS_OF_DIGIT[self.code // 1000]

    @property
    def slug(self) -> str:
        """The stable name in JSON, for example "merchant_payable"."""
        return self.name.lower()

    def of(self, owner: str | None = None) -> AccountRef:
        """The account of one owner: `Account.MERCHANT_PAYABLE.of("mer_…")`, `Account.CASH_AT_RAIL.of()`."""
        return AccountRef(self, owner)


_BY_CODE: Final = MappingProxyType({account.code: account for account in Account})
_BY_SLUG: Final = MappingProxyType({account.slug: account for account in Account})


def account_by_code(code: int) -> Account:
    """The account of a code.

    Raises:
        AccountRefusedError: No such code.
    """
    try:
        return _BY_CODE[code]
    except KeyError:
        raise AccountRefusedError(f"no account has the code {code}") from None


def account_by_slug(slug: str) -> Account:
    """The account of a stable name, for example "merchant_payable".

    Raises:
        AccountRefusedError: No such name.
    """
    try:
        return _BY_SLUG[slug]
    except KeyError:
        raise AccountRefusedError(f"no account is named {slug[:_MAX_OWNER]!r}") from None


@dataclass(frozen=True, slots=True)
class AccountRef:
    """One account of one owner.

    Args:
        account: Row of the chart.
        owner: `cus_…` or `mer_…` for accounts of that scope; None for the house's.

    Raises:
        AccountRefusedError: The owner does not fit the account's scope.
    """

    account: Account
    owner: str | None = None

    def __post_init__(self) -> None:
        prefix = OWNER_PREFIX.get(self.account.scope)
        if prefix is None:
            if self.owner is not None:
                raise AccountRefusedError(f"{self.account.slug} belongs to the house and takes no owner")
            return
        if self.owner is None or not self.owner.startswith(prefix) or self.owner == prefix:
            raise AccountRefusedError(f"{self.account.slug} needs an owner whose id starts with {prefix}")
        if len(self.owner) > _MAX_OWNER or not self.owner.isascii():
            raise AccountRefusedError(f"an owner id is ASCII of at most {_MAX_OWNER} characters")

    def __str__(self) -> str:
        return self.account.slug if self.owner is None else f"{self.account.slug}:{self.owner}"
