"""Commits: everything or nothing, each failure a typed error, conflicts tried again."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.errors import NotFoundError, UnavailableError
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import (
    Check,
    ConditionFailedError,
    Delete,
    Put,
    Update,
    WriteSet,
    commit,
    create,
    replace,
    write_each,
)


class Thing(State):
    text = UnicodeAttribute(attr_name="t", null=True)
    amount = IntegerAttribute(attr_name="a", default=0)


class Booked(Item):
    ledger = True
    text = UnicodeAttribute(attr_name="t", null=True)


class LineExhaustedError(Exception):
    pass


def put(platform, *things):
    commit(platform.tables, WriteSet.of(*(Put(thing) for thing in things)))


def test_all_kinds_of_operations_happen_together_in_both_tables(platform):
    put(platform, Thing(pk="a", amount=1), Thing(pk="b"), Thing(pk="c"))
    commit(
        platform.tables,
        WriteSet.of(create(Thing(pk="new")), Update(Thing, "a", "-", (Path("a").set(Path("a") + 4),))),
        WriteSet.of(Check(Thing, "b", "-", Path("v") == 1), Delete(Thing, "c", "-"), create(Booked(pk="e"))),
    )
    assert platform.tables.get(Thing, "a").amount == 5
    assert platform.tables.get(Thing, "new").version == 1
    assert platform.tables.get(Thing, "c") is None
    assert [item["pk"]["S"] for item in platform.items("whitenote-ledger")] == ["e"]


def test_nothing_is_written_when_one_condition_fails(platform):
    put(platform, Thing(pk="a"))
    with pytest.raises(ConditionFailedError):
        commit(platform.tables, WriteSet.of(create(Thing(pk="b")), create(Thing(pk="a"))))
    assert platform.tables.get(Thing, "b") is None


def test_an_empty_commit_asks_nobody(platform):
    with platform.metered() as meter:
        commit(platform.tables, WriteSet(), WriteSet())
    assert meter.requests == []


def test_the_failed_operation_makes_its_own_error_from_the_item_as_it_is(platform):
    put(platform, Thing(pk="line", amount=30))
    seen = []

    def exhausted(raw):
        seen.append(Thing.from_raw_data(raw).amount)
        return LineExhaustedError()

    spend = Update(Thing, "line", "-", (Path("a").set(Path("a") - 50),), Path("a") >= 50, exhausted)
    with pytest.raises(LineExhaustedError):
        commit(platform.tables, WriteSet.of(create(Thing(pk="auth")), spend))
    assert seen == [30]


@pytest.mark.parametrize(
    "operation",
    [
        Update(Thing, "none", "-", (Path("a").set(1),), Path("pk").exists(), lambda raw: NotFoundError(str(raw))),
        Check(Thing, "none", "-", Path("pk").exists(), lambda raw: NotFoundError(str(raw))),
        Delete(Thing, "none", "-", Path("pk").exists(), lambda raw: NotFoundError(str(raw))),
        Put(Thing(pk="none"), Path("pk").exists(), lambda raw: NotFoundError(str(raw))),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_an_item_that_is_not_there_is_given_as_none(platform, operation):
    with pytest.raises(NotFoundError) as raised:
        commit(platform.tables, WriteSet.of(operation))
    assert raised.value.detail == "None"


def test_a_condition_without_error_of_its_own_is_a_conflict_with_the_item(platform):
    put(platform, Thing(pk="a", version=3))
    with pytest.raises(ConditionFailedError) as raised:
        commit(platform.tables, WriteSet.of(replace(Thing(pk="a", version=3), seen_version=2)))
    assert (raised.value.status, raised.value.code) == (409, "state_changed")
    assert raised.value.item["v"] == {"N": "3"}


OPERATIONS = WriteSet.of(
    Put(Thing(pk="a"), on_conflict=lambda raw: LineExhaustedError("first")),
    Put(Thing(pk="b"), on_conflict=lambda raw: LineExhaustedError("second")),
)
CONDITION, CONFLICT, NONE = "ConditionalCheckFailed", "TransactionConflict", "None"


@pytest.mark.parametrize(
    ("reasons", "error", "tries"),
    [
        ((CONDITION, NONE), LineExhaustedError, 1),
        ((NONE, CONDITION), LineExhaustedError, 1),
        ((CONFLICT, CONDITION), LineExhaustedError, 1),
        ((CONFLICT, NONE), UnavailableError, 6),
        ((NONE, "ProvisionedThroughputExceeded"), UnavailableError, 6),
        ((NONE, "ThrottlingError"), UnavailableError, 6),
        (("ValidationError", NONE), ClientError, 1),
        (("ValidationError", CONFLICT), ClientError, 1),
        (("ItemCollectionSizeLimitExceeded", NONE), ClientError, 1),
        ((NONE, NONE), ClientError, 1),
        ((), ClientError, 1),
    ],
)
def test_every_cancellation_reason_becomes_its_error(platform, reasons, error, tries):
    with (
        platform.failing("TransactWriteItems", "TransactionCanceledException", reasons=reasons) as hits,
        pytest.raises(error),
    ):
        commit(platform.tables, OPERATIONS, pause=lambda s: None)
    assert len(hits) == tries
    assert platform.items() == []


def test_of_two_failed_conditions_the_first_speaks(platform):
    with (
        platform.failing("TransactWriteItems", "TransactionCanceledException", reasons=(CONDITION, CONDITION)),
        pytest.raises(LineExhaustedError, match="first"),
    ):
        commit(platform.tables, OPERATIONS)


def test_a_conflict_is_tried_again_after_growing_pauses_that_differ(platform):
    runs = []
    for _ in range(20):
        pauses = []
        conflict = platform.failing("TransactWriteItems", "TransactionCanceledException", reasons=(CONFLICT, NONE))
        with conflict, pytest.raises(UnavailableError) as raised:
            commit(platform.tables, OPERATIONS, pause=pauses.append)
        assert raised.value.retry_after_s == 1
        runs.append(pauses)
    for attempt, pauses in enumerate(zip(*runs, strict=True)):
        assert max(pauses) <= 0.01 * 2**attempt
        assert len(set(pauses)) == len(pauses)
    assert max(max(pauses) for pauses in runs) > 0.05


def test_a_conflict_that_passes_leaves_no_trace(platform):
    with platform.failing("TransactWriteItems", "TransactionCanceledException", reasons=(CONFLICT, NONE), times=2):
        commit(platform.tables, OPERATIONS, pause=lambda s: None)
    assert len(platform.items()) == 2


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError", "RequestLimitExceeded",
     "TransactionInProgressException", "ServiceUnavailable"],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["TransactWriteItems", "GetItem", "BatchGetItem", "Query"])
def test_a_storage_that_is_away_is_503_and_says_when_to_come_back(platform, operation, code):
    action = {
        "TransactWriteItems": lambda: commit(platform.tables, OPERATIONS),
        "GetItem": lambda: platform.tables.get(Thing, "a"),
        "BatchGetItem": lambda: platform.tables.batch_get([(Thing, "a", "-")]),
        "Query": lambda: platform.tables.query(Thing, "a", limit=1),
    }[operation]
    with platform.failing(operation, code), pytest.raises(UnavailableError) as raised:
        action()
    assert raised.value.retry_after_s == 1


def test_a_mistake_of_ours_is_not_dressed_up_as_a_fault(platform):
    with platform.failing("GetItem", "ValidationException"), pytest.raises(ClientError):
        platform.tables.get(Thing, "a")


def test_after_a_lost_acknowledgement_the_retry_finds_what_was_written(platform):
    mine = WriteSet.of(create(Thing(pk="cap_1", text="mine")))
    with platform.failing("TransactWriteItems", lost=True, times=1), pytest.raises(UnavailableError):
        commit(platform.tables, mine)
    with pytest.raises(ConditionFailedError) as raised:
        commit(platform.tables, mine)
    assert Thing.from_raw_data(raised.value.item).text == "mine"


def test_the_clients_own_retry_carries_the_same_token(platform):
    """So that a transaction whose answer was lost is not judged against its own result."""
    tokens = []
    events = platform.tables.connection.client.meta.events

    def note(params, **_):
        tokens.append(params["body"])

    events.register("before-call.dynamodb.TransactWriteItems", note)
    try:
        commit(platform.tables, OPERATIONS)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", note)
    assert b'"ClientRequestToken"' in (tokens[0] if isinstance(tokens[0], bytes) else tokens[0].encode())


def test_a_transaction_is_never_cut_into_pieces(platform):
    with pytest.raises(ValueError, match="100"):
        commit(platform.tables, WriteSet.of(*(Put(Thing(pk=str(n))) for n in range(101))))


@pytest.mark.parametrize("operation", [Delete(Booked, "e", "-")])
def test_nothing_is_taken_out_of_the_ledger(platform, operation):
    with pytest.raises(TypeError, match="append-only"):
        commit(platform.tables, WriteSet.of(operation))


def test_parallel_increments_are_all_counted(platform):
    """Also shows that the tests' own lock round moto holds."""
    put(platform, Thing(pk="a"))
    add = WriteSet.of(Update(Thing, "a", "-", (Path("a").set(Path("a") + 1),)))

    def work():
        for _ in range(10):
            commit(platform.tables, add)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert platform.tables.get(Thing, "a", consistent=True).amount == 80


def test_items_written_each_by_itself_leave_what_is_newer_and_write_the_rest(platform):
    put(platform, Thing(pk="a", version=5), Thing(pk="gone"))
    writes = WriteSet.of(
        replace(Thing(pk="a", version=4), 3), create(Thing(pk="b")), Delete(Thing, "gone", "-"), Put(Thing(pk="c"))
    )
    with platform.metered() as meter:
        assert not write_each(platform.tables, writes)
    assert meter.requests == ["PutItem", "PutItem", "DeleteItem", "PutItem"]
    assert platform.tables.get(Thing, "a").version == 5
    assert [platform.tables.get(Thing, pk) is not None for pk in ("b", "c", "gone")] == [True, True, False]
    assert write_each(platform.tables, WriteSet.of(Put(Thing(pk="b"))))


def test_a_fault_among_items_written_each_by_itself_is_told(platform):
    with platform.failing("PutItem", times=1), pytest.raises(UnavailableError):
        write_each(platform.tables, WriteSet.of(Put(Thing(pk="a"))))
    with platform.failing("PutItem", "TransactionConflictException", times=1), pytest.raises(UnavailableError):
        write_each(platform.tables, WriteSet.of(Put(Thing(pk="a"))))
