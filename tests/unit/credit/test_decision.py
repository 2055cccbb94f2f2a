"""The decision: hard stops, referrals, limits, price, reasons, record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.core.money import UnsupportedCurrencyError
from functions.credit.deciding.facts import BureauResult, IdentityResult, IncomeResult, PurchaseHistory, StatedFinances
from functions.credit.deciding.grant import installment_minor
from functions.credit.policies.policy import InvalidPolicyError, load_policy, parse_policy
from functions.credit.policies.rules import LIMIT_REASONS, RULES
from functions.credit.scoring import score_batch
from tests.builders.credit import HIT, TODAY, application, decision

POLICY = load_policy()
LOYAL = PurchaseHistory(tenure_months=36, orders=40, returned=1, consent_id="con_1", source="test")


def changed_policy(**changes):
    return parse_policy({**POLICY.source, **changes})


def test_an_ordinary_applicant_is_approved_with_limit_price_and_terms():
    made = decision()
    assert made.outcome == "approved"
    assert made.limit_minor in POLICY.limit_grid("CNY")
    tier = POLICY.tiers[made.grade]
    assert (made.price_tier, made.fee_bps_month, made.allowed_terms) == (made.grade, tier.fee_bps_month, tier.terms)
    assert made.reasons == ()


HARD_STOPS = [
    ("under_age", {"age_years": 17}, {}, {}),
    ("document_invalid", {}, {"document_valid": False}, {}),
    ("line_exists", {}, {"has_line": True}, {}),
    ("device_blocked", {}, {"device": "blocked"}, {}),
    ("bureau_open_defaults", {}, {}, {"open_defaults": 1}),
    ("bureau_past_defaults", {}, {}, {"past_defaults": 3}),
]


@pytest.mark.parametrize(("code", "facts", "identity", "bureau"), HARD_STOPS)
def test_a_hard_stop_declines_without_a_score(code, facts, identity, bureau):
    made = decision(application(**facts), identity=IdentityResult(**identity), bureau=replace(HIT, **bureau))
    assert (made.outcome, made.limit_minor, made.grade, made.pd, made.allowed_terms) == ("declined", 0, None, None, ())
    assert [reason.code for reason in made.reasons] == [code]


DOUBTS = [
    ("watch_list", {"watch_list": "hit"}, HIT, IncomeResult()),
    ("name_phone_mismatch", {"name_phone": "mismatch"}, HIT, IncomeResult()),
    ("device_suspicious", {"device": "suspicious"}, HIT, IncomeResult()),
    ("identity_unavailable", {"document_valid": None}, HIT, IncomeResult()),
    ("identity_unavailable", {"name_phone": "unavailable"}, HIT, IncomeResult()),
    ("identity_unavailable", {"watch_list": "unavailable"}, HIT, IncomeResult()),
    ("bureau_unavailable", {}, BureauResult("unavailable"), IncomeResult()),
    ("bureau_inquiries", {}, replace(HIT, inquiries_90d=8), IncomeResult()),
    ("income_unavailable", {}, HIT, IncomeResult("unavailable")),
]


@pytest.mark.parametrize(("code", "identity", "bureau", "income"), DOUBTS)
def test_a_doubt_or_a_silent_source_refers_and_never_approves(code, identity, bureau, income):
    made = decision(identity=IdentityResult(**identity), bureau=bureau, income=income)
    assert made.outcome == "referred"
    assert made.limit_minor > 0
    assert [reason.code for reason in made.reasons] == [code]


def test_every_rule_of_the_table_has_struck_in_these_tests():
    struck = {code for code, *_ in HARD_STOPS} | {code for code, *_ in DOUBTS} | {"income_missing"}
    assert struck == {rule.code for rule in RULES}


def test_a_timeout_turns_a_decline_by_score_into_a_referral():
    poor = application(income_minor=310_000)
    assert decision(poor, policy=changed_policy(**_no_limit_passes())).outcome == "declined"
    silent = decision(poor, bureau=BureauResult("unavailable"), policy=changed_policy(**_no_limit_passes()))
    assert (silent.outcome, silent.limit_minor) == ("referred", 0)


def _no_limit_passes():
    grades = {model: dict(zip("ABCDE", (1e-9, 2e-9, 3e-9, 4e-9, 5e-9), strict=True)) for model in POLICY.grades}
    return {"grades": grades, "refer_pd_at_most": 6e-9}


def test_no_stated_income_goes_to_a_person():
    made = decision(application(income_minor=None))
    assert (made.outcome, made.limit_minor, made.reasons[0].code) == ("referred", 0, "income_missing")


def test_over_the_cut_off_declines_with_the_model_s_reasons():
    made = decision(bureau=replace(HIT, past_defaults=1), policy=changed_policy(**_no_limit_passes()))
    assert (made.outcome, made.limit_minor, made.grade) == ("declined", 0, None)
    assert made.reasons[0].code == "records"
    assert 1 <= len(made.reasons) <= 4


def test_a_little_over_the_cut_off_goes_to_a_person():
    made = decision(policy=changed_policy(grades=_no_limit_passes()["grades"], refer_pd_at_most=1.0))
    assert (made.outcome, made.limit_minor, made.reasons[0].code) == ("referred", 0, "pd_borderline")


def test_a_borderline_case_that_income_does_not_carry_is_no_case_for_a_person():
    """Else a worse probability would turn a decline into a referral."""
    policy = changed_policy(grades=_no_limit_passes()["grades"], refer_pd_at_most=1.0)
    made = decision(application(income_minor=300_000, expenses_minor=300_000), policy=policy)
    assert (made.outcome, made.reasons[0].code) == ("declined", "disposable_income")


def test_income_that_carries_no_installment_declines():
    made = decision(application(income_minor=300_000, expenses_minor=300_000))
    assert (made.outcome, made.limit_minor, made.reasons[0].code) == ("declined", 0, "disposable_income")


def test_asking_for_less_than_the_smallest_line_declines():
    made = decision(application(requested_limit_minor=POLICY.limit_grid("CNY")[0] - 1))
    assert (made.outcome, made.reasons[0].code, made.pd) == ("declined", "request_below_minimum", None)


def test_the_limit_never_exceeds_what_was_asked():
    for asked in POLICY.limit_grid("CNY"):
        assert decision(application(requested_limit_minor=asked)).limit_minor <= asked


def test_the_limit_is_the_largest_that_cut_off_installment_and_caps_allow():
    made = decision()
    limits = json.loads(made.record)["limits"]
    assert made.limit_minor == max(one["limit_minor"] for one in limits if one["passes"])
    for one in limits:
        if one["grade"]:
            tier = POLICY.tiers[one["grade"]]
            assert one["installment_minor"] == installment_minor(one["limit_minor"], tier.fee_bps_month, 12)
            assert one["affordable"] == (one["installment_minor"] * 10_000 <= 600_000 * tier.installment_share_bps)


def test_the_installment_is_principal_and_fee_rounded_up():
    assert installment_minor(120_000, 50, 12) == 10_600
    assert installment_minor(100, 0, 12) == 9


def test_a_bureau_that_knows_nobody_is_no_clean_record_and_caps_the_limit():
    known, unknown = decision(), decision(bureau=BureauResult("no_hit"))
    thin = POLICY.of_reference("CNY", POLICY.bureau["thin_file_cap_reference_bps"])
    assert unknown.limit_minor <= thin < known.limit_minor
    contributions = [json.loads(one.record)["contributions"]["records"] for one in (known, unknown)]
    assert contributions[0] < contributions[1]


def test_unproven_income_over_the_threshold_takes_a_haircut():
    ceiling = POLICY.of_reference("CNY", POLICY.income["verify_over_reference_bps"])
    counted = [
        json.loads(decision(application(income_minor=2 * ceiling), income=proof).record)["counted"]["income_minor"]
        for proof in (
            IncomeResult(),
            IncomeResult("not_verified"),
            IncomeResult("verified", 2 * ceiling),
            IncomeResult("verified", ceiling // 2),
        )
    ]
    assert counted == [ceiling * 3 // 2, ceiling * 3 // 2, 2 * ceiling, ceiling // 2]


def test_debts_are_the_larger_of_stated_and_reported():
    made = decision(application(debts_minor=100), bureau=replace(HIT, debts_minor=5_000_000))
    assert json.loads(made.record)["counted"]["debts_minor"] == 5_000_000


def test_applying_again_within_the_window_counts_the_worst_of_each_figure():
    def earlier(days):
        return StatedFinances(TODAY - timedelta(days), 500_000, 350_000, 0, 2_000_000, 1.0)

    inside = json.loads(decision(application(earlier=(earlier(30),))).record)["counted"]
    assert (inside["income_minor"], inside["expenses_minor"], inside["assets_minor"]) == (500_000, 350_000, 0)
    assert (inside["debts_minor"], inside["seniority_years"], inside["earlier_counted"]) == (2_000_000, 1.0, 1)
    outside = decision(application(earlier=(earlier(31),)))
    assert json.loads(outside.record)["counted"]["income_minor"] == 900_000
    assert outside.limit_minor == decision().limit_minor


def test_purchase_history_raises_by_one_step_at_most_and_never_past_a_sound_limit():
    thin = BureauResult("no_hit")
    without, loyal = decision(bureau=thin), decision(bureau=thin, purchases=LOYAL)
    grid = POLICY.limit_grid("CNY")
    assert grid.index(loyal.limit_minor) == grid.index(without.limit_minor) + 1
    assert json.loads(loyal.record)["decision"]["purchase_history_step"] is True
    poor = application(income_minor=310_000)
    bound = decision(poor, purchases=LOYAL)  # bound by the installment, not by a cap
    assert bound.limit_minor == decision(poor).limit_minor


@pytest.mark.parametrize(
    "change", [{"tenure_months": 11}, {"orders": 11, "returned": 0}, {"returned": 9}, {"orders": 0}]
)
def test_poor_purchase_history_changes_nothing(change):
    thin = BureauResult("no_hit")
    assert decision(bureau=thin, purchases=replace(LOYAL, **change)).limit_minor == decision(bureau=thin).limit_minor


def test_one_person_has_one_probability_in_every_currency():
    def same(currency):
        reference = POLICY.reference_minor(currency)
        return application(
            currency=currency,
            requested_limit_minor=6 * reference,
            income_minor=reference * 9 // 8,
            expenses_minor=reference * 3 // 8,
            assets_minor=reference * 25 // 2,
            debts_minor=reference // 4,
            order_price_minor=reference // 2,
        )

    made = [decision(same(currency)) for currency in ("CNY", "USD", "JPY", "KWD", "INR")]
    assert len({(one.pd, one.pd_portfolio, one.grade, one.points) for one in made}) == 1
    shares = {one.limit_minor * 10_000 / POLICY.reference_minor(one.currency) for one in made}
    assert len(shares) == 1


def test_probabilities_of_the_portfolio_are_shifted_not_the_sample_s():
    worse = {"default": {**POLICY.portfolio_offsets["default"], "application": -1.0}}
    usual, shifted = decision(), decision(policy=changed_policy(portfolio_offsets=worse))
    assert shifted.pd_portfolio > usual.pd_portfolio
    first = [json.loads(one.record)["limits"][0]["logit"] for one in (usual, shifted)]
    assert first[0] == first[1]


def test_an_unknown_currency_or_portfolio_is_refused():
    with pytest.raises(UnsupportedCurrencyError):
        decision(application(currency="XAU"))
    with pytest.raises(InvalidPolicyError):
        decision(application(portfolio="elsewhere", age_years=3))


def test_reasons_are_four_at_most_in_both_languages():
    everything = decision(
        application(age_years=3),
        identity=IdentityResult(document_valid=False, has_line=True, device="blocked"),
        bureau=replace(HIT, open_defaults=5, past_defaults=9),
    )
    assert [one.code for one in everything.reasons] == [
        "under_age",
        "document_invalid",
        "line_exists",
        "device_blocked",
    ]
    for told in [*RULES, *LIMIT_REASONS.values()]:
        assert told.text_en.isascii()
        assert any("\u4e00" <= character <= "\u9fff" for character in told.text_zh)


def test_age_reaches_no_feature():
    assert decision(application(age_years=18)).pd == decision(application(age_years=99)).pd


def test_the_record_holds_all_that_was_looked_at():
    record = json.loads(decision(purchases=LOYAL).record)
    assert record["inputs"]["purchase_history"]["consent_id"] == "con_1"
    assert record["policy_hash"] == POLICY.hash
    assert record["model_version"] == score_batch("application", [{}])[0].model_version
    assert [rule["code"] for rule in record["rules"]] == [rule.code for rule in RULES]
    assert len(record["inputs_sha256"]) == 64
