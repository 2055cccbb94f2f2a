"""A living line: what people and the customer do with it, with reasons, two persons, and its identity kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.core.clock import isoformat
from functions.credit.upkeep import timers
from functions.platform.storage import keys
from functions.servicing.sweep import peek
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop


def a_line(platform: Platform, limit_minor: int = 480_000, *, agreed: bool = True) -> Shop:
    shop = a_shop(platform, limit_minor=limit_minor)
    if agreed:
        shop.api.put("/v1/me/consents", {"consents": {"limit_increase": True}}, token=shop.customer)
    return shop


def act(shop: Shop, what: str, *, by: str = "stf_1", role: str = "risk_admin", **body: object) -> Reply:
    token = shop.platform.staff_token(role, subject=by)
    sent = {"currency": "CNY", "reason": "looked at", **body}
    return shop.api.post(f"/v1/customers/{shop.customer_id}/credit-line/{what}", sent, token=token)


def holds(line: dict[str, object]) -> bool:
    return line["limit_minor"] == line["available_minor"] + line["held_minor"] + line["outstanding_minor"]  # type: ignore[operator]


def test_a_cut_is_done_at_once_and_told_with_its_reason(platform: Platform) -> None:
    shop = a_line(platform)
    shop.authorize(100_000)
    cut = act(shop, "adjust", limit_minor=300_000)
    assert (cut.status, cut["limit_minor"], cut["held_minor"]) == (200, 300_000, 100_000)
    line = shop.line()
    assert holds(line) and line["available_minor"] == 200_000
    change = line["changes"][0]
    assert (change["kind"], change["code"], change["before_minor"], change["after_minor"], change["by"]) == (
        "cut", "staff_cut", 480_000, 300_000, "staff",
    )  # fmt: skip
    assert change["text_en"] and change["text_zh"]
    [told] = [event for event in platform.events() if event.type == "credit_line.changed"]
    assert told.customer_id == shop.customer_id
    assert {name: told.data["change"][name] for name in ("kind", "code", "before_minor", "after_minor")} == {
        "kind": "cut", "code": "staff_cut", "before_minor": 480_000, "after_minor": 300_000,
    }  # fmt: skip


def test_the_customer_never_reads_who_or_the_persons_words(platform: Platform) -> None:
    shop = a_line(platform)
    act(shop, "adjust", limit_minor=300_000, by="stf_secret", reason="neighbour complained")
    assert "stf_secret" not in repr(shop.line()) and "neighbour" not in repr(shop.line())


def test_a_limit_never_goes_under_what_is_promised(platform: Platform) -> None:
    shop = a_line(platform)
    shop.authorize(100_000)
    reply = act(shop, "adjust", limit_minor=99_999)
    assert (reply.status, reply["code"], reply["committed_minor"]) == (422, "limit_below_committed", 100_000)


def test_a_small_raise_needs_consent_and_a_reason_only(platform: Platform) -> None:
    shop = a_line(platform, agreed=False)
    assert act(shop, "adjust", limit_minor=600_000)["code"] == "raise_not_agreed"
    shop.api.put("/v1/me/consents", {"consents": {"limit_increase": True}}, token=shop.customer)
    assert act(shop, "adjust", limit_minor=600_000)["limit_minor"] == 600_000
    assert act(shop, "adjust", limit_minor=610_000, reason="")["code"] == "invalid"


def test_a_raise_that_income_does_not_carry_is_refused(platform: Platform) -> None:
    shop = a_line(platform)
    reply = act(shop, "adjust", limit_minor=90_000_000)
    assert (reply.status, reply["code"]) == (409, "income_does_not_carry")


def test_a_large_raise_waits_for_a_second_person(platform: Platform) -> None:
    shop = a_line(platform)
    proposed = act(shop, "adjust", limit_minor=1_000_000)
    assert (proposed["limit_minor"], proposed["proposal"]["limit_minor"]) == (480_000, 1_000_000)
    assert act(shop, "confirm")["code"] == "same_person"
    done = act(shop, "confirm", by="stf_2")
    assert (done["limit_minor"], done["proposal"]) == (1_000_000, None)
    assert done["changes"][0]["by"] == "stf_1 stf_2"
    assert act(shop, "confirm", by="stf_2")["code"] == "nothing_proposed"


def test_a_proposal_that_nobody_confirms_lapses(platform: Platform) -> None:
    shop = a_line(platform)
    act(shop, "adjust", limit_minor=1_000_000)
    platform.clock.advance(timedelta(days=7))
    assert act(shop, "confirm", by="stf_2")["code"] == "nothing_proposed"


def test_a_frozen_line_refuses_purchases_until_it_is_lifted(platform: Platform) -> None:
    shop = a_line(platform)
    frozen = act(shop, "freeze", role="support")
    assert (frozen["status"], frozen["frozen_reason"], frozen["frozen_by"]) == ("frozen", "staff_freeze", "stf_1")
    assert act(shop, "freeze")["code"] == "line_state"
    assert act(shop, "adjust", limit_minor=600_000)["code"] == "line_state"
    lifted = act(shop, "lift")
    assert (lifted["status"], lifted["frozen_reason"]) == ("active", None)
    assert [change["kind"] for change in shop.line()["changes"]] == ["lift", "freeze"]
    assert {"credit_line.lifted"} <= set(shop.settle())


def test_support_may_freeze_and_not_lift(platform: Platform) -> None:
    shop = a_line(platform)
    act(shop, "freeze", role="support")
    assert act(shop, "lift", role="support").status == 403


def test_a_freeze_with_an_end_ends_by_itself(platform: Platform) -> None:
    shop = a_line(platform)
    until = platform.clock.now() + timedelta(days=2)
    frozen = act(shop, "freeze", until=isoformat(until))
    assert frozen["frozen_until"] == isoformat(until)
    platform.clock.advance_business(timedelta(days=2, hours=1))
    due = [key for key in peek(platform.clock.now(), 100) or [] if key[0].startswith("lim_")]
    timers.act(due, platform.clock.now())
    line = shop.line()
    assert (line["status"], line["changes"][0]["code"]) == ("active", "thawed")
    assert [key for key in peek(platform.clock.now(), 100) or [] if key[0].startswith("lim_")] == []


@pytest.mark.parametrize("until", ["2026-11-22T07:59:59Z", "9999-12-31T23:59:59.999Z"])
def test_a_freeze_ends_after_now_and_within_two_years(platform: Platform, until: str) -> None:
    reply = act(a_line(platform), "freeze", until=until)
    assert (reply.status, reply["code"]) == (422, "freeze_end")


def test_a_freeze_lifted_by_hand_leaves_no_timer_behind(platform: Platform) -> None:
    shop = a_line(platform)
    act(shop, "freeze", until=isoformat(platform.clock.now() + timedelta(days=2)))
    act(shop, "lift")
    platform.clock.advance_business(timedelta(days=3))
    assert [key for key in peek(platform.clock.now(), 100) or [] if key[0].startswith("lim_")] == []


def test_a_customer_freezes_the_own_line_and_staff_lift_it(platform: Platform) -> None:
    shop = a_line(platform)
    reply = shop.api.post("/v1/me/freeze", {}, token=shop.customer)
    assert (reply.status, reply["status"], reply["changes"][0]["by"]) == (200, "frozen", "customer")
    assert act(shop, "lift")["status"] == "active"


def test_the_same_command_again_changes_nothing_more(platform: Platform) -> None:
    shop = a_line(platform)
    path, token = f"/v1/customers/{shop.customer_id}/credit-line/adjust", platform.staff_token("risk_admin")
    body = {"currency": "CNY", "limit_minor": 300_000, "reason": "once"}
    first = shop.api.post(path, body, token=token, key="k")
    again = shop.api.post(path, body, token=token, key="k")
    assert again.replayed and again.body == first.body
    assert len(shop.line()["changes"]) == 1
    assert shop.api.post(path, {**body, "limit_minor": 1}, token=token, key="k")["code"] == "idempotency_key_reused"


def test_proven_income_counts_and_is_kept_sealed(platform: Platform) -> None:
    shop = a_line(platform)
    body = {"currency": "CNY", "income_minor": 1_234_567, "expenses_minor": 222_222, "debts_minor": 0}
    reply = shop.api.put("/v1/me/income", body, token=shop.customer)
    assert (reply.status, reply["status"], reply["income_minor"]) == (200, "verified", 1_234_567)
    assert "1234567" not in repr(platform.items())


@pytest.mark.parametrize(("currency", "status"), [("USD", 404), ("XXX", 422)])
def test_income_belongs_to_a_line(platform: Platform, currency: str, status: int) -> None:
    shop = a_line(platform)
    body = {"currency": currency, "income_minor": 1, "expenses_minor": 0, "debts_minor": 0}
    assert shop.api.put("/v1/me/income", body, token=shop.customer).status == status


def test_staff_read_what_the_customer_reads_and_more(platform: Platform) -> None:
    shop = a_line(platform)
    path = f"/v1/customers/{shop.customer_id}/credit-line"
    seen = shop.api.get(path, token=platform.staff_token("support"))
    assert (seen["limit_minor"], seen["statements"], seen["customer_id"]) == (480_000, 0, shop.customer_id)
    assert shop.api.get(path + "?currency=USD", token=platform.staff_token("support")).status == 404


def test_the_index_is_the_only_place_a_line_waits_in(platform: Platform) -> None:
    a_line(platform)
    assert all(
        item.get("gk", {}).get("S") != keys.action_hour(0) for item in platform.items() if "lim_" in item["pk"]["S"]
    )
