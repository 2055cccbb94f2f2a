"""What the stream learns of plans and orders, each record once; and the portfolio's snapshot that comes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from functions.core.ids import id_bytes, new_id
from functions.credit.lines.store import LineItem
from functions.lending import life
from functions.lending.cash import Source
from functions.platform.storage import keys
from functions.platform.storage.transactions import WriteSet, commit, create
from functions.risk.events import check
from functions.risk.intake import Heard, take_in
from functions.risk.portfolio.indicators import LAYERS
from functions.risk.portfolio.service import take_snapshots
from functions.risk.portfolio.store import all_sums
from functions.risk.store import ProfileItem
from functions.risk.watch.lessons import Lesson, Use, lesson_of
from functions.risk.watch.store import DaysItem, LinkItem, User
from tests.builders.images import ALIAS, at_hour, plan_record
from tests.builders.plans import CUSTOMER, MERCHANT, a_plan
from tests.builders.platform import Platform
from tests.builders.shop import a_shop


def learn(lessons: list[Lesson]) -> None:
    take_in([Heard(each.event_id, lesson=each) for each in lessons])


def with_line(platform: Platform) -> None:
    line = LineItem(
        pk=keys.line(ALIAS), version=1, customer=id_bytes(CUSTOMER), currency="CNY", limit=1_000_000, available=0,
        grade="A", terms="1,3", zone="UTC", language="en", opened_at_ms=0,
    )  # fmt: skip
    commit(platform.tables, WriteSet.of(create(line)))


@pytest.mark.pain(18)
def test_facts_delivered_twice_and_out_of_order_are_learned_once(platform: Platform) -> None:
    with_line(platform)
    good, bad = a_plan(30_000, 3, number=1), a_plan(30_000, 3, number=2)
    first = good.rows[0]
    paid = life.repay(good, first.principal_minor + first.fee_minor, on=first.due_on, source=Source.RAIL)[0]
    back = life.refund(good, 5_000, on=good.start_on)[0]
    missed = at_hour(bad, datetime(2026, 3, 1, tzinfo=UTC))
    records = [plan_record(None, good), plan_record(good, paid), plan_record(None, bad), plan_record(bad, missed)]
    records.append(plan_record(good, back))
    lessons = [lesson for record in records if (lesson := lesson_of(record))]
    again = [*lessons, *lessons]
    Random(3).shuffle(again)
    for start in range(0, len(again), 3):
        learn(again[start : start + 3])
    days = platform.tables.get(DaysItem, keys.pattern(MERCHANT), consistent=True).days()
    at_s = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    counts = {sign: sum(n for n, _ in ring.buckets.values()) for sign, ring in days.days.items()}
    assert (counts["first_due"], counts["first_missed"], counts["captured"], counts["refunded"]) == (2, 1, 2, 1)
    assert days.total("first_missed", at_s) == (1, 30_000)
    profile = platform.tables.get(ProfileItem, keys.profile(ALIAS), consistent=True).profile()
    assert profile.first_payment_missed
    assert profile.small_repayments == ((first.due_on - date(1970, 1, 1)).days,)
    assert sum(n for n, _ in profile.refunds.buckets.values()) == 1


def test_a_use_is_noted_once_a_week_and_a_crowd_ties_no_one() -> None:
    item = LinkItem(pk="link#device#1")
    assert item.note(User(1, CUSTOMER, 100))
    assert not item.note(User(1, CUSTOMER, 103))
    assert item.note(User(1, CUSTOMER, 107))
    for alias in range(2, 60):
        item.note(User(alias, CUSTOMER, 108))
    assert len(item.all_users()) == 25


def test_a_shared_card_is_a_borrowed_identity_and_the_last_of_a_line_is_near_the_limit(platform: Platform) -> None:
    with_line(platform)
    at_s = int(platform.clock.now().timestamp())
    others = [Use(n, new_id("cus", platform.clock.now()), MERCHANT, at_s, 5_000, (("instrument", 7),)) for n in (1, 2)]
    mine = Use(ALIAS, CUSTOMER, MERCHANT, at_s, 5_000, (("instrument", 7), ("device", 9)))
    lessons = [Lesson(f"u{n}", f"auth_{n}", use=use) for n, use in enumerate([*others, mine])]
    learn(lessons)
    learn(lessons)
    reuse = {
        alias: platform.tables.get(ProfileItem, keys.profile(alias), consistent=True).profile().identity_reuse
        for alias in (2, ALIAS)
    }
    assert reuse == {2: 1, ALIAS: 2}
    days = platform.tables.get(DaysItem, keys.pattern(MERCHANT), consistent=True).days()
    assert days.total("near_limit", at_s) == (1, 5_000)  # its line has nothing left; the others' are not there


def test_the_snapshot_is_what_plans_and_lines_say_and_replays_change_no_sum(platform: Platform) -> None:
    shop = a_shop(platform)
    shop.buy(90_000)
    shop.buy(60_000)
    shop.repay(10_000, "due")
    shop.settle()
    before = dict(all_sums("CNY"))
    batch = platform.records(reader="again")
    assert check(batch) == {"batchItemFailures": []}
    assert dict(all_sums("CNY")) == before
    assert take_snapshots("test") == 1
    assert take_snapshots("test") == 0
    auditor = platform.staff_token("auditor")
    shown = shop.api.get("/v1/portfolio", token=auditor)
    assert shown.status == 200, shown.body
    line = shop.line()
    by_name = {i["name"]: i for layer in shown["layers"] for i in layer["indicators"]}
    assert by_name["exposure"]["value"] == line["outstanding_minor"] == 150_000
    assert by_name["limits"]["value"] == line["limit_minor"]
    assert (by_name["top_merchant"]["value"], by_name["top_merchant"]["status"]) == (10_000, "alarm")
    assert [layer["layer"] for layer in shown["layers"]] == list(LAYERS)
    current = {"bucket": "current", "plans": 2, "outstanding_minor": 150_000, "share_bps": 10_000}
    assert shown["buckets"][0] == current
    platform.clock.advance(timedelta(days=1))
    assert take_snapshots("test") == 1
    auditor = platform.staff_token("auditor")
    history = shop.api.get("/v1/portfolio/history?indicator=exposure", token=auditor)
    assert [point["value"] for point in history["data"]] == [150_000, 150_000]
    assert "portfolio.alarmed" in [event.type for event in platform.events()]
    assert shop.api.get("/v1/portfolio/history?indicator=none", token=auditor).status == 422
    assert shop.api.get("/v1/portfolio?on=2020-01-01", token=auditor).status == 404
