"""Whatever happens to whom, in whatever order: a message is taken at most once, and exactly once when faults end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.core.errors import WhitenoteError
from functions.messaging.channel import NotTakenError, RefusedError
from functions.messaging.service import LEASE, deliver, id_of, request_message
from functions.platform.storage.transactions import commit
from tests.builders.effort import effort
from tests.builders.messaging import (
    CUSTOMER,
    EMAIL_ROUTE,
    PLAN,
    SMS_ROUTE,
    FakeChannel,
    Killed,
    always,
    letter,
    raising,
)
from tests.builders.platform import Platform

FAULTS = {
    "none": None,
    "killed": raising(Killed()),
    "timeout": raising(TimeoutError()),
    "away": raising(NotTakenError()),
    "refused": raising(RefusedError("address_rejected")),
}
before = st.lists(st.sampled_from(sorted(FAULTS)), max_size=6)
after = st.lists(st.sampled_from(["none", "killed", "timeout"]), max_size=6)
waits = st.lists(st.integers(0, 120), max_size=8)
numbers: Iterator[int] = iter(range(1, 1_000_000))


@pytest.fixture(scope="module")
def shared() -> Iterator[Platform]:
    from tests.builders.platform import platform as build

    with build() as built:
        yield built


@given(before=before, after=after, waits=waits)
@settings(max_examples=effort(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_message_is_taken_once_under_any_faults(
    shared: Platform, before: list[str], after: list[str], waits: list[int]
):
    from functions.platform.container import install

    install(shared.box)
    channel = FakeChannel([FAULTS[f] for f in before], [FAULTS[f] for f in after])
    shared.box._ports["message_channel"] = channel
    number = next(numbers)
    at = datetime(2027, 1, 1, tzinfo=UTC)
    commit(shared.tables, request_message("reminder", CUSTOMER, PLAN, number=number, at=at))
    message = id_of("reminder", PLAN, number)
    resolve = always(letter(routes=(EMAIL_ROUTE, SMS_ROUTE)))
    for seconds in waits:
        with suppress(Killed, TimeoutError, WhitenoteError):
            deliver(message, resolve)
        assert len(channel.taken) <= 1
        shared.clock.advance(timedelta(seconds=seconds))
    state = ""
    while state not in {"sent", "failed"}:
        shared.clock.advance(LEASE + timedelta(seconds=1))
        with suppress(Killed, TimeoutError, WhitenoteError):
            state = deliver(message, resolve)
    assert len(channel.taken) == (1 if state == "sent" else 0)
