"""The mark of a command that waits for somebody outside."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pynamodb.expressions.operand import Path

from functions.core.errors import IdempotencyKeyReusedError, InProgressError
from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage.transactions import Check, ConditionFailedError, WriteSet, commit
from functions.platform.web.context import Command
from functions.platform.web.started import LEASE, begin
from tests.builders.platform import START

ONE = Command(b"key-0001", b"body-001", "one")
OTHER_BODY = Command(b"key-0001", b"body-002", "one")
OTHER_KEY = Command(b"key-0002", b"body-001", "two")


def start(platform, command=ONE, after=timedelta(), unchanged=None):
    return begin(platform.tables, "cus_1", command, START + after, unchanged or WriteSet())


@pytest.mark.parametrize("command", [ONE, OTHER_KEY], ids=["the same", "another command on the same object"])
def test_while_one_is_at_it_others_wait_and_hear_how_long(platform, command):
    start(platform)
    with pytest.raises(InProgressError) as raised:
        start(platform, command, timedelta(seconds=10.5))
    assert (raised.value.status, raised.value.code, raised.value.retry_after_s) == (409, "in_progress", 20)


def test_the_same_key_with_another_body_is_refused_at_once(platform):
    start(platform)
    with pytest.raises(IdempotencyKeyReusedError):
        start(platform, OTHER_BODY)


def test_when_it_is_done_the_mark_is_gone(platform):
    commit(platform.tables, start(platform).done())
    assert platform.items() == []


def test_when_it_failed_the_next_may_begin_at_once(platform):
    start(platform).release()
    start(platform)


def test_a_dead_ones_mark_is_taken_over_when_its_lease_is_over(platform):
    start(platform)
    with pytest.raises(InProgressError):
        start(platform, after=LEASE - timedelta(milliseconds=1))
    start(platform, after=LEASE)


def test_who_was_overtaken_can_neither_finish_nor_free_the_mark(platform):
    slow = start(platform)
    quick = start(platform, after=LEASE)
    with pytest.raises(InProgressError):
        commit(platform.tables, slow.done())
    slow.release()
    commit(platform.tables, quick.done())


def test_a_mark_that_cannot_be_freed_is_left_to_its_lease(platform):
    mark = start(platform)
    with platform.failing("TransactWriteItems"):
        mark.release()
    assert len(platform.items()) == 1


def test_a_forgotten_mark_is_swept_away_by_ttl(platform):
    start(platform)
    assert int(platform.items()[0]["ttl"]["N"]) == int((START + timedelta(hours=1)).timestamp())


def test_who_read_before_another_finished_does_not_begin(platform):
    there = WriteSet.of(Check(ClockItem, "thing", "-", Path("pk").exists()))
    with pytest.raises(ConditionFailedError):
        start(platform, unchanged=there)
    assert platform.items() == []


def test_work_that_fails_inside_frees_the_mark(platform):
    with pytest.raises(ValueError, match="outside"), start(platform):
        raise ValueError("outside")
    assert platform.items() == []
