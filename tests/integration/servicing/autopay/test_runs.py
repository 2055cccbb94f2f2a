"""Autopay: on the due day, from the account of the mandate, tried by schedule, each attempt collected once."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.core.errors import UnavailableError
from functions.servicing.autopay.store import RunItem
from functions.servicing.sandbox import SandboxPaymentRail
from functions.servicing.sweep import do_page, page
from tests.builders.autopay import CLOSED, FAILS, FAILS_ONCE, TIMES_OUT, TWICE, allow, an_account, sweep_until
from tests.builders.platform import Platform
from tests.builders.rail import listen
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def due_noon(bought: Any, number: int = 1) -> datetime:
    """Noon of an installment's due day where the customer is."""
    on = date.fromisoformat(bought["schedule"][number - 1]["due_on"])
    return datetime.combine(on, time(12), ZoneInfo("Asia/Shanghai"))


def runs(shop: Shop) -> list[RunItem]:
    found = [RunItem.from_raw_data(raw) for raw in shop.platform.items() if raw["pk"]["S"].startswith("apay_")]
    return sorted(found, key=lambda run: run.due)


def test_what_falls_due_is_collected_in_the_morning_of_its_day_from_the_named_account(shop: Shop) -> None:
    name = an_account(shop)
    allow(shop, name)
    bought = shop.buy(120_000, term=6)
    asked = listen(shop.platform)
    told = sweep_until(shop, due_noon(bought))
    [collection] = asked
    assert (collection.amount_minor, collection.instrument) == (bought["schedule"][0]["total_minor"], name)
    assert collection.account == "6200000000000001"
    assert "6200000000000001" not in repr(collection)
    assert told.count("repayment.received") == 1
    assert shop.mine(f"plans/{bought['plan_id']}")["schedule"][0]["paid_minor"] == collection.amount_minor
    [run] = runs(shop)
    assert (run.state, run.reason, run.hour) == ("ended", "received", None)


def test_two_plans_due_on_a_day_are_one_collection(shop: Shop) -> None:
    allow(shop, an_account(shop))
    one, two = shop.buy(30_000, term=3), shop.buy(60_000, term=6)
    asked = listen(shop.platform)
    sweep_until(shop, due_noon(one))
    [collection] = asked
    assert collection.amount_minor == one["schedule"][0]["total_minor"] + two["schedule"][0]["total_minor"]


def test_nobody_is_reminded_on_the_day_of_what_the_morning_has_collected(shop: Shop) -> None:
    allow(shop, an_account(shop))
    bought = shop.buy(30_000, term=1)
    told = sweep_until(shop, due_noon(bought))
    steps = told.count("reminder.requested")
    assert steps == 3  # a week, three days and a day before
    assert sweep_until(shop, due_noon(bought) + 9 * DAY).count("reminder.requested") == 0


def test_without_a_mandate_nothing_is_collected(shop: Shop) -> None:
    an_account(shop)
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    sweep_until(shop, due_noon(bought))
    assert asked == []
    assert runs(shop) == []


def test_a_mandate_taken_back_before_the_attempt_ends_the_run(shop: Shop) -> None:
    allow(shop, an_account(shop))
    bought = shop.buy(30_000, term=1)
    sweep_until(shop, due_noon(bought) - timedelta(hours=9))
    shop.api.put("/v1/me/autopay", {"enabled": False}, token=shop.customer)
    asked = listen(shop.platform)
    sweep_until(shop, due_noon(bought))
    assert asked == []
    assert [run.reason for run in runs(shop)] == ["no_mandate"]


def test_what_was_paid_by_hand_before_is_not_collected(shop: Shop) -> None:
    allow(shop, an_account(shop))
    bought = shop.buy(30_000, term=1)
    sweep_until(shop, due_noon(bought) - timedelta(hours=9))
    shop.repay(30_000)
    shop.settle()
    asked = listen(shop.platform)
    sweep_until(shop, due_noon(bought))
    assert asked == []
    assert [run.reason for run in runs(shop)] == ["nothing_due"]


def test_the_mandates_limit_is_the_most_that_is_asked(shop: Shop) -> None:
    allow(shop, an_account(shop), limit_minor=12_345)
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    sweep_until(shop, due_noon(bought))
    assert [each.amount_minor for each in asked] == [12_345]


def test_insufficient_funds_are_tried_again_by_schedule_and_then_given_up_with_a_notice(shop: Shop) -> None:
    allow(shop, an_account(shop, FAILS))
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    told = sweep_until(shop, due_noon(bought) + 20 * DAY)
    assert (told.count("repayment.failed"), told.count("autopay.failed")) == (4, 1)
    assert len({each.reference for each in asked}) == len(asked) == 4
    late = [each.amount_minor - 30_000 for each in asked]
    assert late[:3] == [0, 0, 0]  # within the grace
    assert late[3] > 0
    [run] = runs(shop)
    assert (run.state, run.reason, run.attempt) == ("ended", "insufficient_funds", 3)


def test_an_account_that_fails_first_pays_at_the_second_try(shop: Shop) -> None:
    allow(shop, an_account(shop, FAILS_ONCE))
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    told = sweep_until(shop, due_noon(bought) + 20 * DAY)
    assert len(asked) == 2
    assert (told.count("repayment.failed"), told.count("repayment.received"), told.count("autopay.failed")) == (1, 1, 0)
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"


def test_a_closed_account_is_not_asked_again(shop: Shop) -> None:
    allow(shop, an_account(shop, CLOSED))
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    told = sweep_until(shop, due_noon(bought) + 20 * DAY)
    assert (len(asked), told.count("autopay.failed")) == (1, 1)
    assert [run.reason for run in runs(shop)] == ["account_closed"]


def test_a_rail_that_does_not_answer_is_asked_for_the_same_again_and_collects_once(shop: Shop) -> None:
    allow(shop, an_account(shop, TIMES_OUT))
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    told = sweep_until(shop, due_noon(bought) + DAY)
    assert len({each.reference for each in asked}) == 1
    assert len(asked) == 2
    assert told.count("repayment.received") == 1
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"


def test_money_on_its_way_that_is_confirmed_twice_counts_once(shop: Shop) -> None:
    allow(shop, an_account(shop, TWICE))
    bought = shop.buy(30_000, term=1)
    asked = listen(shop.platform)
    told = sweep_until(shop, due_noon(bought) + 3 * DAY)
    assert len(asked) == 1
    assert (told.count("repayment.received"), told.count("autopay.failed")) == (1, 0)
    assert shop.balance() == 0
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"
    assert [run.reason for run in runs(shop)] == ["received"]


def due_a_day_apart(shop: Shop) -> datetime:
    """Two plans, of 100.00 and of 50.00; midnight of the second's due day."""
    shop.buy(10_000, term=1)
    shop.platform.clock.advance_business(DAY)
    return due_noon(shop.buy(5_000, term=1)) - timedelta(hours=12)


def test_what_is_on_its_way_for_one_due_day_is_not_asked_for_again_on_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxPaymentRail, "_call_back", lambda *_: None)  # a bank that takes its days
    allow(shop, an_account(shop, TWICE))
    midnight = due_a_day_apart(shop)
    asked = listen(shop.platform)
    sweep_until(shop, midnight + 3 * DAY)
    assert sorted({each.reference: each.amount_minor for each in asked}.values()) == [5_000, 10_000]


def test_two_runs_of_an_hour_collect_what_is_due_once(shop: Shop) -> None:
    allow(shop, an_account(shop, FAILS))
    midnight = due_a_day_apart(shop)
    sweep_until(shop, midnight + timedelta(hours=1))
    allow(shop, an_account(shop))
    shop.platform.clock.advance_business(midnight + timedelta(hours=9) - shop.platform.clock.now())
    both, begun = [(run.pk, run.sk) for run in runs(shop)], []

    def meanwhile() -> None:
        if not begun:
            begun.append(True)
            do_page(page(both[1:], shop.platform.clock.now()))

    asked = listen(shop.platform, meanwhile)
    do_page(page(both[:1], shop.platform.clock.now()))
    sweep_until(shop, midnight + 2 * DAY)
    assert begun
    assert sum({each.reference: each.amount_minor for each in asked}.values()) == 15_000
    assert (shop.balance(), shop.line()["outstanding_minor"]) == (0, 0)


def test_an_hour_swept_twice_begins_one_run_and_asks_once(shop: Shop) -> None:
    allow(shop, an_account(shop))
    bought = shop.buy(30_000, term=1)
    sweep_until(shop, due_noon(bought) - timedelta(hours=9))
    [run] = runs(shop)
    asked = listen(shop.platform)
    shop.platform.clock.advance_business(due_noon(bought) - shop.platform.clock.now())
    both = page([(run.pk, run.sk), (bought["plan_id"], "-")], shop.platform.clock.now())
    do_page(both)
    do_page(both)
    assert len(asked) == len(runs(shop)) == 1


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
def test_dying_between_the_rail_and_our_own_write_collects_once(shop: Shop, lost: bool) -> None:
    allow(shop, an_account(shop))
    bought = shop.buy(30_000, term=1)
    sweep_until(shop, due_noon(bought) - timedelta(hours=9))
    [run] = runs(shop)
    shop.platform.clock.advance_business(due_noon(bought) - shop.platform.clock.now())

    def die() -> None:
        raise ConnectionError

    asked = listen(shop.platform, die)
    with pytest.raises(ConnectionError):
        do_page(page([(run.pk, run.sk)], shop.platform.clock.now()))
    shop.platform.box._ports.clear()
    again = listen(shop.platform)
    with shop.platform.failing("TransactWriteItems", times=1, lost=lost), pytest.raises(UnavailableError):
        do_page(page([(run.pk, run.sk)], shop.platform.clock.now()))
    do_page(page([(run.pk, run.sk)], shop.platform.clock.now()))
    assert {each.reference for each in asked + again} == {asked[0].reference}
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"
    assert shop.balance() == 0
