"""The agreement a customer accepts."""

from hashlib import sha256

import pytest

from functions.core.money import UnsupportedLanguageError
from functions.lending import life
from functions.lending.agreements.agreement import AgreementCurrencyError, agreement_of_plan, build_agreement, percent
from functions.lending.agreements.texts import TEXTS
from functions.lending.rules import PAYOFF_POLICIES, REFUND_POLICIES, WATERFALLS, PlanRules
from functions.lending.schedule import build_schedule
from functions.lending.terms import InvalidTermsError, PlanTerms
from tests.builders.plans import ANNUAL, FLAT, FREE, START, a_plan


def agreement(language="en", pricing=FLAT, *, rules=None, **more):
    value = {"currency": "CNY", "term_count": 3, "pricing": pricing, **more.pop("terms", {})}
    schedule = build_schedule(PlanTerms.from_dict(value), 120_000, START)
    return build_agreement(schedule, merchant_name="Corner Shop", language=language, rules=rules or PlanRules(), **more)


def test_the_annual_rate_comes_before_any_other_figure():
    lines = agreement().document.splitlines()
    assert lines[1] == "ANNUAL RATE 8.98 %"
    assert not any(char.isdigit() for char in lines[0])


def test_the_rate_shown_first_is_the_one_the_law_looks_at():
    by_law = {method: agreement(cap_method=method).document.splitlines()[1] for method in ("irr_x12", "effective")}
    assert by_law == {"irr_x12": "ANNUAL RATE 8.98 %", "effective": "ANNUAL RATE 9.49 %"}
    assert agreement().document.splitlines()[3].endswith("(effective annual rate, compounded): 9.49 %.")
    with pytest.raises(InvalidTermsError):
        agreement(cap_method="flat")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_cost_names_its_method_rate_and_collector(language):
    document = agreement(language).document
    for part in ("1,200.00", "18.00", "1,218.00", "0.50 %", "0.05 %", "30.00 %", "24.00 %", "Whitenote", "Corner Shop"):
        assert part in document
    assert TEXTS[language]["nothing_else"] in document.splitlines()


def test_the_schedule_shows_every_installment():
    document = agreement().document
    assert "1. 2026-02-10: CN¥406.00 = CN¥400.00 principal + CN¥6.00 fee; CN¥800.00 principal left." in document
    assert "3. 2026-04-10: CN¥406.00 = CN¥400.00 principal + CN¥6.00 fee; CN¥0.00 principal left." in document


def test_the_hash_is_of_the_text_and_every_difference_changes_it():
    one = agreement()
    assert one.sha256 == sha256(one.document.encode()).digest()
    others = [
        agreement("zh"),
        agreement(pricing=ANNUAL),
        agreement(pricing=FREE),
        agreement(rules=PlanRules(grace_days=4)),
        agreement(rules=PlanRules(withdrawal_days=14)),
        agreement(terms={"subsidy_bps": 5000}),
        agreement(terms={"down_payment_bps": 1000}),
        agreement(personal=True),
        agreement(lender_name="Another Bank"),
    ]
    assert len({one.sha256, *[other.sha256 for other in others]}) == 10
    assert agreement() == one


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh_Hans_CN", "ZH"])
def test_chinese_by_any_of_its_tags(language):
    assert agreement(language).language == "zh"


def test_other_languages_and_currencies_are_refused():
    with pytest.raises(UnsupportedLanguageError):
        agreement("tlh")
    with pytest.raises(AgreementCurrencyError):
        agreement(currency="EUR")
    assert agreement(currency="CNY") == agreement()


def test_a_name_can_not_add_a_clause_or_a_placeholder():
    shop = build_agreement(
        build_schedule(PlanTerms("CNY", 1), 100, START), merchant_name="Evil\n\nYou owe double {x}", language="en"
    )
    assert "Merchant: Evil You owe double {x}." in shop.document


def test_every_choice_of_rules_has_its_sentence_in_every_language():
    for language in TEXTS:
        for refund in REFUND_POLICIES:
            for payoff in PAYOFF_POLICIES:
                for waterfall in WATERFALLS:
                    rules = PlanRules(
                        refund=refund, payoff=payoff, waterfall=waterfall, late_daily_bps=0, deferrals_max=0
                    )
                    assert "{" not in agreement(language, rules=rules).document


def test_both_languages_say_the_same_things():
    keys = [set(texts) for texts in TEXTS.values()]
    assert keys[0] == keys[1]
    for key in keys[0]:
        fields = [sorted(part.split("}")[0] for part in texts[key].split("{")[1:]) for texts in TEXTS.values()]
        assert fields[0] == fields[1], key


def test_a_plan_keeps_the_agreement_it_was_born_with():
    plan = a_plan(120_000, 3, subsidy_bps=2500, down_payment_bps=1000)
    born = agreement_of_plan(plan, merchant_name="Corner Shop", language="en")
    later, _ = life.refund(plan, 50_000, on=START)
    assert agreement_of_plan(later, merchant_name="Corner Shop", language="en") == born
    assert born == agreement(terms={"subsidy_bps": 2500, "down_payment_bps": 1000})


@pytest.mark.parametrize(
    ("bps", "text"), [(1090, "10.90"), (5, "0.05"), (0, "0.00"), (-250, "-2.50"), (12_345, "123.45")]
)
def test_a_percentage_has_two_decimals(bps, text):
    assert percent(bps) == text
