"""What may be learned from: matured outcomes as of their decision, rejects without one, nobody forgotten on request."""

from __future__ import annotations

from functions.credit.deciding.record import read_record
from functions.credit.models.in_force import score_batch
from functions.credit.models.outcomes import labelled
from functions.credit.models.rows import shown_row
from functions.credit.service import decision_record
from functions.customers import magic
from functions.customers.service import plan_erasure
from functions.platform.storage.transactions import commit
from tests.builders.platform import Platform
from tests.builders.shop import a_shop
from tests.integration.credit.test_lines import a_line
from tests.integration.credit.test_reviews import months


def test_a_line_too_young_to_tell_teaches_nothing(platform: Platform) -> None:
    months(a_line(platform), 1, 2)
    assert list(labelled("application")) == []


def test_a_bad_line_is_learned_from_as_it_was_seen_at_its_decision(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 1, days_past_due=65)
    [one] = labelled("application")
    shown = shown_row(read_record(decision_record(shop.application["id"], shop.customer_id)))
    assert shown is not None
    assert (one.bad, one.row, one.logit) == (True, shown.row, shown.logit)


def test_a_referred_applicant_is_a_reject_until_approved_and_a_hard_stop_is_nothing(platform: Platform) -> None:
    a_shop(platform, magic.BUREAU_TIMES_OUT)
    a_shop(platform, magic.DECLINED)
    assert [one.bad for one in labelled("application")] == [None]


def test_each_cut_after_the_third_is_an_outcome_of_the_ones_before(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 4)
    months(shop, 5, 5, days_past_due=40)
    learned = list(labelled("behavior"))
    assert [one.bad for one in learned] == [False, True]
    for one in learned:  # two months of one account, each with what the champion thinks of it
        assert (one.subject, one.logit) == (shop.application["id"], score_batch("behavior", (one.row,))[0].logit)


def test_nothing_is_learned_from_who_asked_to_be_forgotten(platform: Platform) -> None:
    shop = a_line(platform)
    months(shop, 1, 1, days_past_due=65)
    commit(platform.tables, plan_erasure(shop.customer_id, "req"))
    assert list(labelled("application")) == []
