"""The whole life of a customer's plans against a model on paper."""

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from functions.ledger.accounts import Account, Side
from functions.lending import life
from functions.lending.allocation import Due, allocate_repayment
from functions.lending.cash import NOTHING, Source, capture_effect
from functions.lending.changes.charge_off import ChargeOffTooEarlyError
from functions.lending.changes.replan import NewTerm
from functions.lending.late import plan_late_due_minor
from functions.lending.line import NO_CHANGE, CreditLine
from functions.lending.payoff import payoff_quote
from functions.lending.plan import PlanState, days_past_due
from functions.lending.plans.packing import fitted, pack_plan, unpack_plan
from functions.lending.rules import PlanRules
from tests.builders.effort import effort
from tests.builders.plans import CUSTOMER, START, a_plan
from tests.property.lending.plan_model import PaperPlan, PaperRow

AMOUNTS = st.integers(12, 300_000)


class Customer(RuleBasedStateMachine):
    """One line, several plans; what the product says is compared with paper after every rule."""

    @initialize(limit=st.integers(100_000, 2_000_000))
    def sign_up(self, limit):
        self.on = START
        self.line, self.limit = CreditLine.opened(limit), limit
        self.plans, self.paper, self.keys = {}, {}, []
        self.held = self.credit = self.shortfall = self.count = self.born = 0
        self.books = Counter()
        for count, bps in ((12, 50), (3, 0)):
            self.authorize(30_000 + limit // 40)
            self.open_one(self.held, count, bps)

    def did(self, plan, effect):
        if plan is not None:
            self.plans[plan.id] = plan
        self.line = self.line.after(effect.line)
        self.credit += effect.credit_balance_minor
        self.shortfall += effect.shortfall_minor
        for posting in effect.postings:
            self.books[posting.debit.account] += posting.amount_minor
            self.books[posting.credit.account] -= posting.amount_minor

    def reference(self):
        self.count += 1
        return f"op{self.count}"

    def pick(self, data, state=None):
        found = [plan for plan in self.plans.values() if state is None or plan.state is state]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(amount=AMOUNTS)
    def authorize(self, amount):
        if amount <= self.line.available_minor:
            self.line = self.line.authorize(amount)
            self.held += amount

    @precondition(lambda self: self.held > 24)
    @rule(data=st.data(), count=st.sampled_from([1, 3, 6, 12]), bps=st.sampled_from([0, 50, 110]))
    def capture(self, data, count, bps):
        self.open_one(data.draw(st.integers(count, self.held)), count, bps)

    def open_one(self, amount, count, bps):
        pricing = {"kind": "flat_monthly", "bps": bps} if bps else {"kind": "none"}
        rules = PlanRules(withdrawal_days=14, replans_max=2)
        plan = a_plan(amount, count, pricing, start_on=self.on, number=self.born + 1, rules=rules)
        self.born += 1
        self.held -= amount
        rows = [PaperRow(r.due_on, r.principal_minor, r.fee_minor, r.original_minor) for r in plan.rows]
        self.paper[plan.id] = PaperPlan(self.on, rows, amount)
        self.did(plan, capture_effect(plan))

    @precondition(lambda self: self.held)
    @rule()
    def void(self):
        self.line, self.held = self.line.release(self.held), 0

    @rule(days=st.sampled_from([0, 1, 4, 10, 31, 75, 181]))
    def time_passes(self, days):
        for _ in range(days):
            self.on += timedelta(days=1)
            for paper in self.paper.values():
                paper.pass_day(self.on)

    @precondition(lambda self: self.plans)
    @rule(data=st.data(), amount=AMOUNTS)
    def repay_one(self, data, amount):
        plan, reference = self.pick(data), self.reference()
        left = self.paper[plan.id].pay(amount, self.on, reference)
        plan, effect = life.repay(plan, amount, on=self.on, reference=reference)
        assert effect.credit_balance_minor == left
        self.keys.append((plan.id, reference, amount))
        self.did(plan, effect)

    @precondition(lambda self: self.plans)
    @rule(amount=AMOUNTS)
    def repay_all(self, amount):
        reference = self.reference()
        done = allocate_repayment(
            list(self.plans.values()), amount, Due(), on=self.on, customer_id=CUSTOMER, reference=reference
        )
        for part in done.parts:
            assert self.paper[part.plan_id].pay(part.amount_minor, self.on, reference) == 0
            self.keys.append((part.plan_id, reference, part.amount_minor))
        assert done.credit_minor == amount - sum(part.amount_minor for part in done.parts)
        if done.credit_minor:
            # Money is credited only when nothing at all is due any more.
            assert not any(
                row.principal + row.fee + row.late()
                for paper in self.paper.values()
                for row in paper.rows
                if row.due <= self.on or paper.written_off
            )
        for plan in done.plans:
            self.plans[plan.id] = plan
        self.did(None, done.effect)

    @precondition(lambda self: self.credit)
    @rule()
    def draw(self):
        reference = self.reference()
        done = allocate_repayment(
            list(self.plans.values()),
            self.credit,
            Due(),
            on=self.on,
            customer_id=CUSTOMER,
            reference=reference,
            source=Source.CREDIT_BALANCE,
        )
        for part in done.parts:
            self.paper[part.plan_id].pay(part.amount_minor, self.on, reference)
        for plan in done.plans:
            self.plans[plan.id] = plan
        self.did(None, done.effect)

    @precondition(lambda self: self.plans)
    @rule(data=st.data())
    def refund(self, data):
        plan = self.pick(data)
        # On the first day fees may fall further than on paper, so that rounding lifts no rate (test_plan_properties).
        if plan.refundable_minor and plan.state is not PlanState.CHARGED_OFF and self.on > plan.start_on:
            amount = data.draw(st.sampled_from([1, plan.refundable_minor]) | st.integers(1, plan.refundable_minor))
            credit = self.paper[plan.id].refund(amount)
            plan, effect = life.refund(plan, amount, on=self.on)
            assert effect.credit_balance_minor == credit
            self.did(plan, effect)

    @precondition(lambda self: len(self.plans) > 2)
    @rule(data=st.data())
    def pay_off(self, data):
        plan = self.pick(data, PlanState.ACTIVE)
        if plan is not None and not plan.prepaid_minor:
            quote = payoff_quote(plan, self.on)
            paper = self.paper[plan.id].payoff(self.on)
            assert (quote.principal_minor, quote.fee_minor, quote.late_minor) == paper
            plan, effect = life.pay_off(plan, quote, quote.total_minor, reference=self.reference())
            assert plan.state is PlanState.PAID_OFF
            self.did(plan, effect)
            self.forget(plan)

    @precondition(lambda self: len(self.plans) > 2)
    @rule(data=st.data(), mode=st.sampled_from(["keep_term", "keep_payment"]))
    def prepay(self, data, mode):
        plan = self.pick(data, PlanState.ACTIVE)
        if plan is not None:
            amount = data.draw(st.integers(1, plan.outstanding_minor + 1_000))
            new, effect = life.prepay(plan, amount, mode, on=self.on, reference=self.reference())
            assert effect.principal_minor + effect.fee_minor + effect.late_minor + effect.credit_balance_minor == amount
            assert new.fee_unpaid_minor <= plan.fee_unpaid_minor
            self.did(new, effect)
            self.forget(new)

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def reverse(self, data):
        name, reference, amount = self.keys.pop(data.draw(st.integers(0, len(self.keys) - 1)))
        if name in self.plans:
            found = self.paper[name].unpay(reference)
            plan, effect = life.reverse_repayment(
                self.plans[name], reference, amount, on=self.on, credit_available_minor=self.credit
            )
            rest = amount - found
            taken = min(rest, self.credit)
            assert (-effect.credit_balance_minor, effect.shortfall_minor) == (taken, rest - taken)
            self.did(plan, effect)

    @precondition(lambda self: self.plans)
    @rule(data=st.data())
    def charge_off(self, data):
        plan = self.pick(data, PlanState.ACTIVE)
        if plan is None:
            return
        if days_past_due(plan, self.on) < 180:
            try:
                life.charge_off(plan, on=self.on)
            except ChargeOffTooEarlyError:
                return
            raise AssertionError("charged off too early")
        plan, effect = life.charge_off(plan, on=self.on)
        self.paper[plan.id].written_off = True
        self.did(plan, effect)
        self.keys = [key for key in self.keys if key[0] != plan.id]

    @precondition(lambda self: self.plans)
    @rule(data=st.data(), days=st.integers(1, 28))
    def defer(self, data, days):
        plan = self.pick(data, PlanState.ACTIVE)
        if plan is None or plan.deferrals == plan.rules.deferrals_max:
            return
        paper = self.paper[plan.id]
        coming = [row for row in paper.rows if row.due >= self.on and row.principal + row.fee]
        if coming:
            new, effect = life.defer(plan, len(coming), days, on=self.on, asked_by="customer")
            assert effect == NOTHING or not effect.postings
            for row in coming:
                row.due += timedelta(days=days)
            self.did(new, effect)

    @precondition(lambda self: self.plans)
    @rule(data=st.data(), count=st.sampled_from([1, 3, 12, 24]), days=st.integers(1, 62))
    def replan(self, data, count, days):
        """A new term closes the journal, so what was paid before is not taken back by name any more."""
        plan = self.pick(data, PlanState.ACTIVE)
        if plan is None or plan.replans == plan.rules.replans_max or self.on <= plan.start_on:
            return
        if count > min(plan.outstanding_minor, 60 - len(plan.rows)) or plan.prepaid_minor:
            return
        first = self.on + timedelta(days=days)
        self.paper[plan.id].replan(count, first, self.on, plan.apr_bps)
        new, effect = life.replan(plan, NewTerm(count, first, "customer"), on=self.on)
        assert new.outstanding_minor == plan.outstanding_minor
        assert effect.line == NO_CHANGE
        self.keys = [key for key in self.keys if key[0] != plan.id]
        self.did(new, effect)

    @precondition(lambda self: len(self.plans) > 2)
    @rule(data=st.data())
    def withdraw(self, data):
        plan = self.pick(data, PlanState.ACTIVE)
        if plan is None or self.on > plan.start_on + timedelta(days=14) or plan.withdrawn_on:
            return
        new, effect = life.withdraw(plan, on=self.on)
        assert new.fee_unpaid_minor == 0
        assert new.outstanding_minor == plan.outstanding_minor
        self.did(new, effect)
        self.forget(new)

    @rule(limit=st.integers(0, 3_000_000))
    def change_limit(self, limit):
        self.line = self.line.with_limit(max(limit, 0))

    def forget(self, plan):
        """Paper does not follow prepayments: the plan is closed on both sides of the model by being left out."""
        for name in (plan.id,):
            left = self.plans.pop(name)
            self.paper.pop(name)
            self.keys = [key for key in self.keys if key[0] != name]
            for account, amount in (
                (Account.CUSTOMER_PRINCIPAL, left.outstanding_minor),
                (Account.CUSTOMER_FEE, left.fee_unpaid_minor),
            ):
                self.books[account] -= amount
                self.books[Account.LENDER_FUNDING] += amount
            self.books[Account.DEFERRED_FEE_INCOME] += left.deferred_minor
            self.books[Account.LENDER_FUNDING] -= left.deferred_minor
            if left.outstanding_minor:
                self.line = self.line.repay(left.outstanding_minor)

    @invariant()
    def every_plan_is_as_on_paper(self):
        for name, plan in self.plans.items():
            paper = self.paper[name]
            plan.require_sound()
            assert [(r.due_on, r.principal_unpaid_minor, r.fee_unpaid_minor) for r in plan.rows] == [
                (r.due, r.principal, r.fee) for r in paper.rows
            ]
            assert plan_late_due_minor(plan, self.on) == sum(row.late() for row in paper.rows)
            assert unpack_plan(pack_plan(plan)) == fitted(plan)

    @invariant()
    def the_line_is_what_the_plans_use(self):
        assert self.line.held_minor == self.held
        assert self.line.outstanding_minor == sum(plan.outstanding_minor for plan in self.plans.values())

    @invariant()
    def the_books_balance_and_tell_the_same(self):
        def balance(account):
            return self.books[account] if account.side is Side.DEBIT else -self.books[account]

        plans = self.plans.values()
        assert sum(self.books.values()) == 0
        assert balance(Account.CUSTOMER_PRINCIPAL) == sum(plan.outstanding_minor for plan in plans)
        assert balance(Account.CUSTOMER_FEE) == sum(plan.fee_receivable_minor for plan in plans)
        assert balance(Account.DEFERRED_FEE_INCOME) == sum(plan.deferred_minor for plan in plans)
        assert balance(Account.CUSTOMER_CREDIT_BALANCE) == self.credit >= 0
        assert balance(Account.REPAYMENT_IN_TRANSIT) == self.shortfall


Customer.TestCase.settings = settings(
    max_examples=effort(15), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCustomer = Customer.TestCase
