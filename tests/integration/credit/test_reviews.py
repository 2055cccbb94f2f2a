"""Limits move by themselves: statements feed the review, the review moves the line, the customer hears why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from functions.core.calendar import add_months
from functions.credit.deciding.facts import BureauResult
from functions.credit.models.events import assess, weigh
from functions.credit.upkeep import timers
from functions.credit.upkeep.store import load_file
from functions.customers import magic
from functions.customers.service import contact_of
from functions.messaging.aws import note_mail_event
from functions.platform.bus.stream import dumps
from functions.platform.storage import keys
from functions.servicing.events import on_message
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.builders.statements import FIRST_CUT, issued
from tests.integration.credit.test_lines import a_line, act, holds


def live_to(shop: Shop, month: int) -> None:
    """Business time moves to the day after the cut of a month."""
    at = datetime.combine(add_months(FIRST_CUT, month - 1) + timedelta(days=1), time(12), UTC)
    shop.platform.clock.advance_business(at - shop.platform.clock.now())


def months(shop: Shop, first: int, last: int, **figures: int) -> None:
    for month in range(first, last + 1):
        live_to(shop, month)
        weigh(issued(shop, month, **{"bill_minor": 200_000, "due_minor": 50_000, "paid_minor": 50_000, **figures}))


def test_half_a_year_of_paying_on_time_raises_a_used_line_by_a_fifth_at_most(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 6)
    assert shop.line()["limit_minor"] == 480_000  # the sixth on-time payment shows at the seventh cut
    months(shop, 7, 7)
    line = shop.line()
    assert 480_000 < line["limit_minor"] <= 576_000 and holds(line)
    assert (line["changes"][0]["code"], line["changes"][0]["by"]) == ("good_standing", "policy")


def test_nobody_is_given_more_who_has_not_agreed_to_it(platform: Platform) -> None:
    shop = a_line(platform, agreed=False)
    months(shop, 1, 8)
    assert shop.line()["limit_minor"] == 480_000


def test_a_review_from_the_third_statement_on_has_a_score(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 2)
    assert load_file(shop.customer_id, "CNY").review["points"] is None
    months(shop, 3, 3)
    review = load_file(shop.customer_id, "CNY").review
    assert review["points"] > 500 and review["model_version"].startswith("behavior-")


def test_a_late_payment_cuts_and_a_later_one_freezes_and_paying_up_lifts(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 1)
    months(shop, 2, 2, days_past_due=12, paid_minor=0)
    assert shop.line()["limit_minor"] == 384_000
    months(shop, 3, 3, days_past_due=43, paid_minor=0)
    frozen = shop.line()
    assert (frozen["status"], frozen["frozen_reason"], frozen["available_minor"]) == ("frozen", "delinquency_frozen", 0)
    months(shop, 4, 4, bill_minor=0, due_minor=0)
    line = shop.line()
    assert (line["status"], line["changes"][0]["code"], line["limit_minor"]) == ("active", "paid_up", 0)
    assert [change["code"] for change in line["changes"]] == ["paid_up", "delinquency_frozen", "M1"]


def test_what_is_held_and_owed_survives_every_cut(platform: Platform) -> None:
    shop = a_line(platform)
    shop.authorize(100_000)
    months(shop, 1, 1, days_past_due=45)
    line = shop.line()
    assert holds(line) and (line["limit_minor"], line["held_minor"]) == (100_000, 100_000)


def test_the_same_statement_twice_is_one_statement_and_one_review(platform: Platform) -> None:
    shop = a_line(platform)
    live_to(shop, 1)
    event = issued(shop, 1, bill_minor=1000, days_past_due=5)
    weigh(event)
    weigh(event)
    file = load_file(shop.customer_id, "CNY")
    assert (file.statements, len(shop.line()["changes"])) == (1, 1)


def test_a_statement_that_comes_late_takes_its_place_in_time(platform: Platform) -> None:
    shop = a_line(platform)
    live_to(shop, 3)
    for month in (1, 3, 2):
        weigh(issued(shop, month, bill_minor=month * 1000))
    cuts = load_file(shop.customer_id, "CNY").cuts
    assert [cut.cut_on for cut in cuts] == [date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]


def test_a_month_without_a_statement_was_a_month_without_a_balance(platform: Platform) -> None:
    shop = a_line(platform)
    live_to(shop, 4)
    weigh(issued(shop, 1, bill_minor=1000))
    weigh(issued(shop, 4, bill_minor=1000))
    file = load_file(shop.customer_id, "CNY")
    assert [(cut.cut_on.month, cut.bill_minor) for cut in file.cuts] == [(12, 1000), (1, 0), (2, 0), (3, 1000)]
    assert file.statements == 2


class WorseBureau:
    """A bureau that has learned of a default."""

    sandbox = True

    def report(self, document_number: str, currency: str) -> BureauResult:
        return BureauResult("hit", open_defaults=1, source="test")


def test_a_default_reported_elsewhere_cuts_at_the_next_review(platform: Platform) -> None:
    shop = a_shop(platform, None, 480_000)
    assert shop.application["status"] == "approved"
    platform.box._ports["credit_bureau"] = WorseBureau()
    before = shop.line()["limit_minor"]
    months(shop, 1, 1)
    line = shop.line()
    assert (line["changes"][0]["code"], line["limit_minor"]) == ("bureau", before * 7 // 10)
    months(shop, 2, 2)
    assert len(shop.line()["changes"]) == 1  # it is known now


def test_staff_have_a_line_reviewed_on_demand(platform: Platform) -> None:
    shop = a_line(platform)
    path = f"/v1/customers/{shop.customer_id}/credit-line/review"
    reply = shop.api.post(path, {"currency": "CNY"}, token=platform.staff_token("reviewer"))
    assert (reply.status, reply["last_review"]["statements"], reply["last_review"]["change"]) == (200, 0, None)


def test_a_temporary_limit_lies_on_top_until_its_last_day(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 3)
    until = add_months(FIRST_CUT, 2) + timedelta(days=30)
    granted = act(shop, "temporary", extra_minor=100_000, until_on=until.isoformat())
    assert (granted["limit_minor"], granted["base_limit_minor"]) == (580_000, 480_000)
    assert shop.line()["temporary_limit"] == {"extra_minor": 100_000, "until_on": until.isoformat()}
    platform.clock.advance_business(timedelta(days=28))
    sweep_lines(platform)
    assert shop.line()["limit_minor"] == 580_000
    platform.clock.advance_business(timedelta(days=2))
    sweep_lines(platform)
    line = shop.line()
    assert (line["limit_minor"], line["temporary_limit"], line["changes"][0]["code"]) == (
        480_000,
        None,
        "temporary_end",
    )
    assert holds(line)


def test_a_temporary_limit_needs_a_score_and_stays_within_bounds(platform: Platform) -> None:
    shop = a_line(platform)
    until = (platform.clock.now() + timedelta(days=10)).date().isoformat()
    assert act(shop, "temporary", extra_minor=1000, until_on=until)["code"] == "temporary_limit_refused"
    months(shop, 1, 3)
    until = (platform.clock.now() + timedelta(days=10)).date().isoformat()
    assert act(shop, "temporary", extra_minor=144_001, until_on=until)["code"] == "temporary_limit_refused"


def sweep_lines(platform: Platform) -> None:
    condition_hour = platform.clock.now().strftime("%Y-%m-%dT%H")
    due = [
        (item["pk"]["S"], item["sk"]["S"])
        for item in platform.items()
        if item.get("gk", {}).get("S") == keys.action_hour(0) and item["gs"]["S"] <= condition_hour
        and item["pk"]["S"].startswith("lim_")
    ]  # fmt: skip
    timers.act(due, platform.clock.now())


def test_the_customer_is_told_why_once_per_change(platform: Platform) -> None:
    shop = a_line(platform)
    act(shop, "adjust", limit_minor=300_000)
    events = [event.to_dict() for event in platform.events() if event.type == "credit_line.changed"]
    for event in [*events, *events]:
        on_message({"source": "whitenote", "detail-type": event["type"], "detail": event})
    [sent] = [item for item in platform.items() if item["pk"]["S"].startswith("sent#")]
    assert "¥4,800.00" in repr(sent) and "¥3,000.00" in repr(sent) and "人工审核" in repr(sent)


def test_what_changes_at_night_is_told_in_the_morning(platform: Platform) -> None:
    shop = a_line(platform)
    platform.clock.advance_business(timedelta(hours=8))  # midnight in Shanghai, when the sweep cuts who is late
    act(shop, "adjust", limit_minor=300_000)
    [event] = [event.to_dict() for event in platform.events() if event.type == "credit_line.changed"]
    on_message({"source": "whitenote", "detail-type": event["type"], "detail": event})
    [waiting] = [item for item in platform.items() if item["pk"]["S"].startswith("msg_")]
    assert waiting["gs"]["S"] == "2026-11-23T01"
    platform.clock.advance_business(timedelta(hours=9))
    on_message({"kind": "message", "id": waiting["pk"]["S"]})
    assert len([item for item in platform.items() if item["pk"]["S"].startswith("sent#")]) == 1


def test_a_line_is_not_told_of_to_an_address_that_mail_came_back_from(platform: Platform) -> None:
    shop = a_line(platform)
    act(shop, "adjust", limit_minor=300_000)
    [event] = [event.to_dict() for event in platform.events() if event.type == "credit_line.changed"]
    gone = [{"emailAddress": "mei@example.com"}]
    note_mail_event(platform.box, {"mail": {}, "eventType": "Complaint", "complaint": {"complainedRecipients": gone}})
    contact = replace(contact_of(shop.customer_id), email="mei@example.com")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("functions.credit.upkeep.notices.contact_of", lambda _: contact)
        on_message({"source": "whitenote", "detail-type": event["type"], "detail": event})
    [sent] = [item for item in platform.items() if item["pk"]["S"].startswith("sent#")]
    assert sent["ch"]["S"] == "sms"


def test_an_applicant_is_told_that_a_person_has_answered(platform: Platform) -> None:
    shop = a_shop(platform, magic.BUREAU_TIMES_OUT)
    token = platform.staff_token("reviewer")
    shop.api.post(f"/v1/decisions/{shop.application['id']}/decline", {"reason": "no"}, token=token)
    [event] = [event.to_dict() for event in platform.events() if event.type == "credit_application.reconsidered"]
    on_message({"source": "whitenote", "detail-type": event["type"], "detail": event})
    assert any("人工审核" in repr(item) for item in platform.items() if item["pk"]["S"].startswith("sent#"))


def test_a_batch_with_a_broken_message_loses_only_that_one(platform: Platform) -> None:
    shop = a_line(platform)
    live_to(shop, 1)
    good = {"detail": issued(shop, 1, bill_minor=1000)}
    records = [{"messageId": "good", "body": dumps(good)}, {"messageId": "bad", "body": "{}"}]
    assert assess({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert load_file(shop.customer_id, "CNY").statements == 1
