"""Cursors nobody can move, limits that hold, errors in one form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from functions.core.errors import FieldError, InvalidError, TooManyRequestsError, WhitenoteError
from functions.platform.web.pagination import page, page_limit, seal, unseal
from functions.platform.web.problems import problem
from functions.platform.web.schema import AmountMinor, Body, DayBody, InstantBody

SECRET = b"s" * 32
KEY = {"pk": {"S": "list#mer_1#orders"}, "sk": {"S": "1795334400000#chk_1"}}


def test_a_cursor_leads_back_to_its_place():
    assert unseal(SECRET, "mer_1", seal(SECRET, "mer_1", KEY)) == KEY


def test_the_end_of_a_list_has_no_cursor():
    assert seal(SECRET, "mer_1", None) is None
    assert unseal(SECRET, "mer_1", None) is None


@pytest.mark.parametrize(("secret", "scope"), [(SECRET, "mer_2"), (b"other", "mer_1")])
def test_a_cursor_of_another_list_is_refused(secret, scope):
    with pytest.raises(InvalidError) as raised:
        unseal(secret, scope, seal(SECRET, "mer_1", KEY))
    assert raised.value.errors[0].pointer == "cursor"


@given(st.text(max_size=60))
def test_garbage_is_no_cursor(text):
    with pytest.raises(InvalidError):
        unseal(SECRET, "mer_1", text)


@given(st.data())
def test_a_cursor_cannot_be_moved(data):
    cursor = seal(SECRET, "mer_1", KEY)
    place = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.sampled_from("ABCxyz019").filter(lambda c: c != cursor[place]))
    with pytest.raises(InvalidError):
        unseal(SECRET, "mer_1", cursor[:place] + other + cursor[place + 1 :])


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("20", 20), ("100", 100), ("007", 7)])
def test_limits_of_1_to_100_are_good(text, limit):
    assert page_limit({"limit": text}) == limit


@pytest.mark.parametrize(
    "text", ["0", "101", "-1", "1.5", "", " 1", "1e2", "٣", "00101", "0001000000", "9" * 5000, "abc", "0x10"]
)
def test_every_other_limit_is_refused(text):
    with pytest.raises(InvalidError) as raised:
        page_limit({"limit": text})
    assert raised.value.errors[0].pointer == "limit"


def test_twenty_is_the_limit_of_who_says_nothing():
    assert page_limit({}) == 20


def test_a_page_has_its_two_members():
    assert page([1, 2], "next", str) == {"data": ["1", "2"], "next_cursor": "next"}


def test_an_error_is_a_problem_document_with_its_further_members():
    error = InvalidError("too much", errors=(FieldError("/amount_minor", "out_of_range", "at most 5"),), left_minor=5)
    status, body, headers = problem(error, "req-1")
    assert status == 422
    assert headers == {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    assert body == {
        "type": "https://whitenote.example/problems/invalid",
        "title": "The request is understood but wrong",
        "status": 422,
        "detail": "too much",
        "code": "invalid",
        "request_id": "req-1",
        "left_minor": 5,
        "errors": [{"pointer": "/amount_minor", "code": "out_of_range", "detail": "at most 5"}],
    }


def test_too_many_requests_say_when_to_come_back_in_both_headers():
    _, _, headers = problem(TooManyRequestsError(retry_after_s=30), "r")
    assert headers["Retry-After"] == "30"
    assert headers["RateLimit"] == '"rate_limited";r=0;t=30'


def test_our_own_failure_says_nothing_of_its_cause():
    status, body, _ = problem(WhitenoteError(), "r")
    assert (status, body["code"], body["detail"]) == (500, "internal", "Something failed on our side")


class Order(Body):
    amount_minor: AmountMinor
    kind: str = Field(default="a", pattern="^[a-z]$")
    lines: list[dict[str, int]] = Field(default=[])
    on: DayBody | None = None
    at: InstantBody | None = None


@pytest.mark.parametrize(
    ("value", "pointer", "code"),
    [
        ({}, "/amount_minor", "required"),
        ({"amount_minor": 0}, "/amount_minor", "out_of_range"),
        ({"amount_minor": 10**12 + 1}, "/amount_minor", "out_of_range"),
        ({"amount_minor": "1"}, "/amount_minor", "not_an_integer"),
        ({"amount_minor": 1.0}, "/amount_minor", "not_an_integer"),
        ({"amount_minor": True}, "/amount_minor", "not_an_integer"),
        ({"amount_minor": 1, "amount": 1}, "/amount", "unknown_field"),
        ({"amount_minor": 1, "a/b~c": 1}, "/a~1b~0c", "unknown_field"),
        ({"amount_minor": 1, "kind": "Z"}, "/kind", "invalid_format"),
        ({"amount_minor": 1, "lines": [{"n": "x"}]}, "/lines/0/n", "not_an_integer"),
    ],
)
def test_a_wrong_field_is_named_by_pointer_and_code(value, pointer, code):
    with pytest.raises(InvalidError) as raised:
        Order.of(value)
    assert [(e.pointer, e.code) for e in raised.value.errors] == [(pointer, code)]


@pytest.mark.parametrize(
    "value", [0, 86400, 1.0, "0", "86400", True, "2026-12-10T00:00:00Z", "20261210", "2026-02-30", ""]
)
def test_a_day_is_what_is_written_as_one_and_never_a_number(value):
    with pytest.raises(InvalidError) as raised:
        Order.of({"amount_minor": 1, "on": value})
    assert [(e.pointer, e.code) for e in raised.value.errors] == [("/on", "invalid")]


@pytest.mark.parametrize(
    "value",
    [0, 1796000000, "1796000000", True, "2026-12-10", "2026-12-10T00:00:00", "9999-12-31T23:59:59-14:00"],
)  # fmt: skip
def test_an_instant_is_what_is_written_as_one_with_its_offset(value):
    with pytest.raises(InvalidError) as raised:
        Order.of({"amount_minor": 1, "at": value})
    assert [(e.pointer, e.code) for e in raised.value.errors] == [("/at", "invalid")]
    assert str(value) not in raised.value.detail


def test_days_and_instants_come_as_they_are_written():
    order = Order.of({"amount_minor": 1, "on": "2028-02-29", "at": "2026-12-10T08:00:00+08:00"})
    assert (order.on, order.at) == (date(2028, 2, 29), datetime(2026, 12, 10, tzinfo=UTC))


def test_refusals_speak_of_json_and_not_of_python():
    class Basket(Body):
        things: Annotated[tuple[int, ...], Field(max_length=1, strict=False)]

    details = []
    for value in ({"things": "x"}, {"things": [1, 2]}):
        with pytest.raises(InvalidError) as raised:
            Basket.of(value)
        details.append(raised.value.detail)
    with pytest.raises(InvalidError) as raised:
        Order.of({"amount_minor": 1, "on": 0})
    assert [*details, raised.value.detail] == [
        "/things: Input should be a valid array",
        "/things: Array should have at most 1 item after validation, not 2",
        "/on: a day is written YYYY-MM-DD",
    ]


def test_the_refused_value_is_not_repeated():
    with pytest.raises(InvalidError) as raised:
        Order.of({"amount_minor": 1, "kind": "13800138000"})
    assert "13800138000" not in str(raised.value.errors) + raised.value.detail
