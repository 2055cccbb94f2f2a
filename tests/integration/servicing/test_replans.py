"""What is left over a new term: shown with its cost first, accepted as shown, once, kept, and in the books."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from tests.builders.lives import Life
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def late_plan(shop: Shop, amount_minor: int = 60_000, term: int = 3, days: int = 45) -> str:
    plan = str(shop.buy(amount_minor, term=term)["plan_id"])
    shop.platform.clock.advance_business(days * DAY)
    return plan


def quote(shop: Shop, plan: str, installments: int, **more: Any) -> Any:
    body = {"installments": installments, **more}
    return shop.api.post(f"/v1/me/plans/{plan}/replan/preview", body, token=shop.customer, key=None)


def accept(shop: Shop, plan: str, shown: Any, key: str = "fresh", **changes: Any) -> Any:
    body = {"quote": shown["quote"], "agreement_hash": shown["agreement_hash"], **changes}
    return shop.api.post(f"/v1/me/plans/{plan}/replan", body, token=shop.customer, key=key)


def test_cost_and_rate_are_shown_first_and_what_was_shown_is_what_becomes(shop: Shop) -> None:
    plan = late_plan(shop)
    before = shop.mine(f"plans/{plan}")
    assert (before["days_past_due"], before["replans_left"]) == (15, 1)
    shown = quote(shop, plan, 6)
    assert (shown.status, shown["needs_staff"], shown["replans_left"]) == (200, False, 0)
    assert shown["after"]["fee_minor"] - shown["before"]["fee_minor"] == shown["cost_minor"] > 0
    assert shown["after"]["total_minor"] == sum(row["total_minor"] for row in shown["schedule"])
    assert 0 < shown["after"]["apr_bps"] <= before["apr_bps"]
    assert hashlib.sha256(shown["document"].encode()).hexdigest() == shown["agreement_hash"]
    assert shop.mine(f"plans/{plan}").body == before.body
    done = accept(shop, plan, shown)
    assert (done.status, done["schedule"]) == (200, shown["schedule"])
    assert (done["days_past_due"], done["delinquency"], done["replans_left"]) == (0, "current", 0)
    assert done["outstanding_minor"] == before["outstanding_minor"]
    assert "plan.replanned" in shop.settle()


def test_the_changed_agreement_is_kept_beside_the_first(shop: Shop) -> None:
    plan = late_plan(shop)
    first = shop.mine(f"plans/{plan}/agreement")
    assert first["changes"] == []
    shown = quote(shop, plan, 6)
    accept(shop, plan, shown)
    now = shop.mine(f"plans/{plan}/agreement")
    assert (now["document"], now["hash"]) == (first["document"], first["hash"])
    [change] = now["changes"]
    assert (change["document"], change["hash"]) == (shown["document"], shown["agreement_hash"])
    assert (change["asked_by"], change["cost_minor"]) == ("customer", shown["cost_minor"])


def test_the_same_command_counts_once_and_the_plan_is_not_replanned_again(shop: Shop) -> None:
    plan = late_plan(shop)
    shown = quote(shop, plan, 6)
    first, again = (accept(shop, plan, shown, key="r") for _ in range(2))
    assert (first.status, again.status, again.replayed) == (200, 200, True)
    assert again["version"] == first["version"]
    more = quote(shop, plan, 9)
    assert (more.status, more["code"], more["replans_max"]) == (409, "replan_limit", 1)


def test_a_quote_that_does_not_stand_any_more_is_void(shop: Shop) -> None:
    plan, other = late_plan(shop, days=0), late_plan(shop)

    def refused(shown: Any, of: str = plan, **changes: Any) -> None:
        reply = accept(shop, of, shown, **changes)
        assert (reply.status, reply["code"]) == (409, "replan_quote_void")

    shown = quote(shop, plan, 6)
    refused(shown, other)
    refused(shown, agreement_hash="0" * 64)
    refused(shown, quote="x" + shown["quote"])
    shop.platform.clock.advance_business(DAY)
    refused(shown)
    shown = quote(shop, plan, 6)
    shop.repay(1_000, plan_id=plan)
    refused(shown)
    assert shop.mine(f"plans/{plan}")["replans_left"] == 1
    shop.customer = shop.platform.customer_token("cus_" + "0" * 26)
    assert (quote(shop, plan, 6).status, accept(shop, plan, shown).status) == (404, 404)


def test_terms_that_can_not_be_are_refused(shop: Shop) -> None:
    plan = late_plan(shop)
    for body, code in (
        ({"installments": 0}, "invalid"),
        ({"installments": 60}, "replan_refused"),
        ({"installments": 6, "first_due_on": "2026-02-31"}, "invalid"),
        ({"installments": 6, "first_due_on": "2020-01-01"}, "replan_refused"),
    ):
        reply = quote(shop, plan, **body)
        assert (reply.status, reply["code"]) == (422, code)


def test_a_longer_term_than_a_customer_may_take_alone_is_made_by_support(shop: Shop) -> None:
    plan = late_plan(shop)
    shown = quote(shop, plan, 12)
    assert shown["needs_staff"] is True
    alone = accept(shop, plan, shown)
    assert (alone.status, alone["code"]) == (409, "replan_needs_staff")
    asked = {"plan_id": plan, "installments": 12, "first_due_on": shown["first_due_on"]}
    wrong = adjust(shop, shown["cost_minor"] + 1, **asked)
    assert (wrong.status, wrong["code"], wrong["cost_minor"]) == (409, "replan_cost_changed", shown["cost_minor"])
    made = adjust(shop, shown["cost_minor"], **asked)
    assert (made.status, made["status"], made["first_due_on"]) == (201, "applied", shown["first_due_on"])
    assert shop.mine(f"plans/{plan}")["schedule"] == shown["schedule"]
    assert [each["asked_by"] for each in shop.mine(f"plans/{plan}/agreement")["changes"]] == ["staff"]


def test_more_than_a_year_takes_two_of_support(shop: Shop) -> None:
    plan = late_plan(shop)
    shown = quote(shop, plan, 24)
    asked = {"plan_id": plan, "installments": 24, "first_due_on": shown["first_due_on"]}
    made = adjust(shop, shown["cost_minor"], **asked)
    assert (made["status"], shop.mine(f"plans/{plan}")["replans_left"]) == ("proposed", 1)
    second = shop.platform.staff_token("support", subject="stf_2")
    done = shop.api.post(f"/v1/adjustments/{made['id']}/approve", {"reason": "agreed"}, token=second)
    assert (done["status"], shop.mine(f"plans/{plan}")["schedule"]) == ("applied", shown["schedule"])


def adjust(shop: Shop, amount: int, **more: Any) -> Any:
    body = {"kind": "replan", "amount_minor": amount, "currency": "CNY", "reason": "lost her job", **more}
    return shop.api.post("/v1/adjustments", body, token=shop.platform.staff_token("support"))


def test_the_books_tell_the_same_to_the_last_payment(shop: Shop) -> None:
    life = Life(shop, Random(1))
    plan = late_plan(shop, 120_000, 6, 75)
    shown = quote(shop, plan, 9)
    accept(shop, plan, shown)
    life.require_books()
    shop.platform.clock.advance_business(70 * DAY)
    due = shop.mine(f"plans/{plan}")["due_minor"]
    assert due > 0
    assert shop.repay(due)["status"] == "received"
    life.require_books()
    off = shop.api.post(f"/v1/me/plans/{plan}/payoff", {}, token=shop.customer)
    assert off["status"] == "received"
    assert shop.mine(f"plans/{plan}")["status"] == "paid_off"
    life.require_books()


def test_the_new_days_are_swept_and_the_old_ones_are_not(shop: Shop) -> None:
    from functions.servicing.plan_actions import act
    from tests.builders.servicing import message_states

    plan = late_plan(shop)
    act([(plan, "-")], shop.platform.clock.now())
    before = set(message_states(shop.platform))
    shown = quote(shop, plan, 6)
    accept(shop, plan, shown)
    first = date.fromisoformat(shown["first_due_on"])
    today = shop.platform.clock.now().date()
    shop.platform.clock.advance_business(first - today + 10 * DAY)
    act([(plan, "-")], shop.platform.clock.now())
    fresh = set(message_states(shop.platform)) - before
    numbers = {number for _, number, _ in fresh}
    new = [row["number"] for row in shown["schedule"] if row["due_on"] >= shown["first_due_on"]]
    assert numbers == {new[0]}
