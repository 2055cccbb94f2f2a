"""A customer's life through the API, at random, with what must hold after every step.

life = Life(shop, Random(7))
life.step()            # one of: buy, repay, prepay, pay off, refund, defer, take back, confirm late, contest, answer,
                       # render the service, let time pass
life.require_books()   # plans, line, credit balance and ledger tell the same
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from functions.ledger.accounts import Account, Side
from functions.ledger.encoding import entry_from_bytes
from functions.ledger.entries import Entry
from functions.lending.cash import holdback_minor
from functions.lending.plans.store import PlanItem
from functions.payments.disputes import service as disputes
from functions.servicing import plan_actions
from tests.builders.api import Reply
from tests.builders.platform import LEDGER_TABLE
from tests.builders.rail import say
from tests.builders.shop import Shop

TERMS = (1, 3, 6, 12)


@dataclass
class Life:
    """One customer of one shop."""

    shop: Shop
    random: Random
    bought: list[Reply] = field(default_factory=list)
    waiting: list[Reply] = field(default_factory=list)
    received: list[Reply] = field(default_factory=list)
    disputes: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def step(self) -> str:
        """Do something; what the API refuses counts as done too."""
        names = [
            "buy",
            "pay",
            "pay",
            "ahead",
            "off",
            "refund",
            "refund",
            "defer",
            "take_back",
            "confirm",
            "contest",
            "answer",
            "render",
            "wait",
            "wait",
        ]
        name = "buy" if not self.bought else self.random.choice(names)
        steps: dict[str, Callable[[], Reply | None]] = {
            "buy": self._buy, "pay": self._pay, "ahead": self._ahead, "off": self._off, "refund": self._refund,
            "defer": self._defer, "take_back": self._take_back, "confirm": self._confirm, "wait": self._wait,
            "contest": self._contest, "answer": self._answer, "render": self._render,
        }  # fmt: skip
        reply = steps[name]()
        if reply is not None:
            assert reply.status in {200, 201, 409, 422}, (name, reply)
            name = name if reply.status < 300 else f"{name}: {reply['code']}"
        self.done[name] += 1
        return name

    def _plan(self) -> str:
        return str(self.random.choice(self.bought)["plan_id"])

    def _amount(self) -> int:
        return self.random.choice([1, 999, 10_000, 20_300, 61_000, self.random.randint(1, 90_000)])

    def _buy(self) -> Reply | None:
        """On a line that is used up, or used too often in a quarter of an hour, nothing is bought."""
        amount, term = self.random.randint(12_000, 90_000), self.random.choice(TERMS)
        category = self.random.choice(["electronics", "travel"])
        auth = self.shop.authorize(amount, term=term, category=category)
        if auth["status"] != "approved":
            return None
        self.bought.append(self.shop.capture(auth["id"], amount))
        self.shop.settle()
        return self.bought[-1]

    def _kept(self, reply: Reply) -> Reply:
        if reply.status == 201:
            {"pending": self.waiting, "received": self.received}[reply["status"]].append(reply)
        return reply

    def _how(self) -> dict[str, Any]:
        return {"instrument": "sandbox_delays"} if self.random.random() < 0.3 else {}

    def _pay(self) -> Reply:
        only = {"plan_id": self._plan()} if self.random.random() < 0.3 else {}
        return self._kept(self.shop.repay(self._amount(), **only, **self._how()))

    def _ahead(self) -> Reply:
        mode = self.random.choice(["keep_term", "keep_payment"])
        return self._kept(self.shop.repay(self._amount(), "prepay", plan_id=self._plan(), mode=mode, **self._how()))

    def _off(self) -> Reply:
        path = f"/v1/me/plans/{self._plan()}/payoff"
        return self._kept(self.shop.api.post(path, self._how(), token=self.shop.customer))

    def _refund(self) -> Reply:
        capture = self.random.choice(self.bought)
        return self.shop.refund(capture["id"], self.random.choice([self._amount(), capture["amount_minor"]]))

    def _defer(self) -> Reply:
        return self.shop.api.post(f"/v1/me/plans/{self._plan()}/defer", {"days": 7}, token=self.shop.customer)

    def _take_back(self) -> Reply | None:
        return say(self.shop, self.random.choice(self.received), "reversed") if self.received else None

    def _confirm(self) -> Reply | None:
        if not self.waiting:
            return None
        reply = self.waiting.pop(self.random.randrange(len(self.waiting)))
        self.received.append(reply)
        return say(self.shop, reply, self.random.choice(["confirmed", "confirmed", "failed"]))

    def _contest(self) -> Reply:
        kind = self.random.choice(["not_received", "merchant_insolvent"])
        path = f"/v1/me/plans/{self._plan()}/disputes"
        reply = self.shop.api.post(path, {"kind": kind}, token=self.shop.customer)
        self.disputes += [reply["id"]] if reply.status == 201 else []
        return reply

    def _answer(self) -> Reply | None:
        """The merchant gives in, or a person decides."""
        if not self.disputes:
            return None
        path = f"/v1/disputes/{self.random.choice(self.disputes)}"
        outcome = self.random.choice(["accept", "won", "lost"])
        if outcome == "accept":
            return self.shop.api.post(f"{path}/accept", {}, token=self.shop.key)
        staff = self.shop.platform.staff_token("support")
        return self.shop.api.post(f"{path}/decide", {"outcome": outcome, "reason": "read"}, token=staff)

    def _render(self) -> Reply:
        capture = self.random.choice(self.bought)
        proof = {"rendered_on": capture["start_on"], "evidence": {"reference": "ticket"}}
        body = {**proof, "amount_minor": self.random.randint(1, 60_000)}
        return self.shop.api.post(f"/v1/captures/{capture['id']}/fulfilments", body, token=self.shop.key)

    def _wait(self) -> None:
        """Days pass, and the sweep comes by."""
        self.shop.platform.clock.advance_business(timedelta(days=self.random.choice([0, 1, 4, 15, 31])))
        self.shop.settle()
        plan_actions.act([(item.pk, "-") for item in self.plans()], self.shop.platform.clock.now())
        disputes.act([(name, "-") for name in self.disputes], self.shop.platform.clock.now())
        self.shop.settle()

    def plans(self) -> list[PlanItem]:
        items = self.shop.platform.items()
        return [PlanItem.from_raw_data(item) for item in items if item["pk"]["S"].startswith("plan_")]

    def entries(self) -> list[Entry]:
        return [entry_from_bytes(item["b"]["B"]) for item in self.shop.platform.items(LEDGER_TABLE) if "b" in item]

    def require_books(self) -> None:
        """Trial balance zero; line identity; plans, line, credit balance and ledger agree to the unit."""
        plans = [item.plan().require_sound() for item in self.plans()]
        signed: Counter[Account] = Counter()
        for entry in self.entries():
            for posting in entry.postings:
                signed[posting.debit.account] += posting.amount_minor
                signed[posting.credit.account] -= posting.amount_minor
        assert sum(signed.values()) == 0
        balance = {account: value if account.side is Side.DEBIT else -value for account, value in signed.items()}
        line = self.shop.line()
        outstanding = sum(plan.outstanding_minor for plan in plans)
        assert line["limit_minor"] == line["available_minor"] + line["held_minor"] + line["outstanding_minor"]
        assert (line["outstanding_minor"], line["held_minor"]) == (outstanding, 0)
        expected = {
            Account.CUSTOMER_PRINCIPAL: outstanding,
            Account.CUSTOMER_FEE: sum(plan.fee_receivable_minor for plan in plans),
            Account.DEFERRED_FEE_INCOME: sum(plan.deferred_minor for plan in plans),
            Account.CUSTOMER_CREDIT_BALANCE: self.shop.balance(),
            Account.HOLDBACK_PAYABLE: sum(holdback_minor(plan) for plan in plans),
        }
        assert {account: balance.get(account, 0) for account in expected} == expected
        merchants = balance.get(Account.MERCHANT_PAYABLE, 0) + balance.get(Account.HOLDBACK_PAYABLE, 0)
        sold = sum(plan.captured_minor - plan.refunded_minor for plan in plans)
        assert merchants == sold + balance.get(Account.DISPUTE_LOSS, 0)  # what the lender bore, the merchant keeps
        assert self.shop.balance() >= 0
