"""Reading the tables."""

from __future__ import annotations

import pytest
from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet, commit


class Row(Item):
    text = UnicodeAttribute(attr_name="t", null=True)
    amount = IntegerAttribute(attr_name="a", null=True)
    raw = BinaryAttribute(legacy_encoding=False, attr_name="r", null=True)


def put(platform, *rows):
    for start in range(0, len(rows), 100):
        commit(platform.tables, WriteSet.of(*(Put(row) for row in rows[start : start + 100])))


def test_an_item_comes_back_as_it_was_written(platform):
    put(platform, Row(pk="a", sk="1", text="京东", amount=10**30, raw=b"\x00\xff"))
    row = platform.tables.get(Row, "a", "1")
    assert (row.pk, row.sk, row.text, row.amount, row.raw) == ("a", "1", "京东", 10**30, b"\x00\xff")


def test_the_sort_key_of_an_item_by_itself_is_a_dash(platform):
    put(platform, Row(pk="a"))
    assert platform.tables.get(Row, "a").sk == "-"


def test_a_fraction_is_not_an_integer(platform):
    with pytest.raises(ValueError, match="integer"):
        put(platform, Row(pk="a", amount=1.5))


def test_a_batch_answers_in_the_order_asked_with_none_for_what_is_not_there(platform):
    put(platform, Row(pk="a"), Row(pk="b"))
    found = platform.tables.batch_get([(Row, "b", "-"), (Row, "x", "-"), (Row, "a", "-"), (Row, "b", "-")])
    assert [row and row.pk for row in found] == ["b", None, "a", "b"]


def test_a_batch_of_nothing_asks_nobody(platform):
    with platform.metered() as meter:
        assert platform.tables.batch_get([]) == []
    assert meter.requests == []


def test_a_batch_over_a_hundred_is_refused(platform):
    with pytest.raises(ValueError, match="100"):
        platform.tables.batch_get([(Row, str(n), "-") for n in range(101)])


def test_keys_that_were_left_unprocessed_are_asked_for_again(platform):
    put(platform, *(Row(pk=str(n)) for n in range(5)))
    client = platform.tables.connection.client
    original, calls = client._make_api_call, []

    def stingy(name, parameters):
        """Answers two keys at a time, as DynamoDB may."""
        ((table, wanted),) = parameters["RequestItems"].items()
        calls.append(len(wanted["Keys"]))
        first = {**parameters, "RequestItems": {table: {**wanted, "Keys": wanted["Keys"][:2]}}}
        answer = original(name, first)
        rest = wanted["Keys"][2:]
        return {**answer, "UnprocessedKeys": {table: {"Keys": rest}} if rest else {}}

    client._make_api_call = stingy
    try:
        found = platform.tables.batch_get([(Row, str(n), "-") for n in range(5)])
    finally:
        client._make_api_call = original
    assert [row.pk for row in found] == list("01234")
    assert calls == [5, 3, 1]


def test_a_query_goes_on_from_where_it_stopped(platform):
    put(platform, *(Row(pk="list", sk=f"{n:03d}") for n in range(7)))
    seen, place = [], None
    while True:
        rows, place = platform.tables.query(Row, "list", limit=3, start=place)
        seen += [row.sk for row in rows]
        if place is None:
            break
    assert seen == [f"{n:03d}" for n in range(7)]


def test_a_query_may_be_narrowed_and_turned_round(platform):
    put(platform, *(Row(pk="list", sk=f"{kind}#{n}") for kind in "ab" for n in range(3)))
    rows, _ = platform.tables.query(Row, "list", limit=10, sort=Path("sk").startswith("b#"), forward=False)
    assert [row.sk for row in rows] == ["b#2", "b#1", "b#0"]


def test_no_request_describes_a_table(platform):
    with platform.metered() as meter:
        put(platform, Row(pk="a"))
        platform.tables.get(Row, "a")
        platform.tables.query(Row, "a", limit=1)
    assert meter.requests == ["TransactWriteItems", "GetItem", "Query"]
