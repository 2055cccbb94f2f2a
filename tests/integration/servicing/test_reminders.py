"""Reminders from plan to reader: each step once, in the right words, at the right hour, none after payment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.core.clock import OffsetClock, isoformat, local_date
from functions.lending.plans.balance_store import plan_balance_change
from functions.lending.plans.next_action import SEGMENTS
from functions.messaging.sandbox import SandboxChannel
from functions.messaging.service import LEASE, id_of
from functions.platform.container import container
from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage import keys
from functions.platform.storage.transactions import Put, WriteSet, commit
from functions.servicing import clock, events, sweep
from functions.servicing.clock import advance, progress
from functions.servicing.reminder_service import prefer, preference_of
from functions.servicing.reminders import TOPIC, Preference, Step
from tests.builders.machine import Machine, sandbox_time
from tests.builders.messaging import FakeChannel, Killed, raising
from tests.builders.platform import START, Platform
from tests.builders.servicing import (
    a_debtor,
    a_shop_named,
    change,
    message_states,
    pay_off,
    sandbox_log,
    stored_plan,
)
from tests.builders.shop import all_api

DAY = timedelta(days=1)
STEPS = [f"T{days:+d}" if days else "T" for days in SEGMENTS["standard"].steps]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
def wall(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(clock, "POLLS", 1)
    return sandbox_time(platform)


def run_to(platform: Platform, at: datetime, **how: Any) -> Machine:
    machine = Machine(platform, **how)
    advance(at)
    machine.run()
    assert progress().now == at
    return machine


@pytest.mark.parametrize("how", [{}, {"copies": 2, "shuffle": 1}], ids=["kindly", "twice and shuffled"])
def test_every_step_is_sent_once_in_order_at_its_local_hour(platform: Platform, how: dict[str, int]):
    plan = stored_plan(platform, a_debtor(platform), count=1)
    run_to(platform, START + 38 * DAY, **how)
    log = sandbox_log(platform)
    assert [(sent.number, sent.step) for sent in log] == [(1, step) for step in STEPS]
    for sent in log:
        days = SEGMENTS["standard"].steps[STEPS.index(sent.step)]
        here = sent.at.astimezone(SHANGHAI)
        assert here.date() == plan.plan().rows[sent.number - 1].due_on + timedelta(days=days)
        assert here.hour == SEGMENTS["standard"].send_hour


def test_texts_carry_amount_day_count_and_merchant_in_chinese_and_english(platform: Platform):
    merchant = a_shop_named(platform, "Corner Electronics")
    chinese = stored_plan(platform, a_debtor(platform), merchant_id=merchant, segment="steady")
    english = stored_plan(
        platform,
        a_debtor(platform, language="en", zone="Europe/Berlin"),
        merchant_id=merchant,
        zone="Europe/Berlin",
        segment="steady",
    )
    run_to(platform, START + 38 * DAY)
    texts = {(sent.plan, sent.step): sent.text for sent in sandbox_log(platform) if sent.number == 1}
    assert (
        "您在 Corner Electronics 的消费的第 1 期(共 3 期)将于 2026年12月22日到期,还有 1 天。"
        in texts[chinese.pk, "T-1"]
    )
    assert "应还金额:¥100.00" in texts[chinese.pk, "T-1"]
    assert (
        "Installment 1 of 3 for your purchase at Corner Electronics is due on December 22, 2026, tomorrow."
        in texts[english.pk, "T-1"]
    )
    assert "Amount due: CN¥100.00" in texts[english.pk, "T"]
    assert "is due today, December 22, 2026" in texts[english.pk, "T"]
    # 100.00 × 0.05 % × 4 days after the three of grace
    assert "was due on December 22, 2026, 7 days ago" in texts[english.pk, "T+7"]
    assert "Amount due: CN¥100.20" in texts[english.pk, "T+7"]
    assert all(f"{platform.settings.public_url}/me" in text for text in texts.values())


def test_an_order_of_a_sensitive_kind_names_no_merchant(platform: Platform):
    merchant = a_shop_named(platform, "Bright Smile Clinic")
    stored_plan(platform, a_debtor(platform), merchant_id=merchant, category="health")
    run_to(platform, START + 24 * DAY)
    (sent,) = sandbox_log(platform)
    assert "Bright Smile" not in sent.text
    assert "第 1 期" in sent.text


@pytest.mark.parametrize(("ahead", "asked"), [(10_000, None), (4_000, "60.00")], ids=["all of it", "a part"])
def test_who_paid_ahead_is_asked_for_no_more_than_the_rest(platform: Platform, ahead: int, asked: str | None):
    owner = a_debtor(platform)
    stored_plan(platform, owner)
    commit(platform.tables, plan_balance_change(owner.id, "CNY", ahead, START))
    run_to(platform, START + 29 * DAY)
    log = sandbox_log(platform)
    assert [sent.step for sent in log] == (["T-7", "T-3", "T-1"] if asked else [])
    assert all(f"¥{asked}" in sent.text for sent in log)


def test_after_payment_nothing_more_is_sent(platform: Platform):
    plan = stored_plan(platform, a_debtor(platform), count=1)
    run_to(platform, START + 25 * DAY)
    assert [sent.step for sent in sandbox_log(platform)] == ["T-7"]
    pay_off(platform, plan.pk, local_date(progress().now, "Asia/Shanghai"))
    run_to(platform, START + 60 * DAY)
    assert [sent.step for sent in sandbox_log(platform)] == ["T-7"]


def ask_for_first_step(platform: Platform, plan: Any) -> datetime:
    """T−7 of installment 1 is asked for, and not sent yet."""
    day = plan.plan().rows[0].due_on - timedelta(days=7)
    at = datetime(day.year, day.month, day.day, 10, tzinfo=SHANGHAI).astimezone(UTC)
    sweep.do_page({"kind": "page", "at": isoformat(at), "keys": [[plan.pk, "-"]]})
    return at


def test_paid_between_asking_and_sending_is_not_sent(platform: Platform):
    plan = stored_plan(platform, a_debtor(platform), count=1)
    at = ask_for_first_step(platform, plan)
    pay_off(platform, plan.pk, local_date(at, "Asia/Shanghai"))
    machine = Machine(platform)
    machine.run()
    assert sandbox_log(platform) == []
    assert message_states(platform) == {(plan.pk, 1, "T-7"): ("suppressed", "already_paid")}
    assert [event.type for event in machine.told if event.type.startswith("reminder.")] == ["reminder.requested"]


def test_a_messenger_that_sees_the_clock_late_still_writes_the_right_day(platform: Platform):
    """The sweep knows the new time from its page; the clock item read here has not moved yet."""
    plan = stored_plan(platform, a_debtor(platform), count=1)
    ask_for_first_step(platform, plan)
    Machine(platform).run()
    (sent,) = sandbox_log(platform)
    assert "还有 7 天" in sent.text


def test_a_messenger_looks_again_at_a_clock_that_has_moved(platform: Platform, wall: Any):
    box = platform.box
    plan = stored_plan(platform, a_debtor(platform), count=1)
    box.clock = OffsetClock(box._offset, wall)
    assert box.clock.now() == START
    at = ask_for_first_step(platform, plan)
    moved = ClockItem(pk=keys.CLOCK, version=1, offset_s=int((at - START).total_seconds()))
    commit(platform.tables, WriteSet.of(Put(moved)))
    Machine(platform).run()
    (sent,) = sandbox_log(platform)
    assert sent.at == at


def test_a_moved_due_day_begins_its_steps_anew(platform: Platform):
    from functions.lending import life

    plan = stored_plan(platform, a_debtor(platform), count=1)
    run_to(platform, START + 24 * DAY)
    on = local_date(progress().now, "Asia/Shanghai")
    change(platform, plan.pk, lambda value: life.defer(value, 1, 30, on=on, asked_by="customer")[0])
    run_to(platform, START + 53 * DAY + timedelta(hours=1))
    assert [(sent.step, sent.at.date()) for sent in sandbox_log(platform)] == [
        ("T-7", date(2026, 12, 15)),
        ("T-7", date(2027, 1, 14)),
    ]


def test_events_tell_what_was_asked_for_and_sent_without_address_or_text(platform: Platform):
    owner = a_debtor(platform)
    plan = stored_plan(platform, owner, count=1)
    machine = run_to(platform, START + 24 * DAY)
    requested, sent = [event for event in machine.told if event.type.startswith("reminder.")]
    assert (requested.type, sent.type) == ("reminder.requested", "reminder.sent")
    message = id_of(TOPIC, plan.pk, 1, str(Step(-7, plan.plan().rows[0].due_on)))
    facts = {"message_id": message, "plan_id": plan.pk, "installment": 1, "step": "T-7", "due_on": "2026-12-22"}
    assert requested.data == facts
    assert sent.data == {**facts, "channel": "email"}
    assert (sent.object_id, sent.customer_id, sent.merchant_id) == (message, owner.id, None)
    assert sent.sequence > requested.sequence
    assert "mei@example.com" not in repr(machine.told)


def test_a_refused_address_falls_back_to_the_phone(platform: Platform):
    stored_plan(platform, a_debtor(platform, email="refused@example.com"), count=1)
    run_to(platform, START + 24 * DAY)
    assert [sent.channel for sent in sandbox_log(platform)] == ["sms"]


def test_the_preferred_channel_is_used_and_no_reminders_means_none(platform: Platform):
    texter, silent = a_debtor(platform), a_debtor(platform, email="silent@example.com")
    wanted, unwanted = stored_plan(platform, texter, count=1), stored_plan(platform, silent, count=1)
    prefer(texter.id, Preference("sms"))
    prefer(silent.id, Preference("email", enabled=False))
    run_to(platform, START + 24 * DAY)
    assert [(sent.plan, sent.channel) for sent in sandbox_log(platform)] == [(wanted.pk, "sms")]
    assert message_states(platform)[unwanted.pk, 1, "T-7"] == ("suppressed", "opted_out")


def test_a_reminder_that_reaches_the_messenger_at_night_leaves_in_the_morning(platform: Platform):
    """Asked for at ten in the morning; the messenger was away until half past nine in the evening."""
    plan = stored_plan(platform, a_debtor(platform), count=1)
    at = ask_for_first_step(platform, plan)
    evening = at.astimezone(SHANGHAI).replace(hour=21, minute=30).astimezone(UTC)
    advance(evening)
    machine = Machine(platform)
    while progress().target:
        machine.sweeper()
        machine.stream()
        for body in platform.drain(platform.settings.messages_queue_url):
            if body.get("detail-type") == "clock.ticked":
                events.on_message(body)
    events.on_message({"kind": "message", "id": next(iter(_ids(platform)))})
    assert sandbox_log(platform) == []
    run_to(platform, evening + DAY)
    (sent,) = sandbox_log(platform)
    here = sent.at.astimezone(SHANGHAI)
    assert (here.date() - at.astimezone(SHANGHAI).date(), here.hour) == (DAY, 9)
    assert "还有 6 天" in sent.text


def _ids(platform: Platform) -> list[str]:
    return [raw["pk"]["S"] for raw in platform.items() if raw["pk"]["S"].startswith("msg_")]


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_messenger_that_dies_while_sending_sends_once_all_the_same(platform: Platform, wall: Any, place: str):
    plan = stored_plan(platform, a_debtor(platform), count=1)
    channel = FakeChannel(**{place: [raising(Killed())]})
    platform.box._ports["message_channel"] = channel
    ask_for_first_step(platform, plan)
    machine = Machine(platform)
    machine.stream()
    with pytest.raises(Killed):
        machine.messenger()
    (message,) = _ids(platform)
    event = {"kind": "message", "id": message}
    wall.advance(LEASE + timedelta(seconds=1))
    events.on_message(event)
    events.on_message(event)
    assert [taken.tag for taken in channel.taken] == [message]


def test_the_sandbox_is_the_channel_where_none_is_set(platform: Platform):
    assert isinstance(container().port("message_channel"), SandboxChannel)


def test_an_erased_customer_is_not_reminded(platform: Platform):
    from functions.customers.service import plan_erasure

    owner = a_debtor(platform)
    stored_plan(platform, owner, count=1)
    commit(platform.tables, plan_erasure(owner.id, "req"))
    run_to(platform, START + 24 * DAY)
    assert sandbox_log(platform) == []
    assert [reason for _, reason in message_states(platform).values()] == ["customer_gone"]


def test_events_that_concern_no_message_are_let_pass(platform: Platform):
    body = {"source": "whitenote", "detail-type": "plan.created", "detail": {"type": "plan.created"}}
    assert events.messages({"Records": [{"messageId": "m", "body": __import__("json").dumps(body)}]}) == {
        "batchItemFailures": []
    }


def test_http_a_customer_chooses_channel_or_silence(platform: Platform):
    api, owner = all_api(), a_debtor(platform)
    token = platform.customer_token(owner.id)
    assert api.get("/v1/me/reminders", token=token).body == {"channel": "email", "enabled": True}
    reply = api.put("/v1/me/reminders", {"channel": "sms", "enabled": False}, token=token)
    assert (reply.status, reply.body) == (200, {"channel": "sms", "enabled": False})
    assert api.get("/v1/me/reminders", token=token).body == {"channel": "sms", "enabled": False}
    assert preference_of(owner.id) == Preference("sms", enabled=False)
    other = platform.customer_token(a_debtor(platform, email="other@example.com").id)
    assert api.get("/v1/me/reminders", token=other).body == {"channel": "email", "enabled": True}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"channel": "fax", "enabled": True}, "/channel"),
        ({"channel": "sms"}, "/enabled"),
        ({"channel": "sms", "enabled": "yes"}, "/enabled"),
        ({"channel": "sms", "enabled": True, "hour": 9}, "/hour"),
    ],
)
def test_http_refuses_other_channels_and_fields(platform: Platform, body: dict[str, Any], pointer: str):
    token = platform.customer_token(a_debtor(platform).id)
    reply = all_api().put("/v1/me/reminders", body, token=token)
    assert (reply.status, reply["errors"][0]["pointer"]) == (422, pointer)


def test_http_email_needs_an_address(platform: Platform):
    token = platform.customer_token(a_debtor(platform, email=None).id)
    reply = all_api().put("/v1/me/reminders", {"channel": "email", "enabled": True}, token=token)
    assert (reply.status, reply["code"]) == (422, "no_address")
    assert all_api().put("/v1/me/reminders", {"channel": "sms", "enabled": True}, token=token).status == 200


def test_http_reminders_are_the_customers_own(platform: Platform):
    api = all_api()
    assert api.get("/v1/me/reminders").status == 401
    assert api.get("/v1/me/reminders", token=platform.staff_token("operator")).status == 401
