"""A recorded decision comes out the same, or says where it differs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.credit.deciding.facts import BureauResult, IdentityResult, IncomeResult, PurchaseHistory, StatedFinances
from functions.credit.deciding.record import UnreadableRecordError
from functions.credit.policies.policy import canonical, load_policy, parse_policy
from functions.credit.replay import ReplayMismatchError, replay
from functions.credit.scoring import score_batch
from tests.builders.credit import HIT, TODAY, application, decision

MADE = {
    "approved": decision,
    "referred": lambda: decision(bureau=BureauResult("unavailable"), income=IncomeResult("verified", 777_777)),
    "declined": lambda: decision(identity=IdentityResult(document_valid=False)),
    "everything given": lambda: decision(
        application(
            order_price_minor=123_456,
            seniority_years=0.1,
            earlier=(StatedFinances(TODAY - timedelta(3), 1, 2, 3, 4, 0.30000000000000004),),
        ),
        bureau=replace(HIT, debts_minor=99),
        purchases=PurchaseHistory(36, 40, 1, "con_1", "商店"),
    ),
    "another policy": lambda: decision(policy=parse_policy({**load_policy().source, "version": "older"})),
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_a_replay_is_the_same_decision_byte_for_byte(made):
    original = made()
    again = replay(original.record)
    assert again == original
    assert again.record == original.record


def altered(change):
    value = json.loads(decision().record)
    change(value)
    return canonical(value)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("decision", lambda record: record["decision"].update(limit_minor=1)),
        ("limits", lambda record: record["limits"][0].update(logit=record["limits"][0]["logit"] + 1e-12)),
        ("rules", lambda record: record["rules"][0].update(outcome="decline")),
        ("model_version", lambda record: record.update(model_version="application-older")),
        ("policy_hash", lambda record: record["policy"].update(majority_years=16)),
    ],
)
def test_an_altered_record_is_found_out_and_the_part_named(part, change):
    with pytest.raises(ReplayMismatchError) as found:
        replay(altered(change))
    assert found.value.extra["part"] == part


def test_altered_inputs_break_their_hash():
    with pytest.raises(UnreadableRecordError, match="hash"):
        replay(altered(lambda record: record["inputs"]["application"].update(income_minor=1)))


@pytest.mark.parametrize("garbage", [b"", b"[]", b"{}", b"\xff", b'{"schema": 2}', b"7"])
def test_what_is_no_record_is_refused(garbage):
    with pytest.raises(UnreadableRecordError):
        replay(garbage)


def test_another_model_is_named_as_the_cause():
    def newer(model, rows):
        return [one._replace(model_version="application-newer") for one in score_batch(model, rows)]

    with pytest.raises(ReplayMismatchError, match="application-newer"):
        replay(decision().record, newer)
