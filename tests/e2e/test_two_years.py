"""Two years of fifty customers on the platform's own clock: every message once, the books whole after every day.

`make campaign` runs it. Some pay on time, some weeks late, some never; some buy again. The clock goes through the real
sweep, queues and workers; docs/sandbox.md has how long it took.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from datetime import time as clock_time
from itertools import groupby
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.core.clock import from_epoch_ms
from functions.ledger.accounts import Account, AccountRef, Side
from functions.ledger.encoding import entry_from_bytes
from functions.lending.plans.next_action import SEGMENTS
from functions.lending.plans.store import PlanItem
from tests.builders.population import ON_TIME, PatientShop, Person, business_now, buy, live_on, settle_in
from tests.builders.remote import RemoteShop
from tests.platform_fixture import RunningPlatform

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]

PEOPLE, MONTHS, MONTH, DAY = 50, 24, timedelta(days=30), timedelta(days=1)
BUYS_AGAIN_IN, DAY_BY_DAY_IN = frozenset({4, 9}), 3
MOST_S = 300
CHARGED_OFF_AFTER = timedelta(days=180)
NEVER_BELOW_ZERO = frozenset(
    {
        Account.CUSTOMER_PRINCIPAL,
        Account.CUSTOMER_FEE,
        Account.CUSTOMER_CREDIT_BALANCE,
        Account.DEFERRED_FEE_INCOME,
        Account.MERCHANT_PAYABLE,
    }
)
SEND_FROM, SEND_UNTIL = 9, 21
Step = tuple[str, int, str]
"""Plan, installment, name of the step."""


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return PatientShop(running_platform)


def advance(shop: RemoteShop, to: datetime) -> float:
    """Go there; how many seconds it took."""
    began = time.monotonic()
    shop.send_clock(to)
    while shop.clock()["status"] != "idle":
        assert time.monotonic() - began < 10 * MOST_S, "the clock did not arrive"
        time.sleep(0.25)
    return time.monotonic() - began


def books_balance(shop: RemoteShop) -> None:
    balance = shop.get("/v1/ledger/trial-balance", shop.staff("auditor"))
    assert balance["currencies"]
    assert all(currency["difference_minor"] == 0 for currency in balance["currencies"])


def table(shop: RemoteShop, name: str = "TableName") -> Iterator[dict[str, Any]]:
    pages = shop.platform.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=shop.platform.ready["outputs"][name], ConsistentRead=True):
        yield from page["Items"]


def books_held_after_every_day(shop: RemoteShop) -> None:
    """From the entries alone: no day ended with anybody owing less than nothing, and the last with what plans say."""
    entries = [entry_from_bytes(item["b"]["B"]) for item in table(shop, "LedgerTableName") if "b" in item]
    balance: Counter[tuple[str, AccountRef]] = Counter()
    by_day = sorted(entries, key=lambda entry: entry.occurred_at)
    for day, of_day in groupby(by_day, key=lambda entry: entry.occurred_at.date()):
        for entry in of_day:
            for posting in entry.postings:
                balance[entry.currency, posting.debit] += posting.amount_minor
                balance[entry.currency, posting.credit] -= posting.amount_minor
        owed = {ref: minor for (_, ref), minor in balance.items() if ref.account in NEVER_BELOW_ZERO}
        assert all(minor * (1 if ref.account.side is Side.DEBIT else -1) >= 0 for ref, minor in owed.items()), day
    plans = [PlanItem.from_raw_data(item).plan() for item in table(shop) if item["pk"]["S"].startswith("plan_")]
    principal = sum(minor for (_, ref), minor in balance.items() if ref.account is Account.CUSTOMER_PRINCIPAL)
    fee = sum(minor for (_, ref), minor in balance.items() if ref.account is Account.CUSTOMER_FEE)
    assert principal == sum(plan.require_sound().outstanding_minor for plan in plans)
    assert fee == sum(plan.fee_receivable_minor for plan in plans)


def sweep_once_more(shop: RemoteShop) -> dict[str, Any]:
    """Run the schedule's own function again at the same business time; what it found."""
    client = shop.platform.client("lambda")
    names = [
        each["FunctionName"] for page in client.get_paginator("list_functions").paginate() for each in page["Functions"]
    ]
    (name,) = [each for each in names if each.endswith("-sweep")]
    event = {
        "version": "0", "id": "again", "detail-type": "Scheduled Event", "source": "aws.events", "account": "0",
        "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail": {},
    }  # fmt: skip
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def second_run_changes_nothing(shop: RemoteShop) -> None:
    """Once all is at rest, the same day's sweep finds nothing, and leaves every plan, line and message as it is."""
    advance(shop, business_now(shop) + timedelta(seconds=5))
    before = plans_and_messages(shop)
    assert sweep_once_more(shop) == {"due": 0}
    assert plans_and_messages(shop) == before


def plans_and_messages(shop: RemoteShop) -> dict[str, str]:
    return {
        f"{item['pk']['S']} {item['sk']['S']}": json.dumps(item, default=repr, sort_keys=True)
        for item in table(shop)
        if item["pk"]["S"].startswith(("plan_", "msg_", "sent#", "line#"))
    }


def pass_months(shop: RemoteShop, people: Sequence[Person], chance: Random) -> float:
    """The two years; how many seconds the clock took."""
    start, took = business_now(shop), 0.0
    for month in range(1, MONTHS + 1):
        now = start + month * MONTH
        if month == DAY_BY_DAY_IN:
            for days in range(29, 0, -2):
                took += advance(shop, now - days * DAY)
                second_run_changes_nothing(shop)
        took += advance(shop, now)
        live_on(shop, people, month)
        if month in BUYS_AGAIN_IN:
            for person in people:
                if person.habit == ON_TIME:
                    buy(shop, person, chance.randrange(10_000, 90_000), 6)
        books_balance(shop)
        second_run_changes_nothing(shop)
        print(f"month {month}: {took:.0f} s on the clock, {shop.clock()['stops']} stops", flush=True)
    return took


def test_two_years_of_fifty_customers(shop: RemoteShop) -> None:
    chance = Random(7)
    people = settle_in(shop, chance, PEOPLE)
    took = pass_months(shop, people, chance)
    by_plan = {plan: person for person in people for plan in person.plans}
    own = [each for each in _sent(shop) if each["about"] in by_plan]
    times: Counter[Step] = Counter((e["about"], e["number"], e["step"].partition(" ")[0]) for e in own)
    must, may = _expected(shop, by_plan, business_now(shop))
    assert len(must) > PEOPLE * 3 * 3
    assert [step for step, count in times.items() if count > 1] == []
    assert must - times.keys() == set()
    assert times.keys() - must - may == set()
    assert [e for e in own if not _may_be_sent_at(e["at"], by_plan[e["about"]].zone)] == []
    assert [e for e in own if (paid := _paid(by_plan, e["about"], e["number"])) and e["at"] > paid[1]] == []
    books_held_after_every_day(shop)
    print(f"{MONTHS} months of {PEOPLE} customers: {took:.0f} s on the clock, {len(own)} reminders")
    assert took <= MOST_S, f"{took:.0f} s"


def _paid(by_plan: Mapping[str, Person], plan: str, number: int) -> tuple[datetime, datetime] | None:
    return by_plan[plan].paid.get((plan, number))


def _expected(shop: RemoteShop, by_plan: Mapping[str, Person], end: datetime) -> tuple[set[Step], set[Step]]:
    """Steps that must have been sent, because their hour came while the installment was unpaid; and those that may."""
    must: set[Step] = set()
    may: set[Step] = set()
    for item in (PlanItem.from_raw_data(raw) for raw in table(shop) if raw["pk"]["S"] in by_plan):
        if item.sk != "-":
            continue
        plan, segment = item.plan(), SEGMENTS[item.segment]
        rows = [row for row in plan.rows if row.number]
        paid = {row.number: _paid(by_plan, item.pk, row.number) for row in rows}
        ends = min((row.due_on + CHARGED_OFF_AFTER for row in rows if paid[row.number] is None), default=None)
        for row in rows:
            for days in segment.steps:
                on, at_paid = row.due_on + days * DAY, paid[row.number]
                at = datetime.combine(on, clock_time(segment.send_hour), ZoneInfo(item.zone))
                step = (item.pk, row.number, f"T{days:+d}" if days else "T")
                if at > end - DAY or (at_paid and at > at_paid[0] - DAY) or (ends and on >= ends):
                    if at <= end and not (at_paid and at > at_paid[1]) and not (ends and on > ends):
                        may.add(step)
                elif on > plan.start_on:
                    must.add(step)
    return must, may


def _may_be_sent_at(at: datetime, zone: str) -> bool:
    return SEND_FROM <= at.astimezone(ZoneInfo(zone)).hour < SEND_UNTIL


def _sent(shop: RemoteShop) -> Iterator[dict[str, Any]]:
    """What the sandbox channel took about installments, with what each message was for."""
    items = list(table(shop))
    messages = {item["pk"]["S"]: item for item in items if item["pk"]["S"].startswith("msg_")}
    for item in items:
        if not item["pk"]["S"].startswith("sent#"):
            continue
        message = messages.get(item["pk"]["S"].partition("#")[2])
        if message is not None and message["ab"]["S"].startswith("plan_"):
            yield {
                "about": message["ab"]["S"], "number": int(message["n"]["N"]), "step": message["st"]["S"],
                "at": from_epoch_ms(int(item["bt"]["N"])),
            }  # fmt: skip
