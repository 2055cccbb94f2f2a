"""Each check on the fraud it is for, and on the honest life that looks a little like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.risk.counters import DAY_S, Counter, hash64
from functions.risk.measures.links import Link, Ring, rings
from functions.risk.measures.places import Sighting, cell_of
from functions.risk.rules import ACTIONS
from functions.risk.watch.checks import (
    AccountHistory,
    IdentityUse,
    MerchantPattern,
    Purchase,
    RefundHabit,
    bust_out,
    colluding_merchant,
    impossible_travel,
    link_rings,
    merchant_signals,
    refund_abuse,
    synthetic_identity,
    velocity,
)

NOW = 20_700 * DAY_S


def crowd(customers: int, apart_s: int = 60) -> Counter:
    counter = Counter()
    for n in range(customers):
        counter = counter.add(NOW - n * apart_s, sum_minor=100, seen={"customers": hash64(str(n))})
    return counter


def test_many_customers_on_one_device_are_found_with_figures() -> None:
    (found,) = velocity({"device": crowd(4)}, "line#1", NOW)
    assert (found.pivot, found.severity, found.value_minor, found.shared) == ("line#1", "high", 400, True)
    assert found.reasons == ("4 customers on one device in 1h, limit 3", "4 customers on one device in 1d, limit 4")


def test_the_same_crowd_over_a_month_is_no_velocity() -> None:
    assert velocity({"device": crowd(4, 5 * DAY_S)}, "line#1", NOW) == []


def test_a_fast_device_is_found_and_is_no_matter_of_others_and_a_slow_one_is_nothing() -> None:
    fast = slow = Counter()
    for n in range(8):
        fast, slow = fast.add(NOW - n, sum_minor=1), slow.add(NOW - n * 7_200, sum_minor=1)
    assert [(s.kind, s.shared) for s in velocity({"device": fast}, "line#1", NOW)] == [("velocity", False)]
    assert velocity({"device": slow}, "line#1", NOW) == []


TODAY = NOW // DAY_S


def account(**changes: object) -> AccountHistory:
    base = AccountHistory(
        "cus_1",
        Purchase(NOW, 400_000, liquid_goods=True),
        usual_minor=10_000,
        clean_repayment_days=(TODAY - 50, TODAY - 20, TODAY - 5),
        raised_day=0,
        limit_minor=500_000,
        used_minor=430_000,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_small_clean_repayments_then_a_jump_to_liquid_goods_is_a_bust_out() -> None:
    found = bust_out(account())
    assert found is not None
    assert found.severity == "high"
    assert found.reasons[0] == "3 clean repayments in 90 days, then 40 times the usual"
    assert "suspend" in found.actions


def test_a_raise_and_the_line_used_up_is_a_bust_out_too_and_both_are_critical() -> None:
    raised = account(clean_repayment_days=(), raised_day=TODAY - 3)
    assert bust_out(raised).reasons[0] == "used up 3 days after a raise"  # type: ignore[union-attr]
    both = account(raised_day=TODAY - 3)
    assert bust_out(both).severity == "critical"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "honest",
    [
        account(used_minor=300_000),
        account(clean_repayment_days=(TODAY - 120,)),
        account(clean_repayment_days=tuple(TODAY - n for n in range(1, 12))),
        account(usual_minor=100_000),
        account(last=Purchase(NOW, 400_000, liquid_goods=False)),
        account(clean_repayment_days=(), raised_day=TODAY - 30),
        account(usual_minor=0),
        account(limit_minor=0),
    ],
    ids=[
        "room left",
        "long ago",
        "long clean record",
        "usual amount",
        "a sofa",
        "raise long ago",
        "the first purchase",
        "no line",
    ],
)
def test_honest_accounts_do_not_bust_out(honest: AccountHistory) -> None:
    assert bust_out(honest) is None


CASH_OUT = MerchantPattern(
    "mer_1", orders=100, round_orders=90, near_limit_orders=80, customers=20, sharing_customers=10, refunds=10,
    refunds_elsewhere=8, plans_due=40, plans_never_paid=20, sold_minor=10**8, refunded_minor=10**7,
)  # fmt: skip


def test_a_merchant_who_turns_lines_into_cash_is_found() -> None:
    found = colluding_merchant(CASH_OUT)
    assert found is not None
    assert (found.severity, len(found.reasons)) == ("critical", 6)
    assert "block_payout" in found.actions


@pytest.mark.parametrize(
    ("pattern", "severity"),
    [
        (MerchantPattern("m", 100, round_orders=90, customers=95), None),
        (MerchantPattern("m", 100, round_orders=90, customers=95, plans_due=10, plans_never_paid=2), "medium"),
        (
            MerchantPattern(
                "m", 100, round_orders=50, customers=95, plans_due=10, plans_never_paid=2, sharing_customers=19
            ),
            "high",
        ),
        (MerchantPattern("m", 19, round_orders=19, customers=19, plans_due=10, plans_never_paid=2), None),
        (MerchantPattern("m", 8, round_orders=8, customers=5, devices=2, sharing_customers=5), "high"),
        (MerchantPattern("m", 7, round_orders=7, customers=5, devices=2, sharing_customers=5), None),
        (MerchantPattern("m", 8, round_orders=8, customers=3, devices=1, sharing_customers=3), None),
        (MerchantPattern("m", 0), None),
    ],
)
def test_one_sign_is_trade_as_usual_and_each_more_weighs(pattern: MerchantPattern, severity: str | None) -> None:
    found = colluding_merchant(pattern)
    assert (found.severity if found else None) == severity
    if severity == "medium":
        assert "block_payout" not in found.actions  # type: ignore[union-attr]


def test_a_merchants_pattern_feeds_the_rules() -> None:
    assert merchant_signals(CASH_OUT) == {
        "merchant_round_bps_30d": 9_000,
        "merchant_elsewhere_bps_30d": 8_000,
        "merchant_early_default_bps": 5_000,
        "merchant_plans_due": 40,
        "merchant_refund_bps_30d": 1_000,
    }
    assert merchant_signals(MerchantPattern("m", 0)) == {"merchant_plans_due": 0}


def test_shared_things_tie_customers_into_rings_even_indirectly() -> None:
    links = [
        Link("a", "device:1"), Link("b", "device:1"), Link("b", "address:2"), Link("c", "address:2"),
        Link("d", "device:9"), Link("e", "device:9"), Link("f", "device:8"), Link("a", "device:1"),
    ]  # fmt: skip
    assert rings(links) == (Ring(("a", "b", "c"), ("address:2", "device:1")), Ring(("d", "e"), ("device:9",)))
    assert rings(links, least=4) == ()


def test_a_public_place_ties_nobody() -> None:
    assert rings([Link(str(n), "address:dormitory") for n in range(25)]) == ()
    assert len(rings([Link(str(n), "address:house") for n in range(24)])) == 1


def test_a_ring_is_told_with_what_it_owes() -> None:
    links = [Link(f"c{n}", "device:1") for n in range(4)]
    (found,) = link_rings(links, {"c0": 100, "c3": 50, "other": 10**9})
    assert (found.severity, found.value_minor, found.objects) == ("high", 150, ("c0", "c1", "c2", "c3", "device:1"))
    assert link_rings(links[:3], {}) == []
    (large,) = link_rings([Link(f"c{n}", "device:1") for n in range(8)], {})
    assert large.severity == "critical"


@pytest.mark.parametrize(
    ("identity", "severity"),
    [
        (IdentityUse("c", {}), None),
        (IdentityUse("c", {"address": 1}), None),
        (IdentityUse("c", {}, first_payment_missed=True), None),
        (IdentityUse("c", {"name": 3, "device": 1}), None),
        (IdentityUse("c", {"document": 1, "address": 1}), "medium"),
        (IdentityUse("c", {"address": 1}, first_payment_missed=True), "medium"),
        (IdentityUse("c", {"phone": 1}, first_payment_missed=True), "high"),
        (IdentityUse("c", {"document": 2, "phone": 1}), "high"),
    ],
)
def test_borrowed_identities_weigh_by_part(identity: IdentityUse, severity: str | None) -> None:
    found = synthetic_identity(identity)
    assert (found.severity if found else None) == severity


@pytest.mark.parametrize(
    ("habit", "severity"),
    [
        (RefundHabit("c", 100, 50, 4, 0), "medium"),
        (RefundHabit("c", 100, 49, 4, 0), None),
        (RefundHabit("c", 100, 90, 3, 1), None),
        (RefundHabit("c", 100, 10, 2, 2), "high"),
        (RefundHabit("c", 0, 0, 0, 0), None),
    ],
)
def test_refund_habits(habit: RefundHabit, severity: str | None) -> None:
    found = refund_abuse(habit)
    assert (found.severity if found else None) == severity


def test_two_payments_farther_apart_than_anyone_flies() -> None:
    shanghai, beijing = cell_of(31.23, 121.47), cell_of(39.90, 116.40)
    before, here = Sighting(NOW, shanghai), Sighting(NOW + 1_800, beijing)
    found = impossible_travel("line#1", here, (before, here), 700)
    assert found is not None
    assert (found.pivot, found.objects, found.value_minor) == ("line#1", ("line#1",), 700)
    assert found.reasons[0].endswith("km in 30 minutes")
    assert impossible_travel("line#1", before, (here,), 5) is not None  # the earlier one came later


def test_travel_that_was_told_once_is_not_told_again_by_the_next_purchase() -> None:
    shanghai, beijing = cell_of(31.23, 121.47), cell_of(39.90, 116.40)
    earlier = (Sighting(NOW, shanghai), Sighting(NOW + 1_800, beijing))
    assert impossible_travel("line#1", Sighting(NOW + 9_000, beijing), earlier, 700) is None


@pytest.mark.parametrize(("hours", "place"), [(3, (39.90, 116.40)), (0, (31.40, 121.60))])
def test_a_flight_and_a_walk_are_possible(hours: int, place: tuple[float, float]) -> None:
    here = Sighting(NOW + hours * 3_600, cell_of(*place))
    assert impossible_travel("line#1", here, [Sighting(NOW, cell_of(31.23, 121.47))], 700) is None


def test_every_action_suggested_is_one_that_rules_know() -> None:
    found = [
        bust_out(account()),
        colluding_merchant(CASH_OUT),
        synthetic_identity(IdentityUse("c", {"document": 2, "phone": 1})),
        refund_abuse(RefundHabit("c", 100, 50, 4, 2)),
        *velocity({"device": crowd(9)}, "line#1", NOW),
        *link_rings([Link(str(n), "x") for n in range(5)], {}),
    ]
    assert {action for s in found for action in s.actions} <= set(ACTIONS)  # type: ignore[union-attr]
