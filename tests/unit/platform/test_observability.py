"""Log lines carry no personal datum and no secret."""

from __future__ import annotations

import io
import json
import logging

import pytest

from functions.platform.observability import MASK, log, scrub, scrub_text

PLANTED = {
    "phone": "+86 138 0013 8000",
    "bare phone": "13800138000",
    "document": "110101199003140032",
    "document with X": "11010119900314003X",
    "card": "6222 0212 3456 7890",
    "e-mail": "xiaoming.wang@example.com",
    "key": "sk_test_de73597c31799eb977f5b1351cc16926bd4e82c639c91ab1",
    "webhook secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjdXNfMSJ9.c2lnbmF0dXJl",
    "birthday": "1990-03-14",
}
OURS = ["cus_0XNSNSDE2XF312CNKCNTFA976D", "auth_01M8149T00M2EJK8GBGVR9GNFJ", "2026-11-22T08:00:00.000Z"]


@pytest.fixture
def lines():
    """What the logger has written, line by line."""
    handler = log().registered_handler
    stream, before = io.StringIO(), handler.stream
    handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    handler.setStream(before)
    log().remove_keys(["request_id"])


@pytest.mark.parametrize("value", PLANTED.values(), ids=PLANTED)
def test_a_planted_value_is_masked_wherever_it_stands(lines, value):
    log().info(f"could not reach {value} today", extra={"note": f"<{value}>", "deep": {"list": [value]}})
    try:
        raise ValueError(f"refused {value}")
    except ValueError:
        log().exception("failed")
    written = json.dumps(lines(), ensure_ascii=False)
    assert value not in written
    assert written.count(MASK) >= 4


@pytest.mark.parametrize(
    "key",
    ["full_name", "Phone", "email", "document_number", "access_token", "api_secret", "cookie", "birth_on", "address",
     "otp", "income_minor", "authorization", "verification_code", "body", "iban"],
)  # fmt: skip
def test_what_stands_under_a_private_name_is_hidden_whole(lines, key):
    log().info("x", extra={key: "王小明", "deep": [{key: {"first": "小明"}}]})
    assert "小明" not in json.dumps(lines(), ensure_ascii=False)


@pytest.mark.parametrize("own", OURS)
def test_our_own_ids_and_instants_stay_readable(own):
    assert scrub_text(f"object {own}, again {own}") == f"object {own}, again {own}"


def test_an_id_beside_a_phone_stays_and_the_phone_goes():
    assert scrub_text(f"{OURS[0]} 13800138000 {OURS[2]}") == f"{OURS[0]} {MASK} {OURS[2]}"


@pytest.mark.parametrize("key", ["error_code", "status_code", "code", "table_name"])
def test_public_names_that_look_private_are_kept(key):
    assert scrub({key: "not_found"}) == {key: "not_found"}


def test_numbers_booleans_and_none_pass():
    assert scrub({"attempt": 3, "ok": True, "left": None}) == {"attempt": 3, "ok": True, "left": None}


def test_a_line_is_json_with_service_and_request_id(lines):
    log().append_keys(request_id="0d5c2f5e-94ac-4bf9-a9d6-1f3f1c1f8a11")
    log().info("hello")
    (line,) = lines()
    assert line["message"] == "hello"
    assert line["request_id"] == "0d5c2f5e-94ac-4bf9-a9d6-1f3f1c1f8a11"
    assert line["level"] == logging.getLevelName(logging.INFO)
