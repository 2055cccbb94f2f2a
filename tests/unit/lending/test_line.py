"""The four figures of a line."""

import pytest

from functions.lending.line import (
    CreditLine,
    LineBrokenError,
    LineChange,
    LineExhaustedError,
    LineOverdrawnError,
    freed,
    hold,
)


def test_money_moves_between_the_figures_and_the_limit_stays():
    line = CreditLine.opened(1_000).authorize(600)
    assert line == CreditLine(1_000, 400, 600, 0)
    line = line.capture(500).release(100)
    assert line == CreditLine(1_000, 500, 0, 500)
    assert line.repay(200) == CreditLine(1_000, 700, 0, 300)


def test_more_than_available_is_refused_with_what_there_is():
    with pytest.raises(LineExhaustedError) as refused:
        CreditLine.opened(1_000).authorize(1_001)
    assert refused.value.extra == {"available_minor": 1_000}


def test_a_limit_cut_may_leave_less_than_nothing_available():
    line = CreditLine.opened(1_000).authorize(800).with_limit(500)
    assert line == CreditLine(500, -300, 800, 0)
    with pytest.raises(LineExhaustedError):
        line.authorize(1)
    assert line.capture(800).outstanding_minor == 800


def test_a_reversal_puts_principal_back_below_zero_if_need_be():
    line = CreditLine.opened(1_000).authorize(1_000).capture(1_000).repay(400).authorize(400)
    assert line.reopen(400) == CreditLine(1_000, -400, 400, 1_000)


def test_a_charge_off_lowers_the_limit_by_what_leaves_outstanding():
    line = CreditLine.opened(1_000).authorize(700).capture(700).charge_off(700)
    assert line == CreditLine(300, 300, 0, 0)


def test_a_charge_off_after_a_cut_below_what_is_owed_leaves_nothing_to_authorize():
    line = CreditLine.opened(1_000).authorize(700).capture(700).with_limit(100).charge_off(500)
    assert line == CreditLine(-400, -600, 0, 200)
    with pytest.raises(LineExhaustedError):
        line.authorize(1)


def test_more_than_held_or_owed_cannot_be_taken():
    line = CreditLine.opened(1_000).authorize(300)
    for taken in (line.release, line.capture):
        with pytest.raises(LineOverdrawnError):
            taken(301)
    with pytest.raises(LineOverdrawnError):
        line.repay(1)


@pytest.mark.parametrize("figures", [(1_000, 999), (1_000, 2_000, -1_000), (1_000, 2_000, 0, -1_000)])
def test_figures_that_do_not_add_up_are_no_line(figures):
    with pytest.raises(LineBrokenError):
        CreditLine(*figures)


@pytest.mark.parametrize("amount", [0, -1, 1.0, True])
def test_a_line_moves_by_whole_positive_units(amount):
    with pytest.raises(LineBrokenError):
        CreditLine.opened(10).authorize(amount)
    with pytest.raises(LineBrokenError):
        CreditLine.opened(10).with_limit(-1)


def test_changes_add_up_in_any_order_and_undo_each_other():
    change = hold(5) + freed(3) + LineChange(limit_minor=-2, outstanding_minor=-2)
    assert change == LineChange(-2, -2, 5, -5)
    assert change - change == LineChange()
    with pytest.raises(LineBrokenError):
        LineChange(limit_minor=1)
