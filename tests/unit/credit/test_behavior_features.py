"""Our own statements and repayments as the behavior model's columns."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from functions.credit.inputs.behavior import BEHAVIOR_REFERENCE_INCOME
from functions.credit.inputs.columns import COLUMNS
from functions.credit.inputs.features import feature_vector
from functions.credit.inputs.history import TooLittleHistoryError, behavior_row
from functions.credit.policies.policy import load_policy
from functions.credit.scoring import score
from tests.builders.credit import month, repayment, statement

POLICY = load_policy()
REFERENCE = POLICY.reference_minor("CNY")
DELAYS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")


def row(statements, repayments=(), as_of=None, currency="CNY", limit_minor=REFERENCE):
    return behavior_row(
        statements,
        repayments,
        limit_minor=limit_minor,
        currency=currency,
        as_of=as_of or max(one.cut_at for one in statements),
        policy=POLICY,
    )


def units(amount_minor):
    return amount_minor * BEHAVIOR_REFERENCE_INCOME / REFERENCE


def rebuild(seed):
    """Simulate an account and write its training row beside, by the file's own rule: PAY_AMTk pays BILL_AMT(k+1)."""
    chance = random.Random(seed)
    statements, repayments = [], []
    balance = late = 0
    expected = {"LIMIT_BAL": units(REFERENCE)}
    for number in range(1, 8):
        before, paid = balance, 0
        if before:
            paid = chance.choice([0, before // 10, before // 2, before])
            if paid:
                repayments.append(repayment(number - 1, paid))
        late = 0 if not before or paid else late + 1
        balance = before - paid + chance.choice([0, 0, 50_000, 120_000])
        statements.append(statement(number, balance, late))
        k = 8 - number  # cycle 1 is the latest of seven
        if k <= 6:
            delay = late or (-2 if not (balance or paid or before) else -1 if not balance or paid == before != 0 else 0)
            expected |= {DELAYS[k - 1]: delay, f"BILL_AMT{k}": units(balance), f"PAY_AMT{k}": units(paid)}
    chance.shuffle(statements)
    chance.shuffle(repayments)
    return statements, repayments, expected


@pytest.mark.parametrize("seed", range(40))
def test_an_account_s_history_becomes_its_training_row(seed):
    statements, repayments, expected = rebuild(seed)
    assert row(statements, repayments) == expected
    assert set(expected) == set(COLUMNS["behavior"])


def test_the_columns_can_be_scored_and_a_currency_changes_nothing():
    statements, repayments, _ = rebuild(1)
    ours = score("behavior", row(statements, repayments))

    def scaled(amount_minor):
        return amount_minor * POLICY.reference_minor("JPY") // REFERENCE

    yen = row(
        [statement(one.cut_at.month, scaled(one.outstanding_minor), one.months_late) for one in statements],
        [repayment(one.confirmed_at.month, scaled(one.amount_minor)) for one in repayments],
        currency="JPY",
        limit_minor=scaled(REFERENCE),
    )
    assert score("behavior", yen).pd == ours.pd


def test_a_young_account_s_earlier_cycles_are_missing_not_zero():
    columns = row([statement(1, 9_000), statement(2, 5_000), statement(3, 4_000)], [repayment(1, 4_000)])
    assert [columns[f"BILL_AMT{k}"] for k in range(1, 7)] == [
        units(4_000),
        units(5_000),
        units(9_000),
        None,
        None,
        None,
    ]
    assert [columns[name] for name in DELAYS] == [0, 0, 0, None, None, None]
    assert [columns[f"PAY_AMT{k}"] for k in range(1, 7)] == [0.0, units(4_000), None, None, None, None]
    assert 0 < score("behavior", columns).pd < 1


def test_standing_is_told_apart_without_arrears():
    unused = row([statement(n, 0) for n in (1, 2, 3)])
    assert [unused[name] for name in DELAYS[:3]] == [-2, -2, -2]
    paid = row([statement(1, 100), statement(2, 100), statement(3, 0)], [repayment(1, 50), repayment(2, 100)])
    assert [paid[name] for name in DELAYS[:3]] == [-1, 0, 0]
    renewed = row([statement(1, 100), statement(2, 70), statement(3, 80)], [repayment(1, 100), repayment(2, 70)])
    assert [renewed[name] for name in DELAYS[:2]] == [-1, -1]


def test_months_late_come_before_any_standing():
    assert row([statement(1, 100), statement(2, 100), statement(3, 0, months_late=2)])["PAY_0"] == 2


def test_what_is_learned_later_restates_nothing():
    statements = [statement(n, 50_000) for n in range(1, 6)]
    repayments = [repayment(n, 5_000) for n in range(1, 5)]
    then = row(statements, repayments, as_of=month(5))
    later_facts = [
        *[repayment(4, 5_000, reversed_at=month(5) + timedelta(hours=1)) if one.confirmed_at.month == 4 else one
          for one in repayments],
        repayment(5, 40_000),
    ]  # fmt: skip
    assert row([*statements, statement(6, 1)], later_facts, as_of=month(5)) == then
    assert row([*statements, statement(6, 1)], later_facts, as_of=month(6))["PAY_AMT1"] == units(40_000)


def test_a_repayment_reversed_before_the_cut_was_no_repayment():
    statements = [statement(n, 50_000) for n in (1, 2, 3)]
    taken_back = repayment(2, 5_000, reversed_at=month(3) - timedelta(days=1))
    assert row(statements, [taken_back])["PAY_AMT1"] == 0.0


def test_a_repayment_at_the_very_cut_belongs_to_the_cycle_it_ends():
    statements = [statement(n, 50_000) for n in (1, 2, 3, 4)]
    columns = row(statements, [repayment(3, 700, day=1)])
    assert (columns["PAY_AMT1"], columns["PAY_AMT2"]) == (0.0, units(700))


def test_two_statements_are_too_few_and_the_error_counts_them():
    with pytest.raises(TooLittleHistoryError) as refused:
        row([statement(1, 0), statement(2, 0)])
    assert refused.value.extra == {"statements": 2, "needed": 3}


def test_one_and_two_months_late_are_one_bin_in_history_and_two_now():
    base = dict.fromkeys(DELAYS, 0) | {"LIMIT_BAL": 10_000.0}
    assert (
        feature_vector("behavior", {**base, "PAY_3": 1})[4:12] == feature_vector("behavior", {**base, "PAY_3": 2})[4:12]
    )
    assert feature_vector("behavior", {**base, "PAY_0": 1})[1] != feature_vector("behavior", {**base, "PAY_0": 2})[1]
