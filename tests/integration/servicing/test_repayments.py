"""Repayments through HTTP: allocated, booked, freed on the line, once, however often they are sent."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from functions.customers import magic
from functions.servicing.ports import Collection, RailStatus
from functions.servicing.sandbox import SandboxPaymentRail
from tests.builders.customers import a_customer, phone
from tests.builders.platform import Platform
from tests.builders.rail import listen
from tests.builders.servicing import grown
from tests.builders.shop import PHONE_OF, Shop, a_shop

MONTH = timedelta(days=31)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def total(bought: object, number: int = 1) -> int:
    return int(bought["schedule"][number - 1]["total_minor"])  # type: ignore[index]


def test_a_due_installment_is_paid_and_frees_the_line(shop: Shop) -> None:
    bought = shop.buy(120_000, term=6)
    shop.platform.clock.advance_business(MONTH)
    assert shop.mine(f"plans/{bought['plan_id']}")["due_minor"] == total(bought)
    reply = shop.repay(total(bought))
    assert (reply.status, reply["status"], reply["credit_balance_minor"]) == (201, "received", 0)
    [part] = reply["allocations"]
    assert (part["plan_id"], part["principal_minor"], part["late_minor"]) == (bought["plan_id"], 20_000, 0)
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["due_minor"], plan["outstanding_minor"], plan["schedule"][0]["paid_minor"]) == (
        0,
        100_000,
        total(bought),
    )
    assert plan["next_due_on"] == bought["schedule"][1]["due_on"]
    line = shop.line()
    assert (line["outstanding_minor"], line["available_minor"]) == (100_000, line["limit_minor"] - 100_000)
    assert shop.mine(f"repayments/{reply['id']}").body == reply.body


def test_a_repayment_of_an_installment_is_two_requests_and_twelve_write_units(shop: Shop) -> None:
    bought = shop.buy(2_400_000, term=24)
    shop.repay(1, "prepay", plan_id=bought["plan_id"])  # the sandbox's rail looks the customer up once
    grown(shop.platform, bought["plan_id"], date(2026, 11, 25))
    shop.platform.clock.advance_business(MONTH)
    due = shop.mine(f"plans/{bought['plan_id']}")["due_minor"]
    with shop.platform.metered() as meter:
        assert shop.repay(due, plan_id=bought["plan_id"]).status == 201
    assert meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 12, meter.sizes
    [size] = [size for key, size in meter.sizes.items() if key.startswith("plan_")]
    assert 1024 < size <= 2048
    assert shop.mine(f"plans/{bought['plan_id']}")["due_minor"] == 0


def test_over_all_plans_it_is_one_query_more(shop: Shop) -> None:
    bought = shop.buy(120_000)
    shop.platform.clock.advance_business(MONTH)
    shop.repay(1)
    with shop.platform.metered() as meter:
        shop.repay(total(bought) - 1)
    assert meter.requests == ["Query", "BatchGetItem", "TransactWriteItems"]


def test_past_due_of_any_plan_is_paid_oldest_first_and_the_rest_is_credit(shop: Shop) -> None:
    older = shop.buy(120_000)
    shop.platform.clock.advance_business(timedelta(days=5))
    newer = shop.buy(60_000)
    shop.platform.clock.advance_business(MONTH)
    late = shop.mine(f"plans/{older['plan_id']}")["late_minor"]
    assert late > 0
    reply = shop.repay(total(older) + late + 700)
    assert [part["plan_id"] for part in reply["allocations"]] == [older["plan_id"], newer["plan_id"]]
    assert [part["amount_minor"] for part in reply["allocations"]] == [total(older) + late, 700]
    assert (reply["allocations"][0]["late_minor"], shop.balance()) == (late, 0)
    rest = shop.repay(total(newer))
    assert (rest["credit_balance_minor"], shop.balance()) == (700, 700)
    assert shop.line()["outstanding_minor"] == sum(
        shop.mine(f"plans/{bought['plan_id']}")["outstanding_minor"] for bought in (older, newer)
    )


def test_money_for_one_plan_stays_with_it(shop: Shop) -> None:
    older, newer = shop.buy(120_000), shop.buy(60_000)
    shop.platform.clock.advance_business(MONTH)
    reply = shop.repay(total(newer), plan_id=newer["plan_id"])
    assert [part["plan_id"] for part in reply["allocations"]] == [newer["plan_id"]]
    assert shop.mine(f"plans/{older['plan_id']}")["due_minor"] == total(older)


def test_the_same_command_is_collected_and_counted_once(shop: Shop) -> None:
    bought = shop.buy(120_000)
    shop.platform.clock.advance_business(MONTH)
    asked = listen(shop.platform)
    first = shop.repay(total(bought), key="r")
    again = shop.repay(total(bought), key="r")
    other = shop.repay(total(bought) + 1, key="r")
    assert (again.body, again.replayed) == (first.body, True)
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")
    assert len(asked) == 1
    assert shop.settle().count("repayment.received") == 1


def test_a_lost_answer_is_found_again_and_nothing_is_collected_twice(shop: Shop) -> None:
    bought = shop.buy(120_000)
    shop.platform.clock.advance_business(MONTH)
    with shop.platform.failing("TransactWriteItems", lost=True, times=1):
        assert shop.repay(total(bought), key="r").status == 503
    found = shop.repay(total(bought), key="r")
    assert (found.status, found.replayed, shop.balance()) == (201, True, 0)
    assert shop.line()["outstanding_minor"] == 80_000


def test_a_write_that_failed_after_the_rail_took_the_money_is_made_good_by_the_retry(shop: Shop) -> None:
    bought = shop.buy(120_000)
    shop.platform.clock.advance_business(MONTH)
    asked = listen(shop.platform)
    with shop.platform.failing("TransactWriteItems", times=1):
        assert shop.repay(total(bought), key="r").status == 503
    found = shop.repay(total(bought), key="r")
    assert (found["status"], found.replayed) == ("received", False)
    assert len({each.reference for each in asked}) == 1
    assert shop.balance() == 0


@pytest.mark.parametrize("intent", ["due", "prepay"])
def test_what_changes_while_the_rail_is_asked_is_decided_anew(shop: Shop, intent: str) -> None:
    """A refund gets in between: the money is spread over the plan as it is then, and nothing is lost."""
    bought = shop.buy(120_000)
    shop.platform.clock.advance_business(MONTH)
    listen(shop.platform, meanwhile=lambda: shop.refund(bought["id"], 60_000))
    body = {"plan_id": bought["plan_id"]} if intent == "prepay" else {}
    reply = shop.repay(total(bought), intent, **body)
    [part] = reply["allocations"]
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert part["amount_minor"] + reply["credit_balance_minor"] == total(bought) or intent == "prepay"
    assert part["principal_minor"] + part["fee_minor"] + reply["credit_balance_minor"] == total(bought)
    assert plan["outstanding_minor"] == 60_000 - part["principal_minor"] == shop.line()["outstanding_minor"]


@pytest.mark.pain(5)
def test_after_a_partial_prepayment_the_schedule_shows_lower_installments(shop: Shop) -> None:
    bought = shop.buy(120_000, term=6)
    reply = shop.repay(60_000, "prepay", plan_id=bought["plan_id"])
    assert (reply["status"], reply["mode"], reply["allocations"][0]["principal_minor"]) == (
        "received",
        "keep_term",
        60_000,
    )
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert [row["principal_minor"] for row in plan["schedule"]] == [10_000] * 6
    assert all(
        row["total_minor"] < was["total_minor"] for row, was in zip(plan["schedule"], bought["schedule"], strict=True)
    )
    assert (plan["outstanding_minor"], shop.line()["outstanding_minor"]) == (60_000, 60_000)


def test_a_prepayment_may_keep_the_payment_and_end_sooner(shop: Shop) -> None:
    bought = shop.buy(120_000, term=6)
    shop.repay(60_000, "prepay", plan_id=bought["plan_id"], mode="keep_payment")
    rows = shop.mine(f"plans/{bought['plan_id']}")["schedule"]
    assert rows[0]["total_minor"] == total(bought)
    assert rows[-1]["total_minor"] == 0


@pytest.mark.parametrize(
    ("intent", "body", "pointer"),
    [("prepay", {}, ""), ("payoff", {}, ""), ("due", {"mode": "keep_term"}, ""), ("later", {}, "/intent")],
)
def test_a_request_that_says_too_little_or_too_much_is_refused(
    shop: Shop, intent: str, body: dict, pointer: str
) -> None:
    reply = shop.repay(100, intent, **body)
    assert (reply.status, reply["errors"][0]["pointer"]) == (422, pointer)


def test_who_owes_nothing_is_not_charged(shop: Shop) -> None:
    asked = listen(shop.platform)
    reply = shop.repay(100)
    assert (reply.status, reply["code"]) == (409, "nothing_to_repay")
    bought = shop.buy(60_000)
    assert shop.repay(100, currency="USD")["code"] == "nothing_to_repay"
    assert shop.repay(100, currency="USD", plan_id=bought["plan_id"])["code"] == "currency_mismatch"
    shop.refund(bought["id"], 60_000)
    assert shop.repay(100, plan_id=bought["plan_id"])["code"] == "nothing_to_repay"
    assert shop.repay(100, "prepay", plan_id=bought["plan_id"])["code"] == "plan_not_active"
    assert asked == []


def test_another_customers_plan_and_repayment_are_not_there(shop: Shop, platform: Platform) -> None:
    other = a_shop(platform)
    bought = shop.buy(60_000)
    mine = shop.repay(100, "prepay", plan_id=bought["plan_id"])
    plan = bought["plan_id"]
    assert other.repay(100, plan_id=plan).status == 404
    assert other.mine(f"repayments/{mine['id']}").status == 404
    for path in ("", "/agreement", "/payoff-quote"):
        assert other.mine(f"plans/{plan}{path}").status == 404
    for path, body in (("payoff", {}), ("defer", {"days": 1}), ("defer/preview", {"days": 1}), ("withdraw", {})):
        assert other.api.post(f"/v1/me/plans/{plan}/{path}", body, token=other.customer).status == 404
    assert other.mine("plans")["data"] == []


def test_a_failed_collection_is_a_repayment_that_moved_nothing(platform: Platform) -> None:
    shop = a_shop(platform, magic.REPAYMENT_FAILS)
    bought = shop.buy(30_000)
    shop.settle()
    replies = [shop.repay(total(bought), "prepay", plan_id=bought["plan_id"], key=key) for key in ("a", "a", "b")]
    assert {(r.status, r["status"], r["failure_code"]) for r in replies} == {(201, "failed", "insufficient_funds")}
    assert replies[0]["id"] == replies[1]["id"] != replies[2]["id"]
    assert shop.line()["outstanding_minor"] == 30_000
    assert shop.settle().count("repayment.failed") == 2


def test_the_second_try_of_a_failing_customer_succeeds(platform: Platform) -> None:
    shop = a_shop(platform, magic.REPAYMENT_FAILS_THEN_SUCCEEDS)
    bought = shop.buy(30_000)
    states = [shop.repay(1_000, "prepay", plan_id=bought["plan_id"], key=key)["status"] for key in "aabbcd"]
    assert states == ["failed", "failed", "received", "received", "failed", "received"]
    assert shop.line()["outstanding_minor"] == 28_000


def test_the_sandboxes_rail_counts_tries_beyond_those_it_remembers(platform: Platform) -> None:
    rail = SandboxPaymentRail(platform.box)
    who = a_customer(phone=phone(PHONE_OF[magic.REPAYMENT_FAILS_THEN_SUCCEEDS])).id
    asked = [Collection(f"rep_{number}", who, 1, "CNY", None, "memo") for number in range(53)]
    said = [rail.collect(each) for each in asked]
    assert [each.status for each in said] == [
        RailStatus.CONFIRMED if number % 2 else RailStatus.FAILED for number in range(53)
    ]
    assert [rail.collect(each) for each in asked[-50:]] == said[-50:]
    assert {each.memo for each in said} == {"memo"}


def test_the_events_of_a_repayment_that_ends_a_plan(shop: Shop) -> None:
    bought = shop.buy(60_000, term=1)
    shop.platform.clock.advance_business(MONTH)
    due = shop.mine(f"plans/{bought['plan_id']}")["due_minor"]
    reply = shop.repay(due)
    events = {event.type: event for event in shop.platform.events()}
    assert sorted(events) == ["installment.paid", "plan.paid_off", "repayment.received"]
    assert events["installment.paid"].data["installments"] == [1]
    assert events["repayment.received"].data["repayment"] == reply.body
    assert {event.customer_id for event in events.values()} == {shop.customer_id}
    assert events["repayment.received"].merchant_id is None
