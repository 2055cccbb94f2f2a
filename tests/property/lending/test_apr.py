"""Laws of annual rates, the published examples, and other people's solvers."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import pyxirr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from functions.lending.apr import (
    NoRateError,
    dated_rate,
    effective_apr,
    eu_years,
    irr_annual,
    level_rate,
    odd_first_rate,
    reg_z_apr,
    regular_rate,
)
from functions.lending.figures.root import CONTEXT
from tests.builders.effort import effort

QUICK = settings(max_examples=effort(25), deadline=None)
VECTORS = Path(__file__).parent.parent / "vectors"
APPENDIX_J = json.loads((VECTORS / "reg_z_appendix_j.json").read_text())
EU_APR = json.loads((VECTORS / "eu_apr.json").read_text())
EU_YEARS = json.loads((VECTORS / "eu_years.json").read_text())
SPREADSHEET = json.loads((VECTORS / "spreadsheet.json").read_text())
FLAT = json.loads((VECTORS / "flat_fees.json").read_text())


def printed(percent: Decimal, like: str) -> str:
    """To as many decimals as the example has."""
    return str(percent.quantize(Decimal(like)))


@pytest.mark.parametrize("case", APPENDIX_J, ids=lambda case: case["id"])
def test_regulation_z_examples(case):
    whole, odd = case["first"][0], Fraction(case["first"][1])
    totals = [amount for amount, count in case["payments"] for _ in range(count)]
    payments = [(amount, whole + k, odd) for k, amount in enumerate(totals)]
    rate = reg_z_apr([(case["advance"], 0, 0)], payments, Fraction(case["per_year"]))
    assert printed(rate, case["percent"]) == case["percent"]


@pytest.mark.parametrize("case", EU_APR, ids=lambda case: case["id"])
def test_european_examples(case):
    rate = effective_apr([(amount, Fraction(years)) for amount, years in case["flows"]])
    assert printed(rate, case["percent"]) == case["percent"]


@pytest.mark.parametrize(("start", "end", "years"), EU_YEARS)
def test_european_years(start, end, years):
    expected = sum(Fraction(part.strip()) for part in years.split("+"))
    assert eu_years(date.fromisoformat(start), date.fromisoformat(end)) == expected


@pytest.mark.parametrize("case", SPREADSHEET["xirr"], ids=lambda case: case["id"])
def test_spreadsheet_dated_returns(case):
    rate = irr_annual([(date.fromisoformat(on), amount) for on, amount in case["flows"]], "effective")
    assert printed(rate, case["percent"]) == case["percent"]


@pytest.mark.parametrize("case", SPREADSHEET["irr"], ids=lambda case: case["id"])
def test_spreadsheet_returns(case):
    assert (
        printed(effective_apr([(amount, k) for k, amount in enumerate(case["flows"])]), case["percent"])
        == case["percent"]
    )


@pytest.mark.parametrize("case", SPREADSHEET["rate"], ids=lambda case: case["id"])
def test_spreadsheet_rates(case):
    payments = [(case["payment"], k, 0) for k in range(1, case["count"] + 1)]
    assert printed(reg_z_apr([(case["advance"], 0, 0)], payments, 12), case["percent"]) == case["percent"]


def flat_rate(count: int, fee_percent: Fraction, first: tuple[int, Fraction] = (1, Fraction(0))) -> Decimal:
    """Of a loan so large that nothing rounds."""
    lent = 10**15 * count
    payment = lent // count + int(lent * fee_percent / 100)
    return reg_z_apr([(lent, 0, 0)], [(payment, first[0] + k, first[1]) for k in range(count)], 12)


@pytest.mark.parametrize(("count", "fee"), FLAT["highest_under_24_percent"])
def test_highest_flat_fees_under_the_chinese_cap(count, fee):
    assert flat_rate(count, Fraction(fee)) < 24
    assert flat_rate(count, Fraction(fee) + Fraction("0.001")) > 24


@pytest.mark.parametrize(("count", "fee"), FLAT["limit_of_24_percent_as_printed"])
def test_the_printed_limits_of_flat_fees_are_right_to_their_last_digit(count, fee):
    """A level payment at 2 % a month, less the principal in it; the table prints it cut or rounded."""
    limit = Fraction(2, 100) / (1 - Fraction(100, 102) ** count) - Fraction(1, count)
    assert abs(limit * 100 - Fraction(fee)) < Fraction("0.001")


@pytest.mark.parametrize("case", FLAT["nominal"], ids=lambda case: f"{case['count']} at {case['fee_percent']} %")
def test_rates_of_flat_fees(case):
    rate = flat_rate(case["count"], Fraction(case["fee_percent"]), (case["first"][0], Fraction(case["first"][1])))
    assert printed(rate, case["percent"]) == case["percent"]


amounts = st.integers(1, 10**12)
odd_fractions = st.fractions(0, 1, max_denominator=400)
loans = st.lists(st.tuples(amounts, st.integers(0, 60), odd_fractions), min_size=1, max_size=12)


@QUICK
@given(amounts, loans)
def test_the_rate_found_balances_the_flows(lent, payments):
    """Put back into the regulation's own equation, in 50 digits. Payments come after the advance."""
    payments = [(amount, whole + 1, odd) for amount, whole, odd in payments]
    rate = reg_z_apr([(lent, 0, 0)], payments, 1)
    with_digits = CONTEXT.copy()
    i = with_digits.divide(rate, 100)

    def worth(amount: int, whole: int, odd: Fraction) -> Decimal:
        f = with_digits.divide(odd.numerator, odd.denominator)
        growth = with_digits.multiply(1 + with_digits.multiply(f, i), with_digits.power(1 + i, whole))
        return with_digits.divide(amount, growth)

    assume(i > Decimal("-0.9999"))
    paid = sum(worth(*payment) for payment in payments)
    assert abs(paid / lent - 1) < Decimal("1e-20")


years = st.fractions(0, 30, max_denominator=365)
flows = st.lists(st.tuples(st.integers(-(10**9), 10**9), years), min_size=2, max_size=8)


@QUICK
@given(flows)
def test_any_flows_have_a_rate_that_balances_them_or_a_named_refusal(some):
    try:
        rate = effective_apr(some)
    except NoRateError:
        return
    grow = 1 + float(rate) / 100
    if not 1e-3 < grow < 1e3:
        return
    worth = [amount * grow ** -float(time) for amount, time in some]
    assert abs(sum(worth)) <= 1e-9 * sum(map(abs, worth))


@QUICK
@given(flows)
def test_opposite_flows_have_the_same_rate(some):
    def answer(signed):
        try:
            return effective_apr(signed)
        except NoRateError:
            return None

    there, back = answer(some), answer([(-amount, time) for amount, time in some])
    assert there == back


@QUICK
@given(amounts, loans, st.integers(2, 10**6))
def test_rates_do_not_depend_on_the_unit_of_money(lent, payments, factor):
    payments = [(amount, whole + 1, odd) for amount, whole, odd in payments]
    rate = reg_z_apr([(lent, 0, 0)], payments, 12)
    scaled = reg_z_apr([(lent * factor, 0, 0)], [(amount * factor, *when) for amount, *when in payments], 12)
    assert abs(scaled - rate) <= Decimal("1e-24") * (1 + abs(rate))


@QUICK
@given(
    st.dates(date(2000, 1, 1), date(2090, 1, 1)),
    st.integers(10**3, 10**9),
    st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 10**9)), min_size=1, max_size=12),
)
def test_dated_rates_agree_with_pyxirr(start, lent, payments):
    dated = [(start, lent), *[(start + timedelta(days=days), -amount) for days, amount in payments]]
    rate = irr_annual(dated, "effective") / 100
    assume(Decimal("-0.9") < rate < 10)
    peer = pyxirr.xirr([on for on, _ in dated], [amount for _, amount in dated])
    assume(peer is not None)
    assert float(rate) == pytest.approx(peer, rel=1e-6, abs=1e-7)


small_flows = st.lists(st.integers(-60, 60), min_size=3, max_size=5)


@QUICK
@given(small_flows)
def test_of_several_rates_the_lowest_above_zero_is_found(amounts_by_year):
    """Against every crossing on a fine grid of x = ln(1 + rate)."""
    assume(sum(amounts_by_year) != 0)

    def worth(x: float) -> float:
        return sum(amount * 2.718281828459045 ** (-x * k) for k, amount in enumerate(amounts_by_year))

    grid = [k / 250 for k in range(1, 500)]
    crossing = next((x for x in grid if worth(x - 1 / 250) * worth(x) < 0), None)
    assume(crossing is not None)
    rate = effective_apr([(amount, k) for k, amount in enumerate(amounts_by_year)])
    found = float((1 + rate / 100).ln())
    assert 0 < found <= crossing
    assert found >= crossing - 1 / 250 or abs(worth(found)) < 1e-9


payments_of = st.integers(1, 60).flatmap(lambda n: st.lists(st.integers(1, 10**9), min_size=n, max_size=n))
FLOAT_BPS = 1e-6


@QUICK
@given(payments_of, st.floats(0.4, 1.6))
def test_the_quick_regular_rate_is_the_exact_one(totals, part):
    lent = max(1, int(sum(totals) * part))
    exact = reg_z_apr([(lent, 0, 0)], [(total, k, 0) for k, total in enumerate(totals, 1)], 12) * 100
    assume(abs(exact) < 10**6)
    assert regular_rate(lent, totals) * 12e4 == pytest.approx(float(exact), rel=0, abs=FLOAT_BPS)


@QUICK
@given(st.integers(1, 60), st.integers(10, 10**9), st.integers(-9, 10**6), st.floats(1e-7, 4.0))
def test_the_closed_form_of_a_level_loan_is_the_exact_rate_or_declines(count, level, extra, cost):
    paid = level * count + extra
    lent = int(paid / (1 + cost))
    assume(0 < lent < paid)
    rate = level_rate(lent, level, level + extra, count)
    totals = [level] * (count - 1) + [level + extra]
    exact = reg_z_apr([(lent, 0, 0)], [(total, k, 0) for k, total in enumerate(totals, 1)], 12) * 100
    assume(exact < 10**6)
    assert rate == 0 or rate * 12e4 == pytest.approx(float(exact), rel=0, abs=FLOAT_BPS)
    assert regular_rate(lent, totals) * 12e4 == pytest.approx(float(exact), rel=0, abs=FLOAT_BPS)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 12, 24, 36, 60])
def test_the_closed_form_finds_the_rate_a_level_loan_was_made_from(count):
    for bps in range(150, 4000, 50):
        rate = Fraction(bps, 120_000)
        level = 10**15
        lent = round(level * (1 - 1 / (1 + rate) ** count) / rate)
        found = level_rate(lent, level, level, count) * 12e4
        assert found == pytest.approx(bps, rel=0, abs=FLOAT_BPS), bps


@QUICK
@given(payments_of, st.floats(1.0, 1.6), st.integers(0, 3), st.integers(0, 30))
def test_the_quick_rate_with_an_odd_first_period_is_the_exact_one(totals, cost, whole, odd_days):
    assume(whole or odd_days)
    lent = max(1, int(sum(totals) / cost))
    odd = Fraction(odd_days, 30)
    exact = reg_z_apr([(lent, 0, 0)], [(total, whole + k, odd) for k, total in enumerate(totals)], 12) * 100
    assume(abs(exact) < 10**6)
    assert odd_first_rate(lent, totals, whole, odd_days) * 12e4 == pytest.approx(float(exact), rel=0, abs=FLOAT_BPS)


@QUICK
@given(payments_of, st.floats(0.6, 1.6), st.data())
def test_the_quick_effective_rate_is_the_exact_one_from_any_guess(totals, cost, data):
    days = sorted(data.draw(st.lists(st.integers(5, 1900), min_size=len(totals), max_size=len(totals))))
    lent = max(1, int(sum(totals) / cost))
    exact = effective_apr([(lent, 0), *[(-total, Fraction(day, 365)) for total, day in zip(totals, days, strict=True)]])
    assume(abs(exact) < 10**4)
    guess = data.draw(st.floats(-0.5, 3))
    quick = dated_rate(lent, totals, [day / 365 for day in days], guess)
    assert quick * 1e4 == pytest.approx(float(exact) * 100, rel=0, abs=FLOAT_BPS)
