"""The verdict on who somebody is, what they agreed to, and the sandbox's magic numbers."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from functions.core.ids import new_id
from functions.customers import consents, magic
from functions.customers.consents import CONSENTS, Consent
from functions.customers.details import normal_phone
from functions.customers.identity import Identity, check_details, decided_by_staff, judge
from functions.customers.ports import Applicant, IdentityAnswer
from functions.customers.sign_in import code_of

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
TODAY = date(2026, 11, 22)
APPLICANT = Applicant("王小明", "+8613800138000", "resident_id", "110101199003140016", date(1990, 3, 14), "CN")
GOOD = IdentityAnswer("provider", "ref-1", details_match=True, watch_listed=False)


def checks(**changes):
    return check_details(dataclasses.replace(APPLICANT, **changes), TODAY)


def test_good_details_pass_every_check():
    assert checks() == {"document_number": True, "birth_date": True, "majority": True}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"document_number": "110101199003140017"}, {"document_number"}),
        ({"born_on": date(1990, 3, 15)}, {"birth_date"}),
        ({"born_on": date(2010, 3, 14)}, {"birth_date", "majority"}),
        ({"document_type": "passport", "document_number": "E1234567", "born_on": date(2008, 11, 23)}, {"majority"}),
        ({"document_type": "passport", "document_number": "E1234567", "born_on": date(2008, 11, 22)}, set()),
    ],
)
def test_each_wrong_detail_fails_its_own_check(changes, failed):
    assert {code for code, passed in checks(**changes).items() if not passed} == failed


@pytest.mark.parametrize(
    ("found", "answer", "status", "reasons"),
    [
        ({"majority": True}, GOOD, "verified", ()),
        ({"majority": True}, None, "identity_pending", ()),
        ({"majority": False}, None, "identity_failed", ("underage",)),
        ({"document_number": False, "birth_date": False}, None, "identity_failed",
         ("document_invalid", "details_do_not_match")),
        ({"majority": True}, dataclasses.replace(GOOD, details_match=False), "identity_failed",
         ("details_do_not_match",)),
        ({"majority": True}, dataclasses.replace(GOOD, watch_listed=True), "identity_failed", ("not_accepted",)),
    ],
)  # fmt: skip
def test_the_verdict(found, answer, status, reasons):
    verdict = judge(found, answer, AT)
    assert (verdict.status, verdict.reasons) == (status, reasons)


def test_a_watch_list_is_never_confirmed_to_the_one_on_it():
    verdict = judge({}, dataclasses.replace(GOOD, watch_listed=True), AT)
    assert "watch" not in "".join(verdict.reasons)


def test_the_verdict_says_who_gave_it():
    assert (judge({}, GOOD, AT).provider, judge({}, GOOD, AT).reference) == ("provider", "ref-1")
    assert judge({"majority": False}, None, AT).provider == "details"
    staff = decided_by_staff(judge({}, None, AT), "stf_1", "saw the passport", AT, accepted=True)
    assert (staff.status, staff.provider, staff.reference) == ("verified", "staff:stf_1", "saw the passport")
    assert decided_by_staff(staff, "stf_1", "forged", AT, accepted=False).reasons == ("not_accepted",)


def test_a_verdict_comes_back_from_store():
    verdict = judge({"majority": True}, GOOD, AT)
    assert Identity.unpack(verdict.pack()) == verdict


def test_personal_data_shows_in_no_repr():
    for value in ("王小明", "13800138000", "110101199003140016", "1990"):
        assert value not in repr(APPLICANT)


LATER = AT + timedelta(days=1)


def test_an_answer_is_kept_with_wording_and_instant():
    assert consents.answered({}, {"marketing": True}, AT) == {"marketing": Consent(True, CONSENTS["marketing"], AT)}


def test_saying_the_same_again_keeps_the_first_instant():
    before = consents.answered({}, {"marketing": True, "bureau_query": False}, AT)
    after = consents.answered(before, {"marketing": True, "bureau_query": False}, LATER)
    assert after == before
    assert consents.changed(before, after) == {}


def test_taking_back_and_refusing_are_answers():
    before = consents.answered({}, {"marketing": True, "bureau_query": True}, AT)
    after = consents.answered(before, {"marketing": False}, LATER)
    assert after["marketing"] == Consent(False, CONSENTS["marketing"], LATER)
    assert after["bureau_query"] == before["bureau_query"]
    assert list(consents.changed(before, after)) == ["marketing"]


def test_agreeing_again_to_a_new_wording_is_a_new_answer():
    old = {"marketing": Consent(True, "2025-01", AT)}
    assert consents.answered(old, {"marketing": True}, LATER)["marketing"].at == LATER


def test_consents_come_back_from_store():
    given = consents.answered({}, dict.fromkeys(CONSENTS, True), AT)
    assert consents.unpack(consents.pack(given)) == given


def test_the_documented_magic_numbers_are_those_of_the_table():
    text = (Path(__file__).parents[3] / "docs/sandbox.md").read_text()
    rows = re.findall(r"^\| `(\+86 [0-9]{7}) xxxx` \| (\w+) \|", text, re.MULTILINE)
    assert {number.replace(" ", ""): meaning for number, meaning in rows} == dict(magic.MAGIC_PHONES)
    assert magic.MAGIC_CODE in text
    for name in magic.WATCH_LISTED_NAMES:
        assert name in text


@pytest.mark.parametrize(("prefix", "meaning"), magic.MAGIC_PHONES.items())
def test_any_last_four_digits_make_the_same_happen(prefix, meaning):
    for digits in ("0000", "9999", "1234"):
        assert magic.meaning_of(normal_phone(prefix + digits)) == meaning


@pytest.mark.parametrize("phone", ["+8613800138000", "+86100000", "+861000001", "+86100000112345", "+447911123456"])
def test_other_numbers_are_ordinary(phone):
    assert magic.meaning_of(phone) is None


def test_a_code_is_six_digits_of_its_challenge_and_of_the_secret():
    challenges = [new_id("cha", AT) for _ in range(500)]
    codes = [code_of(b"s" * 32, challenge) for challenge in challenges]
    assert all(re.fullmatch(r"\d{6}", code) for code in codes)
    assert len(set(codes)) > 490
    assert codes[0] == code_of(b"s" * 32, challenges[0])
    assert codes != [code_of(b"t" * 32, challenge) for challenge in challenges]
