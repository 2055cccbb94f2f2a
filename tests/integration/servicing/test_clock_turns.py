"""Turns of the sandbox's clock: faults, duplicates and turns of the past neither stop it nor make it run twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage import keys
from functions.servicing import clock
from functions.servicing.clock import advance, progress
from tests.builders.machine import Machine
from tests.builders.platform import START, Platform
from tests.integration.servicing.test_clock import DAY, DONE, _alarms, put_alarm

__all__ = ["_alarms"]


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
@pytest.mark.parametrize("write", range(6))
def test_a_fault_in_any_turn_is_got_over(platform: Platform, write: int, lost: bool):
    put_alarm(platform, "a", START + DAY)
    advance(START + 2 * DAY)
    client = platform.tables.connection.client
    original, writes = client._make_api_call, []

    def call(name: str, parameters: dict[str, Any]) -> Any:
        if name == "TransactWriteItems":
            writes.append(name)
            if len(writes) == write + 1:
                if lost:
                    original(name, parameters)
                from botocore.exceptions import ConnectionClosedError

                raise ConnectionClosedError(endpoint_url="injected")
        return original(name, parameters)

    client._make_api_call = call
    try:
        Machine(platform).run()
    finally:
        client._make_api_call = original
    assert progress().now == START + 2 * DAY
    assert progress().target is None


def test_a_next_turn_that_begins_before_this_one_has_ended_carries_on(platform: Platform):
    """The queue is quick: the message is handled between its sending and the end of the turn that sent it."""
    for days in (1, 2, 3):
        put_alarm(platform, str(days), START + days * DAY)
    advance(START + 4 * DAY)
    sqs, depth = platform.client("sqs"), []
    original = sqs.send_message_batch

    def send(**arguments: Any) -> Any:
        body = json.loads(arguments["Entries"][0]["MessageBody"])
        if len(depth) < 3 and body.get("kind") == "clock":
            depth.append(body)
            clock.turn(body)
            depth.pop()
            return {}
        return original(**arguments)

    sqs.send_message_batch = send
    try:
        Machine(platform).run()
    finally:
        sqs.send_message_batch = original
    assert [at for _, at in DONE] == [START + days * DAY for days in (1, 2, 3)]
    assert progress().now == START + 4 * DAY
    assert progress().target is None


@pytest.mark.parametrize("write", range(6))
def test_a_turn_before_that_ends_late_does_not_stop_the_clock(platform: Platform, write: int):
    """Its last write comes between this turn's reading and writing."""
    put_alarm(platform, "a", START + DAY)
    advance(START + 2 * DAY)
    client = platform.tables.connection.client
    original, writes = client._make_api_call, []

    def call(name: str, parameters: dict[str, Any]) -> Any:
        if name == "TransactWriteItems" and _is_clock(parameters):
            writes.append(name)
            if len(writes) == write + 1:
                item = platform.tables.get(ClockItem, keys.CLOCK, consistent=True)
                clock._save(platform.box, item)
        return original(name, parameters)

    client._make_api_call = call
    try:
        Machine(platform).run()
    finally:
        client._make_api_call = original
    assert progress().now == START + 2 * DAY
    assert progress().target is None


def _is_clock(parameters: dict[str, Any]) -> bool:
    put = parameters["TransactItems"][0].get("Put", {})
    return put.get("Item", {}).get("pk") == {"S": "clock"} and put["Item"]["sk"] == {"S": "-"}


def test_asking_again_starts_a_worker_that_was_never_called(platform: Platform):
    machine = Machine(platform)
    advance(START + DAY)
    machine.stream()
    platform.drain(platform.settings.messages_queue_url)
    machine.run()
    assert progress().now == START
    advance(START + DAY)
    machine.run()
    assert progress().now == START + DAY


def test_a_second_request_makes_the_first_ones_worker_old(platform: Platform):
    machine = Machine(platform)
    advance(START + DAY)
    machine.stream()
    advance(START + 2 * DAY)
    machine.stream()
    machine.messenger()
    first, second = platform.drain(platform.settings.sweep_queue_url)
    before = platform.tables.get(ClockItem, keys.CLOCK).version
    clock.turn(first)
    assert platform.tables.get(ClockItem, keys.CLOCK).version == before
    clock.turn(second)
    assert platform.tables.get(ClockItem, keys.CLOCK).version > before


def test_a_turn_of_the_past_is_dropped(platform: Platform):
    advance(START + DAY)
    Machine(platform).run()
    before = platform.tables.get(ClockItem, keys.CLOCK).version
    clock.turn({"kind": "clock", "turn": 1, "beacon": 1})
    clock.turn({"kind": "clock", "turn": before + 500, "beacon": before + 500})
    assert platform.tables.get(ClockItem, keys.CLOCK).version == before
    assert platform.drain(platform.settings.sweep_queue_url) == []


def test_many_looks_without_rest_are_a_second_apart(platform: Platform):
    advance(START + DAY)
    sent = []
    sqs = platform.client("sqs")
    original = sqs.send_message_batch

    def send(**arguments: Any) -> Any:
        sent.extend((json.loads(each["MessageBody"])["looks"], each["DelaySeconds"]) for each in arguments["Entries"])
        return original(**arguments)

    sqs.send_message_batch = send
    try:
        clock._send_turn(platform.box, 5, 1, looks=20)
        clock._send_turn(platform.box, 5, 1, looks=21)
    finally:
        sqs.send_message_batch = original
    assert sent == [(20, 0), (21, 1)]
