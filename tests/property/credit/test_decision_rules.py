"""What holds of every decision, whatever is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.credit.deciding.application import count_finances
from functions.credit.deciding.facts import (
    BureauResult,
    IdentityResult,
    IncomeResult,
    PurchaseHistory,
    StatedFinances,
)
from functions.credit.policies.policy import load_policy
from functions.credit.replay import replay
from tests.builders.credit import TODAY, application, decision
from tests.builders.effort import effort

POLICY = load_policy()
RANK = {"declined": 0, "referred": 1, "approved": 2}
money = st.integers(0, 50_000_000)
maybe_money = st.none() | money
years = st.none() | st.floats(0, 60, allow_nan=False)
earlier = st.builds(
    StatedFinances,
    st.integers(-5, 60).map(lambda n: TODAY - timedelta(n)),
    money,
    money,
    money,
    money,
    st.floats(0, 60),
)
applications = st.builds(
    application,
    currency=st.sampled_from(["CNY", "USD", "JPY"]),
    requested_limit_minor=st.integers(0, 10**9),
    income_minor=maybe_money,
    expenses_minor=maybe_money,
    assets_minor=maybe_money,
    debts_minor=maybe_money,
    housing=st.sampled_from([None, "owner", "rent", "parents", "private", "ignore", "other"]),
    job=st.sampled_from([None, "fixed", "freelance", "partime", "others"]),
    seniority_years=years,
    age_years=st.integers(0, 120),
    order_price_minor=st.none() | st.integers(1, 10**9),
    earlier=st.lists(earlier, max_size=2).map(tuple),
)
match = st.sampled_from(["match", "mismatch", "unavailable"])
identities = st.builds(
    IdentityResult,
    document_valid=st.sampled_from([True, True, True, False, None]),
    name_phone=match,
    watch_list=st.sampled_from(["clear", "clear", "hit", "unavailable"]),
    device=st.sampled_from(["trusted", "unknown", "suspicious", "blocked"]),
    has_line=st.sampled_from([False, False, False, True]),
)
bureaus = st.builds(
    BureauResult,
    st.sampled_from(["hit", "no_hit", "unavailable"]),
    open_defaults=st.sampled_from([0, 0, 0, 1]),
    past_defaults=st.integers(0, 4),
    inquiries_90d=st.integers(0, 12),
    debts_minor=maybe_money,
)
incomes = st.builds(
    IncomeResult, st.sampled_from(["verified", "not_verified", "not_asked", "unavailable"]), maybe_money
)
purchases = st.none() | st.builds(
    PurchaseHistory, st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.just("con_1"), st.just("shop")
)


@settings(max_examples=effort(50), deadline=None)
@given(applications, identities, bureaus, incomes, purchases)
def test_every_decision_is_whole_within_policy_and_replays(facts, identity, bureau, income, history):
    made = decision(facts, identity=identity, bureau=bureau, income=income, purchases=history)
    silent = (
        identity.document_valid is None
        or "unavailable" in (identity.name_phone, identity.watch_list, bureau.status, income.status)
    )  # fmt: skip
    if silent:
        assert made.outcome != "approved"
    if made.outcome == "approved":
        assert made.limit_minor > 0
        assert made.reasons == ()
        assert all(rule.outcome == "pass" for rule in made.rules)
    else:
        assert 1 <= len({reason.code for reason in made.reasons}) == len(made.reasons) <= 4
    if made.outcome == "declined":
        assert made.limit_minor == 0
    assert made.limit_minor <= facts.requested_limit_minor
    assert (made.grade is None) == (made.limit_minor == 0) == (made.allowed_terms == ())
    if made.limit_minor:
        assert made.pd_portfolio <= POLICY.grades["application"]["E"]
        assert made.limit_minor in POLICY.limit_grid(facts.currency)
    assert replay(made.record) == made


@settings(max_examples=effort(25), deadline=None)
@given(applications, bureaus)
def test_a_worse_bureau_report_never_helps(facts, bureau):
    clean = replace(bureau, status="hit", open_defaults=0, past_defaults=0, inquiries_90d=0)
    worse = replace(bureau, status="hit", past_defaults=max(1, bureau.past_defaults))
    better_made, worse_made = decision(facts, bureau=clean), decision(facts, bureau=worse)
    assert RANK[worse_made.outcome] <= RANK[better_made.outcome]
    assert worse_made.limit_minor <= better_made.limit_minor


@settings(max_examples=effort(25), deadline=None)
@given(applications, st.integers(1, 5_000_000))
def test_more_expenses_or_debts_never_raise_the_limit_s_installment_room(facts, more):
    """The room for installments only shrinks; the probability's own direction is the model's."""
    spent = replace(facts, expenses_minor=(facts.expenses_minor or 0) + more)
    owed = replace(facts, debts_minor=(facts.debts_minor or 0) + more)
    rooms = [
        count_finances(one, BureauResult("hit"), IncomeResult(), POLICY).disposable_minor(POLICY.debt_service_bps_month)
        for one in (facts, spent, owed)
    ]
    if rooms[0] is not None:
        assert rooms[1] <= rooms[0]
        assert rooms[2] <= rooms[0]


@settings(max_examples=effort(25), deadline=None)
@given(applications, bureaus)
def test_probability_never_falls_as_the_limit_grows(facts, bureau):
    limits = json.loads(decision(facts, bureau=bureau).record)["limits"]
    logits = [one["logit"] for one in limits]
    assert all(later >= before - 1e-6 for before, later in pairwise(logits))
