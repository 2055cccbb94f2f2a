"""Laws of days, and the published day-count examples."""

from __future__ import annotations

import json
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import QuantLib as ql  # noqa: N813  its own documentation's name
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.calendar import DAY_COUNTS, add_months, day_count_fraction, days_in_month, next_business_day
from tests.builders.effort import effort

QUICK = settings(max_examples=effort(40), deadline=None)
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "day_count.json").read_text())
PEERS = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30E/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
    "actual/365": ql.Actual365Fixed(),
    "actual/360": ql.Actual360(),
    "actual/actual-isda": ql.ActualActual(ql.ActualActual.ISDA),
}
days = st.dates(date(1950, 1, 1), date(2150, 12, 31))


def peer_day(on: date) -> ql.Date:
    return ql.Date(on.day, on.month, on.year)


@pytest.mark.parametrize(("start", "end", "bond", "eurobond"), VECTORS["thirty_days"])
def test_months_of_thirty_days_as_isda_tabulates_them(start, end, bond, eurobond):
    period = date.fromisoformat(start), date.fromisoformat(end)
    assert day_count_fraction(*period, "30/360") == Fraction(bond, 360)
    assert day_count_fraction(*period, "30E/360") == Fraction(eurobond, 360)


@pytest.mark.parametrize(("start", "end", "parts"), VECTORS["actual_actual"])
def test_actual_actual_as_isda_works_it_out(start, end, parts):
    expected = sum(Fraction(part.strip()) for part in parts.split("+"))
    assert day_count_fraction(date.fromisoformat(start), date.fromisoformat(end), "actual/actual-isda") == expected


@QUICK
@given(days, days, st.sampled_from(list(DAY_COUNTS)))
def test_day_counts_agree_with_quantlib(one, two, convention):
    start, end = min(one, two), max(one, two)
    expected = PEERS[convention].yearFraction(peer_day(start), peer_day(end))
    assert float(day_count_fraction(start, end, convention)) == pytest.approx(expected, rel=0, abs=1e-10)


@QUICK
@given(days, days, days, st.sampled_from(["actual/365", "actual/360", "actual/actual-isda"]))
def test_actual_day_counts_add_up(one, two, three, convention):
    start, middle, end = sorted([one, two, three])
    whole = day_count_fraction(start, end, convention)
    assert whole == day_count_fraction(start, middle, convention) + day_count_fraction(middle, end, convention)


@QUICK
@given(days, st.integers(-600, 600))
def test_the_day_is_the_anchors_or_the_months_last(start, months):
    end = add_months(start, months)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == min(start.day, days_in_month(end.year, end.month))


@QUICK
@given(
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["CN", "US", "DE-BY", "GB", "ECB", "JP"]),
)
def test_rolls_end_on_the_nearest_business_day_of_their_side(on, calendar):
    following, preceding = (next_business_day(on, calendar, roll) for roll in ("following", "preceding"))
    modified = next_business_day(on, calendar, "modified_following")
    assert preceding <= on <= following
    assert modified == (following if following.month == on.month else preceding)
    assert next_business_day(following, calendar, "following") == following
    between = [on + timedelta(days=k) for k in range((following - on).days)]
    assert all(next_business_day(day, calendar, "preceding") != day for day in between)
