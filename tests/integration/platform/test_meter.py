"""Requests and units of known items. Source: DynamoDB developer guide, "DynamoDB read and write operations"."""

from __future__ import annotations

import pytest
from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage.table import Item
from functions.platform.storage.transactions import Check, Delete, Put, Update, WriteSet, commit

NAMES = len("pk") + len("sk") + len("-") + len("r")


class Block(Item):
    raw = BinaryAttribute(legacy_encoding=False, attr_name="r", null=True)
    index = UnicodeAttribute(attr_name="gk", null=True)
    place = UnicodeAttribute(attr_name="gs", null=True)


def block(pk: str, size: int, **index) -> Block:
    """An item of exactly this many bytes."""
    extra = sum(len(name) + len(value) for name, value in zip(("gk", "gs"), index.values(), strict=False))
    return Block(pk=pk, raw=bytes(size - NAMES - len(pk) - extra), **index)


def put(platform, *operations):
    commit(platform.tables, WriteSet.of(*(Put(op) if isinstance(op, Block) else op for op in operations)))


@pytest.mark.parametrize(("size", "units"), [(100, 2), (1024, 2), (1025, 4), (2048, 4), (2049, 6)])
def test_a_write_in_a_transaction_costs_two_for_each_started_kilobyte(platform, size, units):
    with platform.metered() as meter:
        put(platform, block("a", size))
    assert (meter.requests, meter.write_units, meter.sizes) == (["TransactWriteItems"], units, {"a|-": size})


@pytest.mark.parametrize(("before", "after", "units"), [(3000, 100, 6), (100, 3000, 6), (100, 200, 2)])
def test_the_larger_of_before_and_after_is_paid(platform, before, after, units):
    put(platform, block("a", before))
    with platform.metered() as meter:
        put(platform, block("a", after))
    assert meter.write_units == units


def test_a_check_and_a_delete_cost_what_they_touch(platform):
    put(platform, block("a", 1500), block("b", 2500))
    with platform.metered() as meter:
        put(platform, Check(Block, "a", "-", Path("pk").exists()), Delete(Block, "b", "-"))
    assert meter.write_units == 4 + 6


INDEXED = {"index": "act#0", "place": "2026-11"}


@pytest.mark.parametrize(
    ("old", "new", "units"),
    [
        ({}, INDEXED, 2 + 1),
        (INDEXED, INDEXED, 2),
        (INDEXED, {**INDEXED, "place": "2026-12"}, 2 + 2),
        (INDEXED, {}, 2 + 1),
    ],
    ids=["into", "stays", "moves", "out of"],
)
def test_an_index_entry_costs_when_it_comes_moves_or_goes(platform, old, new, units):
    put(platform, block("a", 100, **old))
    with platform.metered() as meter:
        put(platform, block("a", 100, **new))
    assert meter.write_units == units


def test_an_update_is_measured_by_its_result(platform):
    put(platform, block("a", 1000))
    with platform.metered() as meter:
        put(platform, Update(Block, "a", "-", (Path("x").set("y" * 100),)))
    assert meter.write_units == 4


@pytest.mark.parametrize(
    ("size", "consistent", "units"), [(100, False, 0.5), (4096, False, 0.5), (4097, False, 1), (100, True, 1)]
)
def test_a_read_costs_half_for_each_started_four_kilobytes(platform, size, consistent, units):
    put(platform, block("a", size))
    with platform.metered() as meter:
        platform.tables.get(Block, "a", consistent=consistent)
    assert (meter.requests, meter.read_units) == (["GetItem"], units)


def test_what_is_not_there_costs_the_smallest_read(platform):
    put(platform, block("a", 5000))
    with platform.metered() as meter:
        platform.tables.get(Block, "none")
        platform.tables.batch_get([(Block, "a", "-"), (Block, "none", "-")], consistent=True)
    assert meter.read_units == 0.5 + (2 + 1)


def test_a_query_is_rounded_once(platform):
    put(platform, *(Block(pk="list", sk=str(n), raw=bytes(1000)) for n in range(4)))
    with platform.metered() as meter:
        platform.tables.query(Block, "list", limit=10)
    assert meter.read_units == 0.5


def test_a_refused_write_is_a_request_all_the_same(platform):
    put(platform, block("a", 100))
    with platform.metered() as meter, pytest.raises(Exception, match="changed"):
        put(platform, Put(block("a", 100), Path("pk").does_not_exist()))
    assert meter.requests == ["TransactWriteItems"]


def test_the_meter_sees_nothing_after_it_was_taken_off(platform):
    with platform.metered() as meter:
        pass
    put(platform, block("a", 100))
    assert meter.requests == []
