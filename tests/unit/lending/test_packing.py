"""A plan in bytes."""

from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from functions.lending import life
from functions.lending.changes.replan import NewTerm
from functions.lending.packed.varint import Reader, Writer
from functions.lending.plan import OperationKind, Plan
from functions.lending.plans.next_action import done
from functions.lending.plans.packing import MAX_PLAN_BYTES, UnreadablePlanError, fitted, pack_plan, unpack_plan
from functions.lending.refund import RefundKind
from functions.lending.rules import PlanRules
from functions.lending.terms import PlanTerms
from tests.builders.plans import ANNUAL, FLAT, START, a_plan


@pytest.mark.parametrize("pricing", [FLAT, ANNUAL])
@pytest.mark.parametrize("period", ["month", "14d", "30d"])
def test_what_is_packed_is_what_is_unpacked(pricing, period):
    plan = a_plan(9_876_543, 24, pricing, period=period, subsidy_bps=1234, down_payment_bps=500)
    assert unpack_plan(pack_plan(plan)) == plan


def test_every_rule_and_mark_survives():
    rules = PlanRules(
        waterfall="principal_first",
        refund="next_first",
        payoff="all_remaining",
        late_daily_bps=7,
        grace_days=1,
        late_cap_bps=2000,
        annual_cap_bps=3600,
        deferrals_max=4,
        replans_max=3,
        charge_off_days=120,
        withdrawal_days=14,
        withdrawal_payment_days=20,
        release_hold_days=2,
        discount_bps=333,
        discount_kept=True,
        on_collection=True,
        loss_share_bps=5000,
        holdback_bps=2500,
    )
    assert all(getattr(rules, each.name) != getattr(PlanRules(), each.name) for each in fields(PlanRules))
    plan = a_plan(rules=rules, due={"kind": "bill", "bill_day": 20, "due_day": 5}, residual="spread")
    plan = replace(plan, backstop_on=date(2026, 9, 1))
    plan, _ = life.fulfil(plan, 777, on=date(2026, 3, 19), reference="course 1")
    plan, _ = life.repay(plan, 15_000, on=date(2026, 3, 20), reference="a")
    plan, _ = life.open_dispute(plan, 5, on=date(2026, 3, 21))
    plan, _ = life.close_dispute(plan, on=date(2026, 3, 22))
    plan, _ = life.reverse_repayment(plan, "a", 15_000, on=date(2026, 3, 23), credit_available_minor=9)
    plan = done(plan, datetime(2026, 3, 24, 7, 59, tzinfo=UTC))
    again = unpack_plan(pack_plan(plan))
    assert again == plan
    assert again.done_through == datetime(2026, 3, 24, 7, tzinfo=UTC)


def test_a_plan_of_another_number_of_rows_survives():
    plan, _ = life.repay(a_plan(), 15_000, on=date(2026, 3, 20), reference="a")
    term = NewTerm(24, date(2026, 5, 2), "customer")
    plan, _ = life.replan(plan, term, on=date(2026, 4, 1))
    plan, _ = life.repay(plan, 7_000, on=date(2026, 6, 20), reference="b")
    assert len(plan.rows) > plan.terms.term_count
    assert unpack_plan(pack_plan(plan)) == plan


def test_a_backdated_payment_finds_its_place_after_storing():
    plan, _ = life.repay(a_plan(), 10_700, on=date(2026, 2, 20), reference="late")
    stored = unpack_plan(pack_plan(plan))
    assert life.repay(stored, 10_600, on=date(2026, 2, 10)) == life.repay(plan, 10_600, on=date(2026, 2, 10))


def test_a_new_plan_of_24_installments_is_small():
    assert len(pack_plan(a_plan(9_876_543, 24))) <= 168
    assert len(pack_plan(a_plan(9_876_543, 24, ANNUAL))) <= 264


@pytest.mark.parametrize(("amount", "kept_lines"), [(20_000_000, 20), (999_999_999_999, 1)])
def test_the_worst_history_of_24_installments_fits(amount, kept_lines):
    pricing = {"kind": "annual_rate", "bps": 2399, "day_count": "actual/365"}
    plan = a_plan(amount, 24, pricing, subsidy_bps=3333)
    for n, row in enumerate(plan.rows):
        # Every installment late, paid in part, refunded in part: nothing repeats that could be written once.
        on = row.due_on + timedelta(days=9 + n)
        plan, _ = life.repay(plan, amount // 100 + amount * n // 1000, on=on, reference=f"r{n}")
        plan, _ = life.refund(plan, amount // 810 + n, on=on, reference=f"f{n}", kind=RefundKind.DISPUTE)
        if n % 6 == 5:
            assert len(pack_plan(plan)) <= MAX_PLAN_BYTES
    kept = unpack_plan(pack_plan(plan))
    assert kept == fitted(plan)
    assert kept_lines <= len(kept.journal) <= len(plan.journal)
    assert replace(kept, base=plan.base, journal=plan.journal) == plan


def test_two_years_of_paying_on_time_keep_their_whole_journal():
    plan = a_plan(9_876_543, 24)
    for row in plan.rows:
        plan, _ = life.repay(plan, row.unpaid_minor, on=row.due_on, reference=f"r{row.number}")
    assert len(fitted(plan).journal) == 24
    assert len(pack_plan(plan)) <= 550


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"\x04" + b[1:], lambda _: b""])
def test_other_bytes_are_refused(spoil):
    with pytest.raises(UnreadablePlanError):
        unpack_plan(spoil(pack_plan(a_plan())))


def test_no_byte_of_a_plan_can_crash_the_reader():
    data = pack_plan(life.repay(a_plan(), 999, on=date(2026, 3, 1), reference="a")[0])
    for place in range(len(data)):
        for value in (0, 127, 255):
            # Another plan or a refusal; any other error fails the test.
            with suppress(UnreadablePlanError):
                unpack_plan(data[:place] + bytes([value]) + data[place + 1 :])


def test_the_bytes_know_every_field_there_is():
    # A field added to a plan must be added to the bytes: this list is the reminder.
    assert len(fields(Plan)) == 38
    assert [each.name for each in fields(PlanTerms) if each.init] == [
        "currency",
        "term_count",
        "period",
        "pricing",
        "subsidy_bps",
        "down_payment_bps",
        "residual",
        "due",
    ]


def test_numbers_and_columns_survive():
    out = Writer()
    values = [0, 1, -1, 63, -64, 64, 2**40, -(2**90), *[7] * 9, 8, 9]
    for value in values:
        out.signed(value)
    out.column(values)
    out.column([])
    reader = Reader(bytes(out.data))
    assert [reader.signed() for _ in values] == values
    assert reader.column(len(values)) == values
    assert reader.column(0) == []
    assert reader.at == len(reader.data)
    with pytest.raises(ValueError, match="below zero"):
        out.number(-1)


def test_bytes_written_by_schema_1_are_read_for_ever():
    assert unpack_plan(bytes.fromhex(GOLDEN)) == a_plan(120_000, 3, start_on=START)
    lived = unpack_plan(bytes.fromhex(GOLDEN_WITH_JOURNAL))
    assert (lived.repaid_minor, lived.refunded_minor, lived.disputed_minor) == (30_000, 20_000, 10_000)
    assert (lived.fulfilled_minor, lived.backstop_on, lived.rules.holdback_bps) == (0, None, 0)
    assert [line.kind for line in lived.journal] == [
        OperationKind.REPAY,
        OperationKind.REFUND,
        OperationKind.DISPUTE_OPEN,
    ]
    assert unpack_plan(pack_plan(lived)) == lived


def test_bytes_written_by_schema_2_are_read_for_ever():
    lived = unpack_plan(bytes.fromhex(GOLDEN_OF_SCHEMA_2))
    assert (lived.fulfilled_minor, lived.rules.holdback_bps, lived.repaid_minor) == (777, 2500, 40_000)
    assert (lived.replans, lived.replanned_on, lived.rules.replans_max) == (0, None, 1)
    assert [line.kind for line in lived.journal] == [OperationKind.FULFIL, OperationKind.REPAY]
    assert unpack_plan(pack_plan(lived)) == lived


GOLDEN_OF_SCHEMA_2 = (
    "02000000000000000000000000000000010000000000000000000000000000000700000000000000000000000000000005"
    "e8e6e2aeba33aa922d434e590300013200000000000000000000000503b817e01202b401001e000000c413840e00c0a907"
    "000029000000c0b80200000000000089060000000006000380f104040003b0090400060006000600060003020400030204"
    "0003d0d8220400039c02040006000600060001000000000000000000000000000000000000060001060001060000060000"
    "0600000600000600000600000600000600000600000600000600000600020d0a89060081011fd0860300ca978112ca1b01"
    "880e00"
)
GOLDEN = (
    "01000000000000000000000000000000010000000000000000000000000000000700000000000000000000000000000005"
    "e8e6e2aeba33aa922d434e590300013200000000000000000000000503b817e01202b401001e000000840e00c0a9070000"
    "000000000000000000000000000006000380f104040003b009040006000600060006000600060006000600060006000600"
    "000000880e00"
)
GOLDEN_WITH_JOURNAL = (
    "0114d30848db5d252b638f64273f76069ec0fd6c6a0eb2b7650cb121ea89d0e29ef0f0cbed7e3c40c35eb5485f5a83f2ea"
    "80d09392a034e6942d434e590300014100000000000000000000000503b817e01202b401001e0078009c120090bf050022"
    "00a09c0100b0ea010000000000904e00000000060007e0d4039f9c010007920985030006000700a09c0100070086030006"
    "00030204000302040006000600060006000700020001000000000000000000000000000000000006000003e0d403040000"
    "03920904000006000006000006000006000006000006000006000006000006000006000006000381011ef9ee0100529067"
    "85e62e840103a09c01000ad9093bdc61880101904e0027d43ef7631b03d50a00"
)
