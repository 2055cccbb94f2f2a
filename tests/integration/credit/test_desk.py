"""Where a person decides: referrals, appeals, two persons over the threshold, and the replay of any decision."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.credit import replay
from functions.credit.desk import deadlines
from functions.customers import magic
from functions.platform.storage.action_index import hour_now
from functions.risk.events import page
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.integration.risk.test_paging import listening

SMALL = 240_000


def decide(shop: Shop, decision_id: str, what: str, *, by: str = "stf_1", roles: tuple[str, ...] = ("reviewer",),
           **body: object) -> Reply:  # fmt: skip
    token = shop.platform.staff_token(*roles, subject=by)
    return shop.api.post(f"/v1/decisions/{decision_id}/{what}", {"reason": "seen the payslips", **body}, token=token)


def claim(shop: Shop, decision_id: str, by: str = "stf_1", *roles: str) -> Reply:
    token = shop.platform.staff_token(*(roles or ("reviewer",)), subject=by)
    return shop.api.post(f"/v1/decisions/{decision_id}/claim", {}, token=token)


def read(shop: Shop, decision_id: str) -> Reply:
    reply = shop.api.get(f"/v1/decisions/{decision_id}", token=shop.platform.staff_token("reviewer"))
    assert reply.status == 200, reply.body
    return reply


def appeal(shop: Shop, **options: object) -> Reply:
    path = f"/v1/credit-applications/{shop.application['id']}/appeal"
    return shop.api.post(path, {"statement": "that default was settled"}, token=shop.customer, **options)


def referred(platform: Platform) -> tuple[Shop, str]:
    shop = a_shop(platform, magic.BUREAU_TIMES_OUT)
    assert shop.application["status"] == "referred"
    return shop, shop.application["id"]


def declined(platform: Platform) -> tuple[Shop, str]:
    shop = a_shop(platform, magic.DECLINED)
    assert shop.application["status"] == "declined"
    return shop, shop.application["id"]


def test_a_referral_waits_in_the_peoples_queue_with_its_deadline(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    token = platform.staff_token("reviewer")
    waiting = shop.api.get("/v1/decisions?queue=people", token=token)["data"]
    assert [(one["id"], one["work"]["kind"], one["work"]["due_on"]) for one in waiting] == [
        (decision_id, "referral", "2026-11-27")  # five working days after Sunday the 22nd
    ]
    assert shop.application["answer_due_on"] == "2026-11-27"


def test_there_is_no_other_queue(platform: Platform) -> None:
    shop = a_shop(platform)
    assert shop.api.get("/v1/decisions?queue=robots", token=platform.staff_token("reviewer")).status == 422


def test_every_decision_is_in_the_staff_list(platform: Platform) -> None:
    shop, other = a_shop(platform), a_shop(platform, magic.DECLINED)
    listed = shop.api.get("/v1/decisions", token=platform.staff_token("modeller"))["data"]
    assert {one["id"]: one["status"] for one in listed} == {
        shop.application["id"]: "approved",
        other.application["id"]: "declined",
    }


def test_a_person_approves_a_referral_and_the_line_opens(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    reply = decide(shop, decision_id, "approve", limit_minor=SMALL)
    assert (reply.status, reply["status"], reply["work"]["status"]) == (200, "approved", "closed")
    line = shop.line()
    assert (line["status"], line["limit_minor"], line["available_minor"]) == ("active", SMALL, SMALL)
    own = shop.api.get(f"/v1/credit-applications/{decision_id}", token=shop.customer)
    assert (own["status"], own["decided_by"], own["limit_minor"]) == ("approved", "person", SMALL)
    assert "credit_line.opened" in shop.settle()
    assert shop.api.get("/v1/decisions?queue=people", token=platform.staff_token("reviewer"))["data"] == []


def test_the_same_approval_again_opens_no_second_line(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    token, body = platform.staff_token("reviewer"), {"limit_minor": SMALL, "reason": "fine"}
    path = f"/v1/decisions/{decision_id}/approve"
    first = shop.api.post(path, body, token=token, key="one")
    again = shop.api.post(path, body, token=token, key="one")
    assert (again.status, again.body, again.replayed) == (200, first.body, True)
    assert decide(shop, decision_id, "approve", limit_minor=SMALL)["code"] == "decision_state"


def test_a_limit_over_the_threshold_needs_a_second_person(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    large = max(read(shop, decision_id)["carried_limits_minor"])
    assert large > 400_000
    proposed = decide(shop, decision_id, "approve", limit_minor=large)
    assert (proposed["status"], proposed["work"]["status"]) == ("referred", "proposed")
    assert decide(shop, decision_id, "approve", limit_minor=large)["code"] == "same_person"
    done = decide(shop, decision_id, "approve", by="stf_2", limit_minor=large)
    assert (done["status"], done["granted_limit_minor"]) == ("approved", large)
    assert shop.line()["limit_minor"] == large


def test_a_second_person_who_disagrees_gives_it_back(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    large = max(read(shop, decision_id)["carried_limits_minor"])
    decide(shop, decision_id, "approve", limit_minor=large)
    back = decide(shop, decision_id, "decline", by="stf_2")
    assert (back["status"], back["work"]["status"], back["work"]["proposal"]) == ("referred", "claimed", None)


def test_nobody_grants_what_income_does_not_carry(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    reply = decide(shop, decision_id, "approve", limit_minor=99_999_999)
    assert (reply.status, reply["code"]) == (409, "limit_not_carried")
    assert reply["carried_limits_minor"] == read(shop, decision_id)["carried_limits_minor"]


@pytest.mark.parametrize("author", ["modeller", "risk_admin"])
def test_who_writes_models_or_rules_judges_no_case(platform: Platform, author: str) -> None:
    shop, decision_id = referred(platform)
    reply = claim(shop, decision_id, "stf_1", "reviewer", author)
    assert (reply.status, reply["code"]) == (403, "author_may_not_decide")


def test_someone_elses_claim_is_respected(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    assert claim(shop, decision_id, "stf_1")["work"]["claimed_by"] == "stf_1"
    assert decide(shop, decision_id, "decline", by="stf_2")["code"] == "not_your_work"


def test_a_declined_applicant_appeals_and_a_person_answers(platform: Platform) -> None:
    shop, decision_id = declined(platform)
    reply = appeal(shop)
    assert (reply.status, reply["appealed"], reply["answer_due_on"]) == (201, True, "2026-12-04")
    shop.settle()
    waiting = shop.api.get("/v1/decisions?queue=people", token=platform.staff_token("reviewer"))["data"]
    assert [(one["id"], one["work"]["kind"]) for one in waiting] == [(decision_id, "appeal")]
    whole = read(shop, decision_id)
    assert whole["statement"] == "that default was settled"
    assert decide(shop, decision_id, "approve", limit_minor=min(whole["carried_limits_minor"]))["status"] == "approved"
    assert shop.line()["status"] == "active"


def test_the_words_of_an_appeal_are_nowhere_in_clear(platform: Platform) -> None:
    shop, _ = declined(platform)
    appeal(shop)
    assert "that default was settled" not in repr(platform.items())


def test_an_appeal_is_possible_for_thirty_days_and_once(platform: Platform) -> None:
    shop, _ = declined(platform)
    platform.clock.advance(timedelta(days=30))
    shop.customer = platform.customer_token(shop.customer_id)
    assert appeal(shop, key="appeal").status == 201
    assert appeal(shop, key="appeal").replayed
    assert appeal(shop)["code"] == "not_appealable"


def test_after_thirty_days_it_is_too_late(platform: Platform) -> None:
    shop, _ = declined(platform)
    platform.clock.advance(timedelta(days=31))
    shop.customer = platform.customer_token(shop.customer_id)
    reply = appeal(shop)
    assert (reply.status, reply["code"], reply["until_on"]) == (409, "appeal_too_late", "2026-12-22")


def test_an_approval_can_not_be_appealed(platform: Platform) -> None:
    assert appeal(a_shop(platform))["code"] == "not_appealable"


def test_who_declined_a_referral_does_not_judge_the_appeal(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    assert decide(shop, decision_id, "decline", by="stf_1")["status"] == "declined"
    assert appeal(shop).status == 201
    assert claim(shop, decision_id, "stf_1")["code"] == "own_decision"
    assert claim(shop, decision_id, "stf_2").status == 200


def test_a_decision_is_made_again_from_its_record_byte_for_byte(platform: Platform) -> None:
    shop = a_shop(platform)
    path = f"/v1/decisions/{shop.application['id']}/replay"
    reply = shop.api.post(path, {}, token=platform.staff_token("reviewer"), key=None)
    assert (reply.status, reply["identical"], reply["outcome"]) == (200, True, "approved")
    assert reply["record_sha256"] == read(shop, shop.application["id"])["record_sha256"]


def test_the_command_line_replays_a_stored_decision(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    shop = a_shop(platform)
    capsys.readouterr()
    assert replay.main([shop.application["id"]]) == 0
    assert json.loads(capsys.readouterr().out)["identical"] is True
    assert replay.main(["capp_00000000000000000000000000"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "not_found"


def test_a_person_decides_what_an_erased_or_unknown_id_names(platform: Platform) -> None:
    shop = a_shop(platform)
    assert claim(shop, shop.application["id"])["code"] == "decision_state"
    assert claim(shop, "capp_00000000000000000000000000").status == 404


def late(platform: Platform, days: int) -> list[dict[str, Any]]:
    """So many days later the sweep has been; the escalations told since."""
    platform.clock.advance_business(timedelta(days=days))
    platform.events()
    due = [
        (item["pk"]["S"], item["sk"]["S"]) for item in platform.items()
        if item["pk"]["S"].startswith("capp_") and item.get("gs", {}).get("S", "9") <= hour_now(platform.clock.now())
    ]  # fmt: skip
    told = deadlines.act(due, platform.clock.now())
    fresh = [event.to_dict() for event in platform.events()]
    assert told == len(fresh)
    return fresh


def levels(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["decision"]["work"]["late"] for event in events]


def test_a_referral_nobody_answers_is_escalated_twice_and_stands_first(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    assert late(platform, 5) == []  # Friday the 27th is its last day
    assert levels(late(platform, 1)) == ["overdue"]
    assert late(platform, 0) == []
    a_shop(platform, magic.BUREAU_TIMES_OUT)
    shop.settle()
    waiting = shop.api.get("/v1/decisions?queue=people", token=platform.staff_token("reviewer"))["data"]
    assert [one["work"]["late"] for one in waiting] == ["overdue", None]
    assert waiting[0]["work"]["notice_due_on"] == "2026-12-22"
    assert "notice_due" in levels(late(platform, 11 + 8))
    assert read(shop, decision_id)["work"]["late"] == "notice_due"


def test_an_answer_ends_the_clock_and_an_appeal_has_its_own(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    late(platform, 6)
    decide(shop, decision_id, "decline")
    assert late(platform, 30) == []
    appeal(shop)
    assert read(shop, decision_id)["work"]["late"] is None
    assert levels(late(platform, 20)) == ["overdue"]


def test_staff_are_paged_about_a_decision_that_waits_too_long(platform: Platform) -> None:
    shop, decision_id = referred(platform)
    url = listening(platform)
    [event] = late(platform, 6)
    body = json.dumps({"source": "whitenote", "detail-type": event["type"], "detail": event})
    assert page({"Records": [{"messageId": "1", "body": body}]}) == {"batchItemFailures": []}
    [said] = platform.drain(url)
    assert said["Subject"] == "Late referral: overdue"
    assert decision_id in said["Message"] and "2026-12-22" in said["Message"]
    assert shop.customer_id not in said["Message"]
