"""Annual rates: what is refused, and rates at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from functions.core.calendar import InvalidDateError
from functions.core.errors import InvalidError
from functions.lending.apr import InvalidFlowError, NoRateError, effective_apr, eu_years, irr_annual, reg_z_apr

START = date(2026, 1, 31)


def near(value):
    return pytest.approx(Decimal(value), abs=Decimal("1e-18"))


def test_a_rate_of_zero_is_zero_exactly():
    assert effective_apr([(1200, 0), *[(-100, Fraction(k, 12)) for k in range(1, 13)]]) == 0
    assert reg_z_apr([(300, 0, 0)], [(100, k, Fraction(1, 3)) for k in range(3)], 12) == 0


@pytest.mark.parametrize("odd", [Fraction(1, 3), Decimal("0.25"), 0.5, 0, 1])
@pytest.mark.parametrize("per_year", [12, Fraction(365, 30), Decimal("12.5"), 26.0])
def test_times_and_years_come_as_any_kind_of_number(odd, per_year):
    rate = reg_z_apr([(100_000, 0, 0)], [(51_000, 0, odd), (51_000, 1, odd)], per_year)
    i = rate / 100 / (Decimal(Fraction(per_year).numerator) / Fraction(per_year).denominator)
    f = Decimal(Fraction(odd).numerator) / Fraction(odd).denominator
    assert 51_000 / (1 + f * i) + 51_000 / ((1 + f * i) * (1 + i)) == pytest.approx(100_000, abs=Decimal("1e-18"))


def test_a_whole_odd_period_is_a_unit_period():
    assert reg_z_apr([(100, 0, 0)], [(110, 0, 1)], 1) == reg_z_apr([(100, 0, 0)], [(110, 1, 0)], 1) == near("10")


@pytest.mark.parametrize(
    ("flows", "percent"),
    [
        ([(100, 0), (-1, 1)], "-99"),
        ([(10**9, 0), (-1, 1)], "-99.9999999"),
        ([(100, 0), (-50, Fraction(1, 2))], "-75"),
        ([(10**12, 0), (-(10**12) - 1, 1)], "1E-10"),
        ([(1, 0), (-(10**6), 1)], "99999900"),
        ([(100, 0.0), (-121, 2.0)], "10"),
        ([(-100, Decimal(0)), (121, Decimal(2))], "10"),
        ([(100, -3), (-121, -1)], "10"),
    ],
)
def test_rates_tiny_huge_and_negative_are_found(flows, percent):
    assert effective_apr(flows) == near(percent)


def test_a_rate_beyond_any_float_is_found():
    rate = effective_apr([(1, 0), (-(10**30), Fraction(1, 365))])
    assert rate == pytest.approx(Decimal(10) ** 10952, rel=Decimal("1e-20"))


@pytest.mark.parametrize(
    ("flows", "percent"),
    [
        ([(-100, 0), (230, 1), (-132, 2)], "10"),  # 10 % and 20 %: the lower
        ([(-100, 0), (220, 1), (-121, 2)], "10"),  # touches zero at 10 % and nowhere crosses it
        ([(-1000, 0), (3600, 1), (-4310, 2), (1716, 3)], "10"),  # 10 %, 20 % and 30 %
    ],
)
def test_of_several_rates_the_lowest_above_zero_counts(flows, percent):
    assert effective_apr(flows) == near(percent)


def test_a_later_drawdown_has_a_rate():
    rate = effective_apr([(1000, 0), (-300, Fraction(1, 4)), (500, Fraction(1, 2)), (-1400, 1)])
    worth = sum(
        Decimal(amount) / (1 + rate / 100) ** Decimal(years)
        for amount, years in [(1000, 0), (-300, "0.25"), (500, "0.5"), (-1400, 1)]
    )
    assert worth == near(0)
    assert rate > 0


@pytest.mark.parametrize(
    "flows",
    [
        [],
        [(100, 0)],
        [(100, 0), (200, 1)],
        [(-100, 0), (-200, 1)],
        [(100, 0), (-100, 0)],
        [(0, 0), (0, 1)],
        [(100, 0), (-50, 1), (100, 2)],
        [(100, 0), (-219, 1), (121, 2)],
    ],
)
def test_flows_that_no_rate_balances_are_refused(flows):
    with pytest.raises(NoRateError) as refused:
        effective_apr(flows)
    assert (refused.value.status, refused.value.code) == (422, "no_rate")
    assert isinstance(refused.value, InvalidError)


def test_an_odd_period_may_leave_no_rate():
    with pytest.raises(NoRateError):
        reg_z_apr([(100, 0, Fraction(1, 2))], [(250, 1, 0)], 12)


@pytest.mark.parametrize(
    "arguments",
    [
        ([(100.0, 0, 0)], [(110, 1, 0)], 12),
        ([(-100, 0, 0)], [(110, 1, 0)], 12),
        ([(100, -1, 0)], [(110, 1, 0)], 12),
        ([(100, 0.5, 0)], [(110, 1, 0)], 12),
        ([(100, 0, -0.1)], [(110, 1, 0)], 12),
        ([(100, 0, 1.1)], [(110, 1, 0)], 12),
        ([(100, 0, float("nan"))], [(110, 1, 0)], 12),
        ([(100, 0, "0")], [(110, 1, 0)], 12),
        ([(100, 0, 0)], [(110, 1, 0)], 0),
        ([(100, 0, 0)], [(110, 1, 0)], -12),
        ([(100, 0, 0)], [(110, 1, 0)], Decimal("Infinity")),
        ([(True, 0, 0)], [(110, 1, 0)], 12),
    ],
)
def test_flows_by_unit_periods_must_be_well_formed(arguments):
    with pytest.raises(InvalidFlowError):
        reg_z_apr(*arguments)


@pytest.mark.parametrize("flow", [(1.5, 0), (100, float("inf")), (100, "1"), (100, True), (Decimal(1), 0)])
def test_flows_by_years_must_be_well_formed(flow):
    with pytest.raises(InvalidFlowError):
        effective_apr([flow, (-100, 1)])


def test_regular_months_from_a_month_end_are_whole_months():
    flows = [(START, 30_000), (date(2026, 2, 28), -10_100), (date(2026, 3, 31), -10_100), (date(2026, 4, 30), -10_100)]
    assert irr_annual(flows, "nominal_monthly") == reg_z_apr([(30_000, 0, 0)], [(10_100, k, 0) for k in (1, 2, 3)], 12)
    assert irr_annual(flows[::-1], "nominal_monthly") == irr_annual(flows, "nominal_monthly")


def test_odd_days_are_thirtieths_of_a_month():
    flows = [(date(2026, 1, 20), 20_000), (date(2026, 3, 10), -10_200), (date(2026, 4, 10), -10_200)]
    odd = Fraction(21, 30)
    expected = reg_z_apr([(20_000, 0, 0)], [(10_200, 1, odd), (10_200, 2, odd)], 12)
    assert irr_annual(flows, "nominal_monthly") == expected


@pytest.mark.parametrize("method", ["irr_x12", "", None])
def test_an_unknown_method_is_refused(method):
    with pytest.raises(InvalidFlowError, match="nominal_monthly, effective"):
        irr_annual([(START, 100), (date(2027, 1, 31), -110)], method)


@pytest.mark.parametrize("on", [datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01", 5])
def test_dated_flows_have_days(on):
    with pytest.raises(InvalidDateError):
        irr_annual([(on, 100), (date(2027, 1, 31), -110)], "effective")


def test_years_before_the_first_drawdown_are_refused():
    with pytest.raises(InvalidFlowError, match="30 days before"):
        eu_years(date(2026, 1, 31), date(2026, 1, 1))
