"""A living limit: down at once, up slowly, never fluttering."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from functions.credit.limits import (
    TEXTS,
    TemporaryLimit,
    TemporaryLimitRefusedError,
    grant_temporary,
    review_limit,
)
from functions.credit.policies.policy import load_policy
from functions.credit.upkeep.values import Alert
from tests.builders.credit import TODAY, behavior_score, line

POLICY = load_policy()
OFFSET = POLICY.offset("default", "behavior")


def score_for(pd):
    return behavior_score(math.log(pd / (1 - pd)) - OFFSET)


GOOD, POOR = score_for(0.003), score_for(0.2)


def review(facts, score=GOOD, on=TODAY):
    return review_limit(facts, score, POLICY, on)


def test_paying_on_time_and_using_the_line_raises_it_by_a_fifth_at_most():
    change = review(line())
    assert (change.kind, change.code) == ("raise", "good_standing")
    assert 1_000_000 < change.after_minor <= 1_200_000
    assert change.before_minor == 1_000_000
    assert change.model_version == "behavior-test"
    assert change.policy_hash == POLICY.hash


NO_RAISE = {
    "no consent": {"raise_consent": False},
    "frozen": {"status": "frozen"},
    "too few statements": {"statements": 2, "on_time_streak": 2, "income_updated": True},
    "short streak": {"on_time_streak": 5},
    "hardly used": {"utilisation_bps": 2_999},
    "raised 89 days ago": {"last_raise_on": TODAY - timedelta(89)},
    "opened 89 days ago": {"opened_on": TODAY - timedelta(89)},
    "a debt was written off": {"written_off": True},
    "cut 179 days ago": {"last_cut_on": TODAY - timedelta(179), "last_cut_code": "M1"},
    "income unknown": {"income_minor": None},
    "income does not carry more": {"income_minor": 400_000},
}


@pytest.mark.parametrize("facts", NO_RAISE.values(), ids=NO_RAISE)
def test_no_raise(facts):
    assert review(line(**facts)) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"last_raise_on": TODAY - timedelta(90)},
        {"opened_on": TODAY - timedelta(90)},
        {"last_cut_on": TODAY - timedelta(180), "last_cut_code": "M1"},
    ],
)
def test_a_raise_comes_on_the_day_the_wait_ends(facts):
    assert review(line(**facts)).kind == "raise"


def test_an_income_update_raises_with_a_shorter_streak():
    change = review(line(on_time_streak=3, utilisation_bps=0, income_updated=True))
    assert (change.kind, change.code) == ("raise", "income_update")


def test_between_the_cut_off_and_the_raise_threshold_nothing_moves():
    between = score_for((POLICY.dynamic.raise_pd_at_most + POLICY.dynamic.cut_pd_over) / 2)
    assert review(line(), between) is None


def test_without_a_score_nothing_rises_and_events_still_cut():
    assert review(line(), None) is None
    assert review(line(days_past_due=1), None).code == "M1"


CUTS = {
    "M1": ({"days_past_due": 1}, GOOD, 800_000),
    "bureau": ({"bureau_worse": True}, GOOD, 700_000),
    "pd": ({}, POOR, 700_000),
    "income": ({"income_updated": True, "income_minor": 310_000}, GOOD, 700_000),
}


@pytest.mark.parametrize("code", CUTS)
def test_a_cut_comes_at_once_and_says_why(code):
    facts, score, after = CUTS[code]
    change = review(line(last_raise_on=TODAY - timedelta(1), **facts), score)
    assert (change.kind, change.code, change.after_minor, change.freezes) == ("cut", code, after, False)


def test_a_cut_never_goes_under_what_is_promised():
    change = review(line(days_past_due=1, held_minor=100_000, outstanding_minor=850_000))
    assert change.after_minor == 950_000
    assert review(line(days_past_due=1, outstanding_minor=1_100_000)) is None


def test_one_cause_cuts_once_in_a_cooldown_and_a_new_one_again():
    cut = {"last_cut_on": TODAY - timedelta(30), "last_cut_code": "M1"}
    assert review(line(days_past_due=20, **cut)) is None
    assert review(line(days_past_due=20, bureau_worse=True, **cut)).code == "bureau"
    later = {"last_cut_on": TODAY - timedelta(90), "last_cut_code": "M1"}
    assert review(line(days_past_due=20, **later)).code == "M1"


def alert(severity, case_id="case_1"):
    return Alert("alr_1", severity, case_id, datetime(2026, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("severity", ["high", "critical"])
def test_a_grave_alert_freezes_until_its_case_lifts_it_and_leaves_the_limit(severity):
    change = review(line(alert=alert(severity), alert_open=True, temporary=SEASON))
    assert (change.kind, change.code, change.freezes, change.actor) == ("freeze", "alert", True, "rule:case_1")
    assert (change.before_minor, change.after_minor, change.temporary) == (1_300_000, 1_300_000, SEASON)
    assert change.observed["alert_id"] == "alr_1"


@pytest.mark.parametrize("lesser", [alert("medium"), alert("critical", None)])
def test_an_alert_that_is_lesser_or_that_no_case_would_lift_bars_raises_alone(lesser):
    assert review(line(alert=lesser, alert_open=True)) is None
    assert review(line(status="frozen", frozen_code="delinquency_frozen", alert_open=True)).kind == "lift"


def test_a_debt_written_off_freezes_what_is_free_and_only_a_person_lifts():
    change = review(line(charge_off=True, written_off=True))
    assert (change.kind, change.code, change.freezes, change.after_minor) == ("freeze", "charged_off", True, 400_000)
    assert review(line(status="frozen", frozen_code="charged_off", written_off=True)) is None
    assert review(line(status="frozen", frozen_code="delinquency_frozen", written_off=True)) is None


def test_thirty_one_days_overdue_freezes_and_takes_what_is_free():
    assert review(line(days_past_due=30)).kind == "cut"
    change = review(line(days_past_due=31))
    assert (change.kind, change.freezes, change.after_minor) == ("freeze", True, 400_000)


def test_a_frozen_line_is_not_frozen_again_but_may_be_cut():
    assert review(line(status="frozen", alert_open=True)) is None
    assert review(line(status="frozen", days_past_due=40)).code == "M2"


def test_a_closed_line_is_left_alone():
    assert review(line(status="closed", days_past_due=90, alert_open=True)) is None


SEASON = TemporaryLimit(300_000, TODAY + timedelta(30))


def test_a_temporary_limit_lies_on_top_and_ends_after_its_last_day():
    change = grant_temporary(line(), GOOD, POLICY, TODAY, SEASON)
    assert (change.kind, change.before_minor, change.after_minor) == ("temporary_start", 1_000_000, 1_300_000)
    assert change.base_limit_minor == 1_000_000
    wearing = line(temporary=SEASON, raise_consent=False)
    assert wearing.limit_minor(SEASON.until_on) == 1_300_000
    assert wearing.limit_minor(SEASON.until_on + timedelta(1)) == 1_000_000
    assert review(wearing, on=SEASON.until_on) is None
    ended = review(wearing, on=SEASON.until_on + timedelta(1))
    assert (ended.kind, ended.before_minor, ended.after_minor) == ("temporary_end", 1_300_000, 1_000_000)
    assert ended.temporary is None


def test_a_cut_takes_the_temporary_part_with_it():
    change = review(line(days_past_due=1, temporary=SEASON))
    assert (change.before_minor, change.after_minor, change.temporary) == (1_300_000, 800_000, None)


def test_a_raise_keeps_the_temporary_part():
    change = review(line(temporary=SEASON))
    assert change.temporary == SEASON
    assert change.after_minor == change.base_limit_minor + 300_000


REFUSED = {
    "not active": ({"status": "frozen"}, SEASON),
    "not agreed": ({"raise_consent": False}, SEASON),
    "overdue": ({"days_past_due": 1}, SEASON),
    "alert": ({"alert_open": True}, SEASON),
    "on already": ({"temporary": SEASON}, SEASON),
    "1 … 300000": ({}, TemporaryLimit(300_001, SEASON.until_on)),
    "1 … 45 days": ({}, TemporaryLimit(1, TODAY + timedelta(46))),
    "income": ({"income_minor": 400_000}, SEASON),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_temporary_limit_is_refused_saying_why(sentence):
    facts, asked = REFUSED[sentence]
    with pytest.raises(TemporaryLimitRefusedError, match=sentence):
        grant_temporary(line(**facts), GOOD, POLICY, TODAY, asked)


def test_every_change_is_told_in_both_languages():
    for english, chinese in TEXTS.values():
        assert english.isascii()
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_a_year_of_good_months_never_rises_faster_than_the_cooldown():
    facts, raises = line(opened_on=date(2026, 1, 1)), []
    for week in range(53):
        on = date(2026, 3, 1) + timedelta(7 * week)
        change = review(facts, on=on)
        if change:
            raises.append(on)
            assert change.base_limit_minor <= facts.base_limit_minor * 12 // 10
            facts = line(base_limit_minor=change.base_limit_minor, last_raise_on=on, opened_on=facts.opened_on)
    assert len(raises) >= 3
    assert all((later - earlier).days >= 90 for earlier, later in pairwise(raises))
