"""Counting the stream: every party of an order, each record once, whatever is delivered twice or out of order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from functions.core.ids import id_bytes, new_id
from functions.customers import magic
from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from functions.platform.bus.stream import records_of
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import MAX_ITEMS, Put, WriteSet, commit
from functions.risk.casework.labels import plan_label
from functions.risk.counters import Counter, hash64
from functions.risk.counting.observing import Countable, SeenOrder, countable, observations
from functions.risk.counting.service import counters_of
from functions.risk.counting.store import CounterItem, TerminalItem
from functions.risk.each_once import parts_of
from functions.risk.events import check
from functions.risk.intake import Heard, take_in
from functions.risk.profile import RiskProfile
from functions.risk.store import ProfileItem
from tests.builders.platform import START, Platform
from tests.builders.shop import Shop, a_shop

AT_S = int(START.timestamp())
ADDRESS = {"country": "CN", "city": "Shanghai", "line1": "Nanjing Road 12"}
DEVICE = {"id": "a-phone-of-hers"}


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def an_order(n: int, **changes: Any) -> SeenOrder:
    facts: dict[str, Any] = {
        "id": new_id("auth", START), "at_s": AT_S + n, "amount_minor": 10_000 + n, "currency": "CNY",
        "customer_id": f"cus_{n % 7}", "merchant_id": f"mer_{n % 3}", "channel": "online",
        "parties": Parties(device=n % 4, address=n % 5, instrument=n % 6), "counted": True, "refused": False,
    }  # fmt: skip
    return SeenOrder(**{**facts, **changes})


def records(count: int, **changes: Any) -> list[Countable]:
    return [Countable(f"e{n}", order=an_order(n, **changes), alias=100 + n % 7) for n in range(count)]


def counters() -> dict[str, Counter]:
    items = container().client("dynamodb").scan(TableName="whitenote")["Items"]
    found = [CounterItem.from_raw_data(i) for i in items if i["pk"]["S"].startswith("cnt#")]
    return {item.pk: item.counter() for item in found}


def everything() -> dict[str, bytes]:
    """Packed state of all that is counted."""
    items = container().client("dynamodb").scan(TableName="whitenote")["Items"]
    return {
        i["pk"]["S"]: i["p"]["B"] for i in items if i["pk"]["S"].startswith(("cnt#", "term#", "risk#")) and "p" in i
    }


def count_once(batch: list[Countable]) -> None:
    take_in([Heard(each.event_id, counts=each) for each in batch])


def deliver(batch: list[Countable]) -> None:
    for start in range(0, len(batch), 7):
        count_once(batch[start : start + 7])


def once_in_order(batch: list[Countable]) -> dict[str, Counter]:
    """What the counters must hold, by adding one observation after the other."""
    expected: dict[str, Counter] = {}
    for each in batch:
        assert each.order is not None
        for seen in observations(each.order, each.event_id):
            counter = expected.get(keys.counter(seen.subject), Counter())
            more = counter.add(seen.at_s, count=seen.count, sum_minor=seen.sum_minor, seen=seen.seen)
            expected[keys.counter(seen.subject)] = more
    return expected


@pytest.mark.pain(18)
@pytest.mark.parametrize("seed", range(4))
def test_delivered_twice_and_in_any_order_every_count_is_what_happened(platform: Platform, seed: int) -> None:
    batch = records(24)
    delivered = batch * 2
    random.Random(seed).shuffle(delivered)
    deliver(delivered)
    assert counters() == once_in_order(batch)
    state = everything()
    deliver(delivered[::-1])
    assert everything() == state


def test_all_four_kinds_are_counted_from_real_orders(shop: Shop) -> None:
    offer = shop.offers(60_000)[0]
    minted = {"merchant_id": shop.merchant_id, "purpose": "pay", "quote": offer["quote"], "device": DEVICE}
    token = shop.api.post("/v1/me/merchant-tokens", {**minted, "instrument": "card-1"}, token=shop.customer)
    body = {"quote": offer["quote"], "customer_token": token["customer_token"], "reference": "r1"}
    asked = {**body, "device": {"id": "what-the-shop-says"}, "shipping_address": ADDRESS}
    auth = shop.api.post("/v1/authorizations", asked, token=shop.key)
    assert auth["status"] == "approved"
    shop.settle()
    found = counters()
    assert sorted(pk.split("#")[1] for pk in found) == ["address", "device", "instrument", "merchant"]
    assert {c.total("1h", AT_S) for c in found.values()} == {(1, 60_000)}
    assert {c.different("customers", "1d", AT_S) for c in found.values()} == {1}
    item = shop.platform.tables.get(AuthorizationItem, auth["id"])
    profile = next(i for i in shop.platform.items() if i["pk"]["S"].startswith("risk#"))
    known = ProfileItem.from_raw_data(profile).profile()
    parties = Parties.unpack(item.parties)
    assert [t.hash for t in (*known.devices, *known.addresses, *known.instruments)] == [
        parties.device, parties.address, parties.instrument,
    ]  # fmt: skip


def test_what_was_said_of_device_and_address_is_stored_nowhere(shop: Shop) -> None:
    body = {**shop.pay_body(60_000), "device": DEVICE, "shipping_address": ADDRESS}
    assert shop.api.post("/v1/authorizations", body, token=shop.key).status == 201
    shop.settle()
    assert "Nanjing" not in (stored := repr(shop.platform.items()))
    assert DEVICE["id"] not in stored


def test_customers_who_share_a_device_see_each_other(platform: Platform) -> None:
    for n in range(3):
        count_once([Countable(f"e{n}", order=an_order(n, parties=Parties(device=9)), alias=100 + n)])
    last = platform.tables.get(ProfileItem, keys.profile(102)).profile()
    assert last.devices[0].customers_30d == 3
    assert counters_of(an_order(0, parties=Parties(device=9)))["device"].different("customers", "1d", AT_S + 9) == 3


def test_a_declined_order_counts_as_declined_and_as_nothing_else(platform: Platform) -> None:
    count_once([Countable("e1", order=an_order(1, counted=False, refused=True))])
    [merchant] = counters().values()
    assert (merchant.total("1h", AT_S + 60), merchant.different("declines", "1h", AT_S + 60)) == ((0, 0), 1)
    assert merchant.different("customers", "1h", AT_S + 60) == 0
    assert not [pk for pk in everything() if pk.startswith(("term#", "risk#"))]


def test_round_amounts_are_told_apart(platform: Platform) -> None:
    for n, amount in enumerate((20_000, 20_001, 30_000)):
        count_once([Countable(f"e{n}", order=an_order(n, amount_minor=amount, merchant_id="mer_1"), alias=100)])
    merchant = counters_of(an_order(0, merchant_id="mer_1"))["merchant"]
    assert merchant.different("round", "30d", AT_S + 9) == 2


def test_a_batch_is_cut_where_a_transaction_is_full_and_never_loses_a_record(platform: Platform) -> None:
    batch = [
        Countable(f"e{n}", order=an_order(n, merchant_id=f"mer_{n}", parties=Parties(n, n, n, n)), alias=n)
        for n in range(40)
    ]
    heard = [Heard(each.event_id, counts=each) for each in batch]
    parts = list(parts_of(heard))
    assert [each for part in parts for each in part] == heard
    assert all(len(set().union(*(each.touches for each in part))) <= MAX_ITEMS for part in parts)
    count_once(batch)
    assert len([pk for pk in everything() if pk.startswith("cnt#merchant")]) == 40


def test_a_hot_merchant_is_spread_and_read_as_one(platform: Platform) -> None:
    subject = f"merchant#{hash64('mer_hot'):016x}"
    first = CounterItem(pk=keys.counter(subject), shards=4, version=1)
    terminal = TerminalItem(pk=keys.terminal(hash64("mer_hot")), shards=4, version=1)
    commit(platform.tables, WriteSet.of(Put(first), Put(terminal)))
    batch = records(30, merchant_id="mer_hot", parties=Parties())
    deliver(batch)
    deliver(batch)
    shards = [pk for pk in counters() if pk.startswith(f"cnt#{subject}")]
    assert len(shards) == 4
    whole = counters_of(an_order(0, merchant_id="mer_hot"))["merchant"]
    assert whole.total("1h", AT_S + 60)[0] == 30
    assert whole == once_in_order(batch)[keys.counter(subject)]


def test_a_rush_makes_more_shards(platform: Platform) -> None:
    quarter = an_order(0).at_s // 900 * 900
    rush = Counter().add(quarter, count=900 * 300)  # 300 a second on average, so 1,200 at its busiest
    subject = f"merchant#{hash64('mer_1'):016x}"
    commit(platform.tables, WriteSet.of(Put(CounterItem(pk=keys.counter(subject), packed=rush.pack(), version=1))))
    count_once([Countable("e1", order=an_order(1, merchant_id="mer_1"), alias=100)])
    assert platform.tables.get(CounterItem, keys.counter(subject)).shards == 3


def label(shop: Shop, authorization_id: str, *, fraud: bool) -> None:
    item = shop.platform.tables.get(AuthorizationItem, authorization_id, consistent=True)
    by, now = new_id("case", START), shop.platform.clock.now()
    commit(shop.platform.tables, plan_label(item, fraud=fraud, source="case", by=by, known_at=now))


def frauds_known(shop: Shop) -> int:
    item = shop.platform.tables.get(TerminalItem, keys.terminal(hash64(shop.merchant_id)), consistent=True)
    return sum(frauds for _, frauds in item.history().slots.buckets.values())


def test_a_label_reaches_the_terminal_once_and_may_be_taken_back(shop: Shop) -> None:
    auth = shop.api.post("/v1/authorizations", {**shop.pay_body(60_000), "device": DEVICE}, token=shop.key)
    shop.settle()
    assert frauds_known(shop) == 0
    label(shop, auth["id"], fraud=True)
    batch = shop.platform.records(reader="risk")
    for _ in range(3):
        assert check(batch) == {"batchItemFailures": []}
    assert frauds_known(shop) == 1
    profile = next(i for i in shop.platform.items() if i["pk"]["S"].startswith("risk#"))
    assert ProfileItem.from_raw_data(profile).profile().devices[0].flagged
    label(shop, auth["id"], fraud=False)
    check(shop.platform.records(reader="risk"))
    assert frauds_known(shop) == 0


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_held_order_is_the_customers_own_once_a_person_has_let_it_go_on(platform: Platform, goes_on: bool) -> None:
    shop = a_shop(platform, magic.HELD)
    shop.api.post("/v1/authorizations", {**shop.pay_body(60_000), "device": DEVICE}, token=shop.key)
    shop.settle()
    assert _own(shop) == (0, 0)
    reviewer = platform.staff_token("reviewer")
    [case] = shop.api.get("/v1/reviews", token=reviewer)["data"]
    verb, outcome = ("approve", "cleared") if goes_on else ("decline", "inconclusive")
    shop.api.post(f"/v1/reviews/{case['id']}/{verb}", {"outcome": outcome}, token=reviewer)
    shop.settle()
    assert _own(shop) == ((1, 1) if goes_on else (0, 0))


def test_what_is_wrong_with_the_device_of_a_held_order_is_remembered_at_once(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    tampered = {**DEVICE, "tampered": True}
    shop.api.post("/v1/authorizations", {**shop.pay_body(60_000), "device": tampered}, token=shop.key)
    shop.settle()
    raw = next(i for i in shop.platform.items() if i["pk"]["S"].startswith("risk#"))
    profile = ProfileItem.from_raw_data(raw).profile()
    assert (profile.history.count, [token.flagged for token in profile.devices]) == (0, [True])


def _own(shop: Shop) -> tuple[int, int]:
    """Purchases and devices that the profile takes for the customer's."""
    raw = next((i for i in shop.platform.items() if i["pk"]["S"].startswith("risk#")), None)
    profile = ProfileItem.from_raw_data(raw).profile() if raw else RiskProfile()
    return profile.history.count, len(profile.devices)


def test_only_new_orders_and_new_labels_count(shop: Shop) -> None:
    auth = shop.authorize(60_000)
    shop.capture(auth["id"], 10_000)
    label(shop, auth["id"], fraud=False)
    label(shop, auth["id"], fraud=True)
    label(shop, auth["id"], fraud=True)
    seen = [c for r in records_of(shop.platform.records(reader="mine")) if (c := countable(r)) is not None]
    assert [(bool(c.order), c.frauds) for c in seen] == [(True, 0), (False, 1)]
    assert seen[1].labelled == auth["id"]
    assert id_bytes(seen[1].labelled)
