"""What holds of every review of a limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.credit.limits import TemporaryLimit, review_limit
from functions.credit.policies.policy import load_policy
from functions.credit.upkeep.values import Alert
from tests.builders.credit import TODAY, behavior_score, line
from tests.builders.effort import effort

POLICY = load_policy()
days_ago = st.integers(0, 400).map(lambda n: TODAY - timedelta(n))
lines = st.builds(
    line,
    base_limit_minor=st.integers(0, 10_000_000),
    held_minor=st.integers(0, 3_000_000),
    outstanding_minor=st.integers(0, 12_000_000),
    status=st.sampled_from(["active", "active", "frozen", "closed"]),
    opened_on=days_ago,
    statements=st.integers(0, 24),
    on_time_streak=st.integers(0, 24),
    utilisation_bps=st.integers(0, 12_000),
    days_past_due=st.sampled_from([0, 0, 0, 1, 29, 30, 31, 90]),
    raise_consent=st.booleans(),
    income_minor=st.none() | st.integers(0, 5_000_000),
    expenses_minor=st.integers(0, 3_000_000),
    income_updated=st.booleans(),
    alert_open=st.sampled_from([False, False, False, True]),
    alert=st.sampled_from([None, None, Alert("alr_1", "high", "case_1", datetime(2026, 6, 1, tzinfo=UTC))]),
    bureau_worse=st.sampled_from([False, False, False, True]),
    last_raise_on=st.none() | days_ago,
    last_cut_on=st.none() | days_ago,
    last_cut_code=st.sampled_from(["", "M1", "pd", "bureau"]),
    temporary=st.none()
    | st.builds(TemporaryLimit, st.integers(1, 500_000), st.integers(-5, 5).map(lambda n: TODAY + timedelta(n))),
)
scores = st.none() | st.floats(-12, 6).map(behavior_score)


@settings(max_examples=effort(100), deadline=None)
@given(lines, scores)
def test_a_change_is_lawful_whatever_the_line(facts, score):
    change = review_limit(facts, score, POLICY, TODAY)
    if change is None:
        return
    assert facts.status != "closed"
    base = facts.base_limit_minor
    if change.kind == "raise":
        assert base < change.base_limit_minor <= base * 12 // 10
        assert facts.raise_consent
        assert not facts.days_past_due
        assert not facts.alert_open
        assert (TODAY - (facts.last_raise_on or facts.opened_on)).days >= 90
        assert facts.income_minor is not None
        assert score is not None
    else:
        assert change.base_limit_minor <= base
        assert change.after_minor <= change.before_minor
        assert change.base_limit_minor >= min(base, facts.committed_minor)
    assert change.freezes == (change.kind == "freeze")
    assert change.after_minor == change.base_limit_minor + (change.temporary.extra_minor if change.temporary else 0)


@settings(max_examples=effort(100), deadline=None)
@given(lines, scores)
def test_a_review_right_after_a_cut_or_raise_stands_still(facts, score):
    """Applying a change and looking again the same day never raises and never repeats the cut."""
    from dataclasses import replace

    change = review_limit(facts, score, POLICY, TODAY)
    if change is None or change.kind not in {"cut", "raise"}:
        return
    applied = replace(
        facts,
        base_limit_minor=change.base_limit_minor,
        temporary=change.temporary,
        last_cut_on=TODAY if change.kind == "cut" else facts.last_cut_on,
        last_cut_code=change.code if change.kind == "cut" else facts.last_cut_code,
        last_raise_on=TODAY if change.kind == "raise" else facts.last_raise_on,
    )
    again = review_limit(applied, score, POLICY, TODAY)
    assert again is None or again.kind != "raise"
    assert again is None or again.code != change.code
