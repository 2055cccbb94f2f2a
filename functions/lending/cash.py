"""What an operation moves: the line, the customer's credit balance, ledger postings, and what is told.

A transform collects its postings in `Books`; the ends are rows of the chart of accounts, and the owners follow from
the plan. Amounts may be negative here (the ends swap) or zero (nothing is posted: a refund without a fee makes no
phantom fee).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from functions.core.money import BPS, round_ratio
from functions.ledger.accounts import Account, AccountRef, Scope
from functions.ledger.entries import Posting
from functions.lending.line import NO_CHANGE, LineChange
from functions.lending.plan import Plan, PlanState

_HOLDBACK_ENDS: Final = (Account.MERCHANT_PAYABLE, Account.HOLDBACK_PAYABLE)
_DISCOUNT_ENDS: Final = (Account.MERCHANT_PAYABLE, Account.MERCHANT_DISCOUNT_INCOME)


class Source(IntEnum):
    """Where the money of a payment comes from; the stored number never changes."""

    RAIL = 0
    IN_TRANSIT = 1
    CREDIT_BALANCE = 2
    UNMATCHED = 3
    GOODWILL = 4


SOURCE_ACCOUNTS: Final = MappingProxyType(
    {
        Source.RAIL: Account.CASH_AT_RAIL,
        Source.IN_TRANSIT: Account.REPAYMENT_IN_TRANSIT,
        Source.CREDIT_BALANCE: Account.CUSTOMER_CREDIT_BALANCE,
        Source.UNMATCHED: Account.UNMATCHED_RECEIPTS,
        Source.GOODWILL: Account.WAIVER,
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell: an event's type and the installments it is about."""

    type: str
    installments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation did besides changing the plan. Minor units; negative where it took back.

    Args:
        line: Change of the customer's credit line.
        principal_minor: Principal paid.
        fee_minor: Fee paid.
        late_minor: Late charge paid.
        credit_balance_minor: Change of the customer's credit balance.
        shortfall_minor: Taken back by the customer's bank, but neither owed on the plan nor left in the credit
            balance: a claim on the customer, booked as repayment in transit.
        postings: For one ledger entry; none where no money moved.
        notices: What to tell, in order.
        repeated: The outside reference was seen before, and nothing was done.
    """

    line: LineChange = NO_CHANGE
    principal_minor: int = 0
    fee_minor: int = 0
    late_minor: int = 0
    credit_balance_minor: int = 0
    shortfall_minor: int = 0
    postings: tuple[Posting, ...] = ()
    notices: tuple[Notice, ...] = ()
    repeated: bool = False

    @property
    def principal_released_minor(self) -> int:
        """What the line has more available."""
        return self.line.available_minor

    @property
    def closes_line(self) -> bool:
        """Whether the line must be closed: a charge-off took from its limit."""
        return self.line.limit_minor < 0

    def __add__(self, other: Effect) -> Effect:
        return Effect(
            self.line + other.line,
            self.principal_minor + other.principal_minor,
            self.fee_minor + other.fee_minor,
            self.late_minor + other.late_minor,
            self.credit_balance_minor + other.credit_balance_minor,
            self.shortfall_minor + other.shortfall_minor,
            self.postings + other.postings,
            self.notices + other.notices,
            self.repeated and other.repeated,
        )

    def undone(self) -> Effect:
        """The effect that takes this one back; nothing is told."""
        return Effect(
            -self.line,
            -self.principal_minor,
            -self.fee_minor,
            -self.late_minor,
            -self.credit_balance_minor,
            -self.shortfall_minor,
            tuple([posting.swapped() for posting in self.postings]),
        )


NOTHING: Final = Effect()


class Books:
    """Collects the postings of one operation on one plan.

    Args:
        plan: Gives the owners and what the postings are about.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._postings: list[Posting] = []

    def move(self, debit: Account, credit: Account, amount_minor: int) -> None:
        """Post an amount; a negative one the other way round, a zero one not at all."""
        if amount_minor < 0:
            debit, credit, amount_minor = credit, debit, -amount_minor
        if amount_minor:
            self._postings.append(Posting(self._ref(debit), self._ref(credit), amount_minor, self._plan.id))

    def _ref(self, account: Account) -> AccountRef:
        owners = {Scope.CUSTOMER: self._plan.customer_id, Scope.MERCHANT: self._plan.merchant_id}
        return account.of(owners.get(account.scope))

    @property
    def postings(self) -> tuple[Posting, ...]:
        """In the order they were decided."""
        return tuple(self._postings)


def netted(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """One posting per pair of ends, opposite ones set off against each other, in order of first use."""
    sums: dict[tuple[AccountRef, AccountRef, str | None], int] = {}
    for posting in postings:
        there = (posting.debit, posting.credit, posting.about)
        back = (posting.credit, posting.debit, posting.about)
        if back in sums:
            sums[back] -= posting.amount_minor
        else:
            sums[there] = sums.get(there, 0) + posting.amount_minor
    return tuple(
        [
            Posting(*((debit, credit) if amount > 0 else (credit, debit)), abs(amount), about)
            for (debit, credit, about), amount in sums.items()
            if amount
        ]
    )


def capture_effect(plan: Plan) -> Effect:
    """What a capture moves: the hold becomes debt, the merchant is owed, fee and subsidy stand as deferred income.

    Args:
        plan: As opened, nothing done to it yet.
    """
    books = Books(plan)
    books.move(Account.CUSTOMER_PRINCIPAL, merchant_side(plan), plan.captured_minor)
    books.move(Account.CUSTOMER_FEE, Account.DEFERRED_FEE_INCOME, plan.fee_unpaid_minor)
    return_subsidy(books, -sum([row.subsidy_minor for row in plan.rows]))
    books.move(*_DISCOUNT_ENDS, discount_minor(plan))
    books.move(*_HOLDBACK_ENDS, holdback_minor(plan))
    amount = plan.captured_minor
    return Effect(
        line=LineChange(held_minor=-amount, outstanding_minor=amount),
        postings=books.postings,
        notices=(Notice("plan.created"),),
    )


def merchant_side(plan: Plan) -> Account:
    """Where the merchant's part of unpaid principal stands."""
    return Account.MERCHANT_UNCOLLECTED if plan.rules.on_collection else Account.MERCHANT_PAYABLE


def return_subsidy(books: Books, amount_minor: int, out_of: Account = Account.DEFERRED_FEE_INCOME) -> None:
    """Give subsidy back to the merchant; through the subsidy receivable, so that a settlement can name the line."""
    books.move(out_of, Account.SUBSIDY_RECEIVABLE, amount_minor)
    books.move(Account.SUBSIDY_RECEIVABLE, Account.MERCHANT_PAYABLE, amount_minor)


def merchant_loss(plan: Plan, amount_minor: int) -> int:
    """The merchant's part of an amount of charged-off principal."""
    return round_ratio(amount_minor * plan.rules.loss_share_bps, BPS)


def discount_minor(plan: Plan) -> int:
    """Merchant discount taken so far: a function of the plan, so that rounding never adds up."""
    rules = plan.rules
    if not rules.discount_bps:
        return 0
    base = plan.captured_minor
    if not rules.discount_kept:
        base -= plan.refunded_minor
    if rules.on_collection:
        base -= plan.outstanding_minor + merchant_loss(plan, plan.charged_off_minor)
        if rules.discount_kept:
            base -= plan.refunded_minor - plan.returned_minor
    return round_ratio(base * rules.discount_bps, BPS)


def holdback_minor(plan: Plan) -> int:
    """What of the merchant's money for a plan waits for the service: a function of the plan, as the discount is.

    The part of the sale not rendered yet, of what the merchant is owed for the sale by now: without discount and
    subsidy, and on collection without what the customer has not paid.
    """
    bps, waiting = plan.rules.holdback_bps, plan.unfulfilled_minor
    if not bps or not waiting:
        return 0
    goods = plan.captured_minor - plan.refunded_minor
    owed = goods - discount_minor(plan) - sum([row.subsidy_minor for row in plan.rows])
    if plan.rules.on_collection:
        owed -= plan.outstanding_minor + merchant_loss(plan, plan.charged_off_minor)
    return round_ratio(max(0, owed) * waiting * bps, goods * BPS)


def concluded(old: Plan, new: Plan, effect: Effect) -> tuple[Plan, Effect]:
    """Complete a transform's effect with what follows from the plan before and after it.

    The line follows what the plan uses of it, discount and holdback their base. Transforms take every fee back out of
    deferred income; what was earned already is then taken out of income, and a plan that ended has earned the rest.

    Args:
        old: The plan before.
        new: The plan after.
        effect: The transform's own: payments, credit balance, postings.
    """
    books = Books(new)
    books.move(*_DISCOUNT_ENDS, discount_minor(new) - discount_minor(old))
    books.move(*_HOLDBACK_ENDS, holdback_minor(new) - holdback_minor(old))
    deferred = old.deferred_minor
    for posting in effect.postings:
        if posting.credit.account is Account.DEFERRED_FEE_INCOME:
            deferred += posting.amount_minor
        if posting.debit.account is Account.DEFERRED_FEE_INCOME:
            deferred -= posting.amount_minor
    keep = deferred if new.state is PlanState.ACTIVE else 0
    keep = max(0, keep)
    books.move(Account.DEFERRED_FEE_INCOME, Account.FEE_INCOME, deferred - keep)
    return (
        replace(new, deferred_minor=keep),
        replace(effect, line=new.line_use - old.line_use, postings=effect.postings + books.postings),
    )
