"""What stands against forgetting somebody: anything that either side still owes."""

from __future__ import annotations

import pytest

from functions.privacy.obligation import LineStanding, Obligation, obligations

CLEAR = LineStanding("CNY", 0, 0)


def test_who_owes_nothing_and_is_owed_nothing_may_be_forgotten():
    assert obligations([CLEAR], {"plan_1": "paid_off", "plan_2": "refunded"}, {"CNY": 0}) == ()
    assert obligations([], {}, {}) == ()


@pytest.mark.parametrize(
    ("lines", "plans", "balances", "expected"),
    [
        ([LineStanding("CNY", 1, 0)], {}, {}, Obligation("held", "CNY")),
        ([LineStanding("USD", 0, 1)], {}, {}, Obligation("outstanding", "USD")),
        ([CLEAR], {"plan_1": "active"}, {}, Obligation("plan_open", "plan_1")),
        ([CLEAR], {"plan_1": "charged_off"}, {}, Obligation("plan_open", "plan_1")),
        ([CLEAR], {}, {"CNY": 5}, Obligation("credit_balance", "CNY")),
    ],
)
def test_one_thing_unsettled_is_named(lines, plans, balances, expected):
    assert obligations(lines, plans, balances) == (expected,)


def test_all_that_is_unsettled_is_named_in_a_stable_order():
    lines = [LineStanding("USD", 1, 1), LineStanding("CNY", 1, 0)]
    found = obligations(lines, {"plan_2": "active", "plan_1": "active"}, {"USD": 1})
    assert [(each.code, each.about) for each in found] == [
        ("credit_balance", "USD"), ("held", "CNY"), ("held", "USD"), ("outstanding", "USD"),
        ("plan_open", "plan_1"), ("plan_open", "plan_2"),
    ]  # fmt: skip
