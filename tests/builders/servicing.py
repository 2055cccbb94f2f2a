"""Plans in the table, with a customer who can be reached and the order they came from.

owner = a_debtor(platform)                              # signed up; language and zone as asked
plan = stored_plan(platform, owner)                     # 3 × 100.00 from START's day on; a PlanItem
pay(platform, plan.pk, 1)                               # installment 1 is paid now
log = sandbox_log(platform)                             # what the sandbox channel took: [Sent(…)] in order
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, local_date
from functions.core.ids import derived_id, id_bytes
from functions.customers.customer import Customer
from functions.lending import life
from functions.lending.payoff import payoff_quote
from functions.lending.plan import open_plan
from functions.lending.plans.next_action import next_action
from functions.lending.plans.store import PlanItem, plan_change, put_plan
from functions.lending.rules import PlanRules
from functions.lending.schedule import build_schedule
from functions.lending.terms import PlanTerms
from functions.messaging.sandbox import SentItem
from functions.messaging.store import MessageItem
from functions.payments.store import AuthorizationItem
from functions.platform.storage.transactions import WriteSet, commit, create
from tests.builders.customers import a_customer
from tests.builders.platform import Platform
from tests.builders.shop import a_merchant, all_api

_orders = itertools.count(1)
SECRET = b"ids of test plans"
ALIAS = 123_456_789


def a_debtor(platform: Platform, **changes: Any) -> Customer:
    return a_customer(**{"email": "mei@example.com", "zone": "Asia/Shanghai", "language": "zh", **changes})


def a_shop_named(platform: Platform, name: str) -> str:
    return str(a_merchant(platform, all_api(), name=name)["id"])


def stored_plan(
    platform: Platform,
    owner: Customer,
    *,
    amount_minor: int = 30_000,
    count: int = 3,
    start_on: date | None = None,
    zone: str = "Asia/Shanghai",
    segment: str = "standard",
    merchant_id: str | None = None,
    category: str = "electronics",
    rules: PlanRules | None = None,
    pricing: dict[str, Any] | None = None,
) -> PlanItem:
    now = platform.box.clock.now()
    number = next(_orders)
    merchant = merchant_id or derived_id("mer", SECRET, number)
    terms = {"currency": "CNY", "term_count": count, "pricing": pricing or {"kind": "none"}}
    schedule = build_schedule(PlanTerms.from_dict(terms), amount_minor, start_on or local_date(now, zone))
    plan = open_plan(
        schedule,
        rules or PlanRules(),
        plan_id=derived_id("plan", SECRET, number),
        customer_id=owner.id,
        merchant_id=merchant,
        opened_at=now,
    )
    authorization = an_order(number, owner.id, merchant, amount=amount_minor, category=category, now=now)
    item = PlanItem(
        pk=plan.id,
        version=1,
        customer=id_bytes(owner.id),
        merchant=id_bytes(merchant),
        authorization=id_bytes(authorization.pk),
        alias=ALIAS,
        currency="CNY",
        product="test",
        zone=zone,
        language=owner.language,
        segment=segment,
        body=bytes(8),
    )
    put_plan(item, plan, next_action(plan, segment, zone), platform.settings.shards)
    commit(platform.tables, WriteSet.of(create(authorization), create(item)))
    return item


def an_order(
    number: int, customer: str, merchant: str, *, amount: int, category: str, now: datetime
) -> AuthorizationItem:
    return AuthorizationItem(
        pk=derived_id("auth", SECRET, number),
        version=1,
        merchant=id_bytes(merchant),
        customer=id_bytes(customer),
        reference=f"order-{number}",
        attempt=1,
        status="C",
        amount=amount,
        currency="CNY",
        product="test",
        product_version=1,
        grade="A",
        category=category,
        channel="online",
        created_at_ms=epoch_ms(now),
        expires_at_ms=epoch_ms(now + timedelta(days=7)),
        key=bytes(8),
        body=bytes(8),
        content=bytes(8),
    )


def change(platform: Platform, plan_id: str, to: Any) -> PlanItem:
    """Put what `to` makes of a plan, as a use case would."""
    item = platform.tables.get(PlanItem, plan_id, consistent=True)
    assert item is not None
    seen, plan = item.version, to(item.plan())
    item.version, item.outbox = seen + 1, None
    put_plan(item, plan, next_action(plan, item.segment, item.zone), platform.settings.shards)
    commit(platform.tables, plan_change(item, seen))
    return item


def grown(platform: Platform, plan_id: str, on: date) -> PlanItem:
    """The plan about as large as it gets: its journal full of odd payments, its memory full of commands."""

    def lived(plan: Any) -> Any:
        for number in range(60):
            amount = 16_500 + 37 * number
            day = max(on, plan.settled_on)
            if number % 2:
                plan = life.prepay(plan, amount, "keep_term", on=day, reference=f"ahead {number}")[0]
            else:
                plan = life.repay(plan, amount, on=day, reference=f"due {number}")[0]
        return plan

    item = change(platform, plan_id, lived)
    item.commands = bytes(range(128))
    commit(platform.tables, plan_change(item, item.version))
    return item


def pay_off(platform: Platform, plan_id: str, on: date) -> None:
    """Everything is paid on a day."""

    def paid(plan: Any) -> Any:
        quote = payoff_quote(plan, max(on, plan.settled_on))
        return life.pay_off(plan, quote, quote.total_minor)[0]

    change(platform, plan_id, paid)


@dataclass(frozen=True, order=True)
class Sent:
    """One taking by the sandbox channel."""

    at: datetime
    plan: str
    number: int
    step: str
    channel: str
    text: str


def sandbox_log(platform: Platform) -> list[Sent]:
    """Everything taken, by business time; a message taken twice stands here twice."""
    out = []
    for raw in platform.items():
        if raw["pk"]["S"].startswith("sent#"):
            entry = SentItem.from_raw_data(raw)
            message = platform.tables.get(MessageItem, entry.tag)
            assert message is not None
            at = from_epoch_ms(entry.business_at_ms)
            step = message.step.partition(" ")[0]
            out.append(Sent(at, message.about, message.number, step, entry.channel, entry.text or ""))
    return sorted(out)


def message_states(platform: Platform) -> dict[tuple[str, int, str], tuple[str, str | None]]:
    """State and reason of every reminder, by plan, installment and step."""
    found = [MessageItem.from_raw_data(raw) for raw in platform.items() if raw["pk"]["S"].startswith("msg_")]
    return {(m.about, m.number, m.step.partition(" ")[0]): (m.state, m.reason) for m in found}
