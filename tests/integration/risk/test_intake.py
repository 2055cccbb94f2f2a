"""What a record means to risk is one transaction, marked or noted once: counted and learned once, or not at all."""

from __future__ import annotations

import importlib
import random
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from functions.core.errors import UnavailableError
from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from functions.platform.bus.replaying import CONSUMERS
from functions.platform.bus.stream import StreamRecord, records_of
from functions.platform.storage import keys
from functions.platform.storage.table import key_of
from functions.platform.storage.transactions import MAX_ITEMS
from functions.risk.counters import Counter
from functions.risk.counting.observing import Countable, observations, seen_order
from functions.risk.counting.store import CounterItem
from functions.risk.each_once import parts_of
from functions.risk.events import check
from functions.risk.intake import Heard, heard, take_in
from functions.risk.portfolio.contributions import deltas
from functions.risk.portfolio.measures import held
from functions.risk.portfolio.store import all_sums
from functions.risk.portfolio.sums import Sums
from functions.risk.store import MOST_MARKS, ProfileItem
from functions.risk.watch.lessons import Lesson, Use
from functions.risk.watch.store import LinkItem
from tests.builders.platform import START, TABLE, Platform
from tests.builders.shop import Shop, a_shop
from tests.integration.risk.test_counting import an_order

DEVICES = ({"id": "a-phone-of-hers"}, {"id": "another-phone"})


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def trade(shop: Shop) -> list[StreamRecord]:
    """Orders with things, captures, a void: every record of them, none taken in yet."""
    shop.platform.records(reader="mine")
    for n in range(4):
        order = {**shop.pay_body(20_000 + n), "device": DEVICES[n % 2]}
        made = shop.api.post("/v1/authorizations", order, token=shop.key)
        assert made.status == 201, made.body
        if n < 2:
            assert shop.capture(made["id"], 15_000, final=n == 0).status == 201
        elif n == 2:
            assert shop.api.post(f"/v1/authorizations/{made['id']}/void", token=shop.key).status == 200
    return records_of(shop.platform.records(reader="mine"))


def expected_counters(records: Sequence[StreamRecord]) -> dict[str, Counter]:
    """Adding one observation after the other."""
    found: dict[str, Counter] = {}
    for record in records:
        each = heard(record)
        if each is not None and each.counts is not None and each.counts.order is not None:
            for seen in observations(each.counts.order, each.event_id):
                had = found.get(keys.counter(seen.subject), Counter())
                more = had.add(seen.at_s, count=seen.count, sum_minor=seen.sum_minor, seen=seen.seen)
                found[keys.counter(seen.subject)] = more
    return found


def expected_sums(records: Sequence[StreamRecord]) -> dict[str, tuple[int, int]]:
    numbers: Tally[str] = Tally()
    totals: Tally[str] = Tally()
    for record in records:
        for (_, name), (count, total) in deltas(record).items():
            numbers[name] += count
            totals[name] += total
    return {name: (numbers[name], totals[name]) for name in numbers}


def counters(platform: Platform) -> dict[str, Counter]:
    items = [CounterItem.from_raw_data(i) for i in platform.items() if i["pk"]["S"].startswith("cnt#")]
    return {item.pk: item.counter() for item in items}


def profile(platform: Platform) -> ProfileItem:
    [raw] = [i for i in platform.items() if i["pk"]["S"].startswith("risk#")]
    return ProfileItem.from_raw_data(raw)


@contextmanager
def overtaken(platform: Platform, by: Callable[[], None]) -> Iterator[None]:
    """Somebody else does something when the next transaction was read for and is about to leave."""
    events, name = platform.tables.connection.client.meta.events, "before-call.dynamodb.TransactWriteItems"

    def first(**_: Any) -> None:
        events.unregister(name, first)
        by()

    events.register(name, first)
    try:
        yield
    finally:
        events.unregister(name, first)


@pytest.mark.pain(18)
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_delivered_twice_late_beside_another_or_unanswered_counts_once(shop: Shop, seed: int) -> None:
    records, chance = trade(shop), random.Random(seed)
    meant = [each for record in records if (each := heard(record))]
    delivered = meant * 2
    chance.shuffle(delivered)
    while delivered:
        some, delivered = delivered[: (size := chance.randrange(1, 9))], delivered[size:]
        others = chance.sample(meant, 3)
        match chance.choice(("well", "beside", "unanswered", "refused")):
            case "well":
                take_in(some)
            case "beside":
                with overtaken(shop.platform, lambda others=others: take_in(others)):
                    take_in(some)
            case "unanswered" | "refused" as how:
                times = 1 if how == "unanswered" else 6  # what is refused so often is given up
                faults = shop.platform.failing("TransactWriteItems", times=times, lost=how == "unanswered")
                with faults, suppress(UnavailableError):
                    take_in(some)
                take_in(some)
    assert counters(shop.platform) == expected_counters(records)
    sums = dict(all_sums("CNY"))
    assert {name: sums.get(name, (0, 0)) for name in expected_sums(records)} == expected_sums(records)
    known = profile(shop.platform)
    assert (known.profile().history.count, len(known.orders_since(0))) == (4, 4)
    assert sorted(token.customers_30d for token in known.profile().devices) == [1, 1]


def test_a_new_order_is_one_read_and_one_transaction_and_its_mark_stands_in_the_profile(shop: Shop) -> None:
    shop.platform.records(reader="mine")
    order = {**shop.pay_body(20_000), "device": DEVICES[0]}
    assert shop.api.post("/v1/authorizations", order, token=shop.key).status == 201
    records = records_of(shop.platform.records(reader="mine"))
    [new] = [each for record in records if record.pk.startswith("auth_") and (each := heard(record))]
    with shop.platform.metered() as meter:
        take_in([new])
    assert meter.requests == ["BatchGetItem", "TransactWriteItems"]
    kinds = Tally(name.partition("#")[0] for name in meter.sizes)
    assert kinds == {"risk": 1, "cnt": 2, "term": 1, "link": 1, "agg": 1}


def test_a_note_that_was_taken_meanwhile_drops_its_record_and_no_other(shop: Shop) -> None:
    records = trade(shop)
    meant = [each for record in records if (each := heard(record))]
    with overtaken(shop.platform, lambda: take_in(meant[:3])), shop.platform.metered() as meter:
        take_in(meant)
    assert meter.requests.count("TransactWriteItems") == 3  # refused; the other's; what was left
    assert counters(shop.platform) == expected_counters(records)


def test_a_customer_who_orders_more_than_the_profile_can_mark_is_counted_once_by_notes(platform: Platform) -> None:
    orders = [Countable(f"e{n}", order=an_order(n, merchant_id="mer_1"), alias=100) for n in range(MOST_MARKS + 8)]
    delivered = [Heard(each.event_id, counts=each) for each in orders * 2]
    random.Random(5).shuffle(delivered)
    for start in range(0, len(delivered), 7):
        take_in(delivered[start : start + 7])
    assert profile(platform).profile().history.count == len(orders)
    assert len([i for i in platform.items() if i["pk"]["S"].startswith("seen#")]) == 8


def test_a_part_never_changes_more_items_than_a_transaction_holds(platform: Platform) -> None:
    def everything(n: int) -> Heard:
        order = an_order(n, merchant_id=f"mer_{n}", parties=Parties(n, n, n, n))
        things = (("device", n), ("address", n), ("instrument", n))
        use = Use(n, f"cus_{n}", f"mer_{n}", order.at_s, order.amount_minor, things)
        lesson = Lesson(f"e{n}", f"auth_{n}", use=use, moved={("CNY", f"sum {n} {m}"): (1, n) for m in range(3)})
        return Heard(f"e{n}", Countable(f"e{n}", order=order, alias=n), lesson)

    batch = [everything(n) for n in range(24)]
    parts = list(parts_of(batch))
    assert [each for part in parts for each in part] == batch
    assert len(parts) > 1
    for part in parts:
        with platform.metered() as meter:
            take_in(part)
        touched = set().union(*(each.touches for each in part))
        assert len(meter.sizes) <= len(touched) <= MAX_ITEMS
        assert meter.requests.count("TransactWriteItems") == 1
    assert len([i for i in platform.items() if i["pk"]["S"].startswith("agg#")]) == 72
    assert platform.tables.get(LinkItem, keys.links("device", 23)).all_users()[0].alias == 23


def test_what_an_order_does_to_its_line_is_told_by_the_order_and_what_else_changes_a_line_by_the_line(
    shop: Shop,
) -> None:
    records = trade(shop)
    lines = [record for record in records if record.pk.startswith("line#")]
    assert [heard(record) is not None for record in lines] == [False, True, False, True, False, False, False]
    take_in([each for record in records if (each := heard(record))])
    named = dict(all_sums("CNY"))
    line = shop.line()
    assert line["held_minor"] > 0
    assert held(Sums.of(START.date(), named.items())) == line["held_minor"]
    assert named["line#outstanding"][1] == line["outstanding_minor"]


def test_what_could_not_be_judged_is_judged_later_and_does_not_count_again_however_late(shop: Shop) -> None:
    """Marks and notes live for two days, a dead letter for as long as nobody replays it."""
    platform = shop.platform
    table = {"TableName": TABLE, "Key": key_of(keys.pattern(shop.merchant_id))}
    broken = {"pk": {"S": keys.pattern(shop.merchant_id)}, "sk": {"S": "-"}, "p": {"B": b"?"}, "v": {"N": "1"}}
    platform.client("dynamodb").put_item(TableName=TABLE, Item=broken)
    shop.authorize(20_000)
    assert check(platform.records(reader="risk")) == {"batchItemFailures": []}
    [parked] = platform.drain(platform.settings.parking_queue_url)
    assert parked["consumer"] == "risk_judging"
    platform.client("dynamodb").delete_item(**table)
    forgotten = {**profile(platform).serialize()}
    del forgotten["m"]
    platform.client("dynamodb").put_item(TableName=TABLE, Item=forgotten)
    module, _, name = CONSUMERS[parked["consumer"]].partition(":")
    with platform.metered() as meter:
        answer = getattr(importlib.import_module(module), name)({"Records": [parked["record"]]})
    assert (answer, meter.write_units) == ({"batchItemFailures": []}, 0)
    assert profile(platform).profile().history.count == 1
    assert not platform.drain(platform.settings.parking_queue_url)


def test_a_record_that_can_not_be_taken_in_is_parked_alone(shop: Shop) -> None:
    platform = shop.platform
    shop.authorize(20_000)
    told = {**shop.pay_body(30_000), "device": DEVICES[0]}
    made = shop.api.post("/v1/authorizations", told, token=shop.key)
    shop.authorize(40_000)
    order = seen_order(platform.tables.get(AuthorizationItem, made["id"]))
    broken = {"pk": {"S": keys.counter(order.subjects["device"])}, "sk": {"S": "-"}, "p": {"B": b"?"}}
    platform.client("dynamodb").put_item(TableName=TABLE, Item={**broken, "v": {"N": "1"}})
    records = platform.records(reader="risk")
    assert check(records) == {"batchItemFailures": []}
    [parked] = platform.drain(platform.settings.parking_queue_url)
    assert (parked["consumer"], parked["record"]["dynamodb"]["Keys"]["pk"]["S"]) == ("risk", made["id"])
    assert profile(platform).profile().history.total_minor == 60_000
    platform.client("dynamodb").delete_item(TableName=TABLE, Key=key_of(broken["pk"]["S"]))
    assert check({"Records": [parked["record"]]}) == check(records) == {"batchItemFailures": []}
    assert profile(platform).profile().history.total_minor == 90_000
