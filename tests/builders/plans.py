"""Plans for tests, and random lives of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from functions.core.errors import WhitenoteError
from functions.ledger.accounts import Account, Side
from functions.lending import life
from functions.lending.cash import Effect, Source, capture_effect, discount_minor, holdback_minor, merchant_loss
from functions.lending.changes.replan import NewTerm
from functions.lending.journal import ValuedTooEarlyError, plan_as_of
from functions.lending.late import plan_late_due_minor
from functions.lending.payoff import payoff_quote
from functions.lending.plan import Plan, open_plan
from functions.lending.refund import Bearer
from functions.lending.rules import PlanRules
from functions.lending.schedule import build_schedule
from functions.lending.terms import PlanTerms

CUSTOMER = "cus_" + "0" * 25 + "7"
MERCHANT = "mer_" + "0" * 25 + "5"
START = date(2026, 1, 10)
FLAT = {"kind": "flat_monthly", "bps": 50}
ANNUAL = {"kind": "annual_rate", "bps": 1200}
FREE = {"kind": "none"}


def plan_id(number: int) -> str:
    """`plan_…` that sorts by number."""
    return f"plan_{number:026d}"


def a_plan(
    amount_minor: int = 120_000,
    count: int = 12,
    pricing: dict[str, Any] | None = None,
    *,
    start_on: date = START,
    number: int = 1,
    rules: PlanRules | None = None,
    **terms: Any,
) -> Plan:
    """A plan just captured: 1,200.00 over 12 months at 0.5 % a month unless said."""
    value = {"currency": "CNY", "term_count": count, "pricing": FLAT if pricing is None else pricing, **terms}
    schedule = build_schedule(PlanTerms.from_dict(value), amount_minor, start_on)
    return open_plan(
        schedule,
        rules or PlanRules(),
        plan_id=plan_id(number),
        customer_id=CUSTOMER,
        merchant_id=MERCHANT,
        opened_at=datetime(start_on.year, start_on.month, start_on.day, 3, 0, number % 60, tzinfo=UTC),
    )


def rows_of(plan: Plan) -> list[tuple[int, int]]:
    """Principal and fee of each row."""
    return [(row.principal_minor, row.fee_minor) for row in plan.rows]


class Trial:
    """The balance of every account after some effects, on its normal side."""

    def __init__(self, *effects: Effect) -> None:
        self.signed: Counter[Account] = Counter()
        for effect in effects:
            self.post(effect)

    def post(self, effect: Effect) -> None:
        for posting in effect.postings:
            self.signed[posting.debit.account] += posting.amount_minor
            self.signed[posting.credit.account] -= posting.amount_minor

    def of(self, account: Account) -> int:
        return self.signed[account] if account.side is Side.DEBIT else -self.signed[account]


def require_books(plan: Plan, trial: Trial, credit_minor: int) -> None:
    """The ledger of one plan tells what the plan tells."""
    assert sum(trial.signed.values()) == 0
    expected = {
        Account.CUSTOMER_PRINCIPAL: plan.outstanding_minor,
        Account.CUSTOMER_FEE: plan.fee_receivable_minor,
        Account.DEFERRED_FEE_INCOME: plan.deferred_minor,
        Account.CUSTOMER_CREDIT_BALANCE: credit_minor,
        Account.SUBSIDY_RECEIVABLE: 0,
        Account.MERCHANT_UNCOLLECTED: plan.outstanding_minor if plan.rules.on_collection else 0,
        Account.HOLDBACK_PAYABLE: holdback_minor(plan),
    }
    assert {account: trial.of(account) for account in expected} == expected
    assert credit_minor >= 0
    assert trial.of(Account.HOLDBACK_PAYABLE) >= 0
    merchants = trial.of(Account.MERCHANT_PAYABLE) + trial.of(Account.HOLDBACK_PAYABLE)
    assert merchants - trial.of(Account.DISPUTE_LOSS) == merchant_minor(plan)


def merchant_minor(plan: Plan) -> int:
    """What a merchant has been owed for a plan so far, told from the plan alone."""
    sold = plan.captured_minor - plan.refunded_minor - plan.down_payment_returned_minor
    if plan.rules.on_collection:
        sold -= plan.outstanding_minor + merchant_loss(plan, plan.charged_off_minor)
    return sold - sum(row.subsidy_minor for row in plan.rows) - discount_minor(plan)


class Moment(NamedTuple):
    """One operation of a life."""

    name: str
    on: date
    before: Plan
    plan: Plan
    effect: Effect


def random_plan(random: Random) -> Plan:
    """Any plan a product could give."""
    pricing = random.choice(
        [
            FREE,
            {"kind": "flat_monthly", "bps": random.choice([1, 50, 65, 110, 134])},
            {
                "kind": "annual_rate",
                "bps": random.choice([1, 600, 1200, 2399]),
                "day_count": random.choice(["30/360", "actual/365", "actual/actual-isda"]),
            },
        ]
    )
    count = random.choice([1, 2, 3, 6, 12, 24])
    amount = random.choice(
        [count, count + random.randrange(50), random.randrange(10**3, 10**7), random.randrange(10**9, 10**11)]
    )
    due = random.choice([{"kind": "order"}, {"kind": "bill", "bill_day": random.randint(1, 28), "due_day": 10}])
    on_collection = random.random() < 0.3
    rules = PlanRules(
        waterfall=random.choice(["late_first", "fee_first", "principal_first"]),
        refund=random.choice(["pro_rata", "last_first", "next_first"]),
        payoff=random.choice(["accrued", "accrued", "all_remaining"]),
        late_daily_bps=random.choice([0, 5, 7, 30]),
        deferrals_max=random.choice([0, 2, 5]),
        replans_max=random.choice([0, 1, 2]),
        withdrawal_days=random.choice([0, 14]),
        release_hold_days=random.choice([0, 0, 3]),
        discount_bps=random.choice([0, 250]),
        discount_kept=random.random() < 0.3,
        on_collection=on_collection,
        loss_share_bps=random.choice([0, 5000]) if on_collection else 0,
        holdback_bps=random.choice([0, 3000, 10000]),
    )
    return a_plan(
        amount,
        count,
        pricing,
        rules=rules,
        start_on=START + timedelta(days=random.randrange(400)),
        number=random.randrange(1, 1000),
        subsidy_bps=random.choice([0, 0, 3333, 10000]),
        down_payment_bps=random.choice([0, 0, 0, 1000]) if amount > 10 * count else 0,
        residual=random.choice(["last", "first", "spread"]),
        due=due,
    )


class Life:
    """A plan, what the customer's credit balance holds, and a random way to go on."""

    def __init__(self, plan: Plan, random: Random) -> None:
        self.plan = plan
        self.random = random
        self.on = plan.start_on
        self.credit = 0
        self.payments: list[tuple[str, int]] = []
        self.count = 0

    def opening(self) -> Effect:
        return capture_effect(self.plan)

    def steps(self, count: int) -> Iterator[Moment]:
        """Up to `count` operations that were not refused."""
        done = 0
        for _ in range(count * 4):
            if done == count:
                return
            moment = self._step()
            if moment:
                done += 1
                yield moment

    def _step(self) -> Moment | None:
        self.on += timedelta(days=self.random.choice([0, 0, 0, 1, 1, 2, 4, 9, 17, 31, 31, 95]))
        names, weights = zip(*WEIGHTS.items(), strict=True)
        name = self.random.choices(names, weights)[0]
        before = self.plan
        self.count += 1
        try:
            self.plan, effect = getattr(self, name)(f"{name}{self.count}")
        except WhitenoteError as error:
            if error.status >= 500:
                raise
            return None
        self.credit += effect.credit_balance_minor
        return Moment(name, self.on, before, self.plan, effect)

    def _amount(self, most: int) -> int:
        return max(1, self.random.choice([1, most, most - 1, self.random.randint(1, max(1, most))]))

    def _due_minor(self) -> int:
        plan = plan_as_of(self.plan, max(self.on, self.plan.settled_on))
        return sum(row.unpaid_minor for row in plan.rows if row.due_on <= self.on) + plan_late_due_minor(plan, self.on)

    def repay(self, reference: str) -> tuple[Plan, Effect]:
        amount = self._amount(self.random.choice([self._due_minor(), self.plan.rows[0].original_minor]) or 1)
        done = life.repay(self.plan, amount, on=self.on, reference=reference)
        self.payments.append((reference, amount))
        return done

    def draw(self, reference: str) -> tuple[Plan, Effect]:
        amount = min(self.credit, self._due_minor())
        return life.repay(self.plan, amount, on=self.on, reference=reference, source=Source.CREDIT_BALANCE)

    def backdated(self, reference: str) -> tuple[Plan, Effect]:
        amount = self._amount(self.plan.rows[0].original_minor)
        on = self.on - timedelta(days=self.random.choice([1, 5, 20, 60]))
        done = life.repay(self.plan, amount, on=max(on, self.plan.start_on), reference=reference)
        # What was credited then may have been drawn since; a real caller draws back first.
        if self.credit + done[1].credit_balance_minor < 0:
            raise ValuedTooEarlyError
        self.payments.append((reference, amount))
        return done

    def prepay(self, reference: str) -> tuple[Plan, Effect]:
        amount = self._amount(self.plan.principal_unpaid_minor)
        mode = self.random.choice(["keep_term", "keep_payment"])
        done = life.prepay(self.plan, amount, mode, on=self.on, reference=reference)
        self.payments.append((reference, amount))
        return done

    def pay_off(self, reference: str) -> tuple[Plan, Effect]:
        quote = payoff_quote(self.plan, self.on)
        amount = quote.total_minor + self.random.choice([0, 0, 7])
        done = life.pay_off(self.plan, quote, amount, reference=reference)
        self.payments.append((reference, amount))
        return done

    def refund(self, reference: str) -> tuple[Plan, Effect]:
        policy = self.random.choice([None, "pro_rata", "last_first", "next_first"])
        bearer = self.random.choice([Bearer.MERCHANT, Bearer.MERCHANT, Bearer.LENDER])
        amount = self._amount(self.plan.refundable_minor)
        if self.random.random() < 0.7:
            amount = max(1, amount // 4)
        return life.refund(self.plan, amount, on=self.on, policy=policy, bearer=bearer, reference=reference)

    def reverse(self, _reference: str) -> tuple[Plan, Effect]:
        if not self.payments:
            raise ValuedTooEarlyError
        reference, amount = self.payments.pop(self.random.randrange(len(self.payments)))
        return life.reverse_repayment(self.plan, reference, amount, on=self.on, credit_available_minor=self.credit)

    def waive(self, reference: str) -> tuple[Plan, Effect]:
        return life.waive_late(self.plan, self.random.randint(1, 50), on=self.on, reference=reference)

    def defer(self, reference: str) -> tuple[Plan, Effect]:
        days = self.random.choice([1, 15, 28, 31, 60])
        many = self.random.choice([1, 2, 24])
        return life.defer(self.plan, many, days, on=self.on, asked_by="customer", reference=reference)

    def replan(self, _reference: str) -> tuple[Plan, Effect]:
        first_due_on = self.on + timedelta(days=self.random.randint(1, 62))
        return life.replan(self.plan, NewTerm(self.random.choice([1, 3, 12, 24]), first_due_on, "staff"), on=self.on)

    def dispute(self, reference: str) -> tuple[Plan, Effect]:
        amount = self._amount(self.plan.refundable_minor)
        return life.open_dispute(self.plan, amount, on=self.on, reference=reference)

    def close(self, reference: str) -> tuple[Plan, Effect]:
        lost = self.random.choice([0, self.plan.disputed_minor])
        bearer = self.random.choice(list(Bearer))
        return life.close_dispute(self.plan, on=self.on, lost_minor=lost, bearer=bearer, reference=reference)

    def fulfil(self, reference: str) -> tuple[Plan, Effect]:
        amount = self._amount(self.plan.unfulfilled_minor)
        return life.fulfil(self.plan, amount, on=self.on, reference=reference)

    def charge_off(self, _reference: str) -> tuple[Plan, Effect]:
        return life.charge_off(self.plan, on=self.on)

    def withdraw(self, _reference: str) -> tuple[Plan, Effect]:
        return life.withdraw(self.plan, on=self.on)

    def release(self, _reference: str) -> tuple[Plan, Effect]:
        return life.release(self.plan, on=self.on)


WEIGHTS = {
    "repay": 24,
    "draw": 6,
    "backdated": 8,
    "prepay": 4,
    "pay_off": 3,
    "refund": 6,
    "reverse": 8,
    "waive": 6,
    "defer": 8,
    "replan": 4,
    "dispute": 5,
    "close": 5,
    "charge_off": 12,
    "withdraw": 4,
    "release": 2,
    "fulfil": 6,
}
