"""Sending once: whatever dies between two steps, whoever comes twice, the channel takes each message once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.core.errors import UnavailableError
from functions.messaging.channel import NotTakenError, RefusedError
from functions.messaging.message import EMAIL, SMS, Later, Subject, Suppress
from functions.messaging.service import (
    LEASE,
    StillClaimedError,
    UnknownMessageError,
    deliver,
    id_of,
    request_alone,
    request_message,
    state_of,
)
from functions.messaging.store import AlreadyRequestedError, MessageItem
from functions.platform.storage.transactions import commit
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

AT = datetime(2027, 1, 29, 2, tzinfo=UTC)


def use(platform: Platform, channel: Any) -> Any:
    platform.box._ports["message_channel"] = channel
    return channel


def asked(platform: Platform, number: int = 1, step: str = "T-3") -> str:
    commit(platform.tables, request_message("reminder", CUSTOMER, PLAN, number=number, step=step, at=AT))
    return id_of("reminder", PLAN, number, step)


def after_lease(platform: Platform) -> None:
    platform.clock.advance(LEASE + timedelta(seconds=1))


def test_one_step_has_one_message_ever(platform: Platform):
    first = asked(platform)
    with pytest.raises(AlreadyRequestedError):
        asked(platform)
    assert asked(platform, step="T-1") != first
    assert asked(platform, number=2) != first


def test_a_message_is_sent_once_and_tells_of_it(platform: Platform):
    channel = use(platform, FakeChannel())
    message = asked(platform)
    assert deliver(message, always(letter())) == "sent"
    assert deliver(message, always(letter())) == "sent"
    assert [each.tag for each in channel.taken] == [message]
    item = platform.tables.get(MessageItem, message)
    assert (item.state, item.provider, item.channel) == ("sent", "provider-1", EMAIL)


def test_an_item_holds_neither_address_nor_text(platform: Platform):
    use(platform, FakeChannel())
    deliver(asked(platform), always(letter(routes=(EMAIL_ROUTE, SMS_ROUTE))))
    stored = repr(platform.items())
    for private in ("mei", "example.com", "86138", "Lotus", "599"):
        assert private not in stored


@pytest.mark.parametrize("place", ["before it is taken", "after it is taken"])
def test_a_death_round_the_sending_neither_loses_nor_doubles(platform: Platform, place: str):
    died = [raising(Killed())]
    channel = use(
        platform, FakeChannel(before=died if "before" in place else (), after=died if "after" in place else ())
    )
    message = asked(platform)
    with pytest.raises(Killed):
        deliver(message, always(letter()))
    with pytest.raises(StillClaimedError):
        deliver(message, always(letter()))
    after_lease(platform)
    assert deliver(message, always(letter())) == "sent"
    assert [each.tag for each in channel.taken] == [message]


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
@pytest.mark.parametrize("write", ["claim", "mark"])
def test_a_storage_fault_at_any_write_neither_loses_nor_doubles(platform: Platform, write: str, lost: bool):
    channel = use(platform, FakeChannel())
    message = asked(platform)
    client = platform.tables.connection.client
    original, seen = client._make_api_call, []

    def call(name: str, parameters: dict[str, Any]) -> Any:
        """Fails the first write (claim) or the second (mark), whatever the client tries."""
        if name != "TransactWriteItems":
            return original(name, parameters)
        state = parameters["TransactItems"][0]["Put"]["Item"]["s"]["S"]
        if state == {"claim": "claimed", "mark": "sent"}[write] and not seen:
            seen.append(state)
            if lost:
                original(name, parameters)
            from botocore.exceptions import ConnectionClosedError

            raise ConnectionClosedError(endpoint_url="injected")
        return original(name, parameters)

    client._make_api_call = call
    try:
        with pytest.raises(UnavailableError):
            deliver(message, always(letter()))
    finally:
        client._make_api_call = original
    after_lease(platform)
    assert deliver(message, always(letter())) == "sent"
    assert [each.tag for each in channel.taken] == [message]


def test_a_death_after_the_mark_changes_nothing(platform: Platform):
    channel = use(platform, FakeChannel())
    message = asked(platform)
    deliver(message, always(letter()))
    after_lease(platform)
    assert deliver(message, always(letter())) == "sent"
    assert len(channel.taken) == 1


def test_a_sent_message_is_not_judged_again(platform: Platform):
    """It was taken, then the customer paid, then the sender died: it stays sent."""
    channel = use(platform, FakeChannel(after=[raising(Killed())]))
    message = asked(platform)
    with pytest.raises(Killed):
        deliver(message, always(letter()))
    after_lease(platform)
    assert deliver(message, always(Suppress("already_paid"))) == "sent"
    assert len(channel.taken) == 1


def test_an_untaken_message_is_judged_again(platform: Platform):
    channel = use(platform, FakeChannel(before=[raising(Killed())]))
    message = asked(platform)
    with pytest.raises(Killed):
        deliver(message, always(letter()))
    after_lease(platform)
    assert deliver(message, always(Suppress("already_paid"))) == "suppressed"
    assert channel.taken == []


def test_a_log_that_may_be_behind_is_waited_for(platform: Platform):
    channel = use(platform, FakeChannel(after=[raising(Killed())], lag=timedelta(minutes=10)))
    message = asked(platform)
    with pytest.raises(Killed):
        deliver(message, always(letter()))
    after_lease(platform)
    with pytest.raises(StillClaimedError):
        deliver(message, always(letter()))
    platform.clock.advance(timedelta(minutes=10))
    assert deliver(message, always(letter())) == "sent"
    assert len(channel.taken) == 1


def test_a_log_that_can_not_tell_means_never_twice(platform: Platform):
    channel = use(platform, FakeChannel(after=[raising(Killed())], blind=(SMS,)))
    message = asked(platform)
    with pytest.raises(Killed):
        deliver(message, always(letter(routes=(SMS_ROUTE,))))
    after_lease(platform)
    assert deliver(message, always(letter(routes=(SMS_ROUTE,)))) == "failed"
    assert platform.tables.get(MessageItem, message).reason == "in_doubt"
    assert len(channel.taken) == 1


def test_a_channel_that_is_away_is_tried_again_at_once(platform: Platform):
    channel = use(platform, FakeChannel(before=[raising(NotTakenError())]))
    message = asked(platform)
    with pytest.raises(UnavailableError):
        deliver(message, always(letter()))
    assert deliver(message, always(letter())) == "sent"
    assert len(channel.taken) == 1


def test_a_refused_address_falls_back_to_the_next_route(platform: Platform):
    channel = use(platform, FakeChannel(before=[raising(RefusedError("address_rejected"))]))
    message = asked(platform)
    assert deliver(message, always(letter(routes=(EMAIL_ROUTE, SMS_ROUTE)))) == "sent"
    assert [each.channel for each in channel.taken] == [SMS]
    assert platform.tables.get(MessageItem, message).channel == SMS


def test_refused_everywhere_or_no_route_is_failed_with_its_reason(platform: Platform):
    use(platform, FakeChannel(before=[raising(RefusedError("opted_out"))]))
    refused, unreachable = asked(platform), asked(platform, step="T-1")
    assert deliver(refused, always(letter())) == "failed"
    assert platform.tables.get(MessageItem, refused).reason == "opted_out"
    assert deliver(unreachable, always(letter(routes=()))) == "failed"
    assert platform.tables.get(MessageItem, unreachable).reason == "no_route"


def test_a_write_that_the_client_sent_twice_is_known_as_our_own(platform: Platform):
    """The first answer was lost, and the client's own retry found the condition spent."""
    channel = use(platform, FakeChannel())
    message = asked(platform)
    client = platform.tables.connection.client
    original = client._make_api_call

    def call(name: str, parameters: dict[str, Any]) -> Any:
        if name == "TransactWriteItems":
            original(name, parameters)
        return original(name, parameters)

    client._make_api_call = call
    try:
        assert deliver(message, always(letter())) == "sent"
    finally:
        client._make_api_call = original
    assert len(channel.taken) == 1


def test_a_message_noted_as_suppressed_is_never_sent_and_never_asked_for_again(platform: Platform):
    channel = use(platform, FakeChannel())
    noted = request_message("reminder", CUSTOMER, PLAN, number=1, step="T-3", at=AT, suppressed="too_late")
    commit(platform.tables, noted)
    message = id_of("reminder", PLAN, 1, "T-3")
    assert deliver(message, always(letter())) == "suppressed"
    assert platform.tables.get(MessageItem, message).outbox is None
    assert channel.taken == []
    with pytest.raises(AlreadyRequestedError):
        asked(platform)


def test_a_message_without_reason_is_suppressed_in_one_write(platform: Platform):
    channel = use(platform, FakeChannel())
    message = asked(platform)
    with platform.metered() as meter:
        assert deliver(message, always(Suppress("already_paid"))) == "suppressed"
    assert meter.requests == ["GetItem", "TransactWriteItems"]
    assert channel.taken == []


def test_a_message_for_later_waits_in_the_action_index_until_it_is_delivered(platform: Platform):
    channel = use(platform, FakeChannel())
    message = asked(platform)
    assert deliver(message, always(Later(datetime(2027, 1, 30, 1, tzinfo=UTC)))) == "queued"
    item = platform.tables.get(MessageItem, message)
    assert (item.shard, item.hour) == ("act#0", "2027-01-30T01")
    assert deliver(message, always(letter())) == "sent"
    item = platform.tables.get(MessageItem, message)
    assert (item.shard, item.hour) == (None, None)
    assert len(channel.taken) == 1


def test_the_resolver_is_told_what_the_message_is_about(platform: Platform):
    use(platform, FakeChannel())
    message, told = asked(platform, number=4, step="T+1"), []

    def resolve(subject: Subject) -> Any:
        told.append(subject)
        return Suppress("enough")

    deliver(message, resolve)
    assert told == [Subject(message, "reminder", CUSTOMER, PLAN, 4, "T+1", AT)]


def test_a_claim_taken_over_by_another_is_not_sent_under(platform: Platform):
    """Two workers read the queued message; the second to claim finds it claimed."""
    channel = use(platform, FakeChannel())
    message = asked(platform)

    def meanwhile(subject: Subject) -> Any:
        assert deliver(message, always(letter())) == "sent"
        return letter()

    with pytest.raises(StillClaimedError):
        deliver(message, meanwhile)
    assert len(channel.taken) == 1


def test_what_was_never_asked_for_is_named_so(platform: Platform):
    use(platform, FakeChannel())
    for unknown in ("msg_01JDTESTTESTTESTTESTTESTTE", CUSTOMER, "clock"):
        with pytest.raises(UnknownMessageError):
            deliver(unknown, always(letter()))
    assert state_of("msg_01JDTESTTESTTESTTESTTESTTE") is None


def test_asking_alone_twice_is_asking_once(platform: Platform):
    message = request_alone("sign_in_code", "challenge-1", at=AT)
    assert request_alone("sign_in_code", "challenge-1", at=AT) == message
    assert state_of(message) == "queued"


def test_a_sent_message_costs_one_read_and_two_writes_of_one_kib(platform: Platform):
    use(platform, FakeChannel())
    message = asked(platform)
    with platform.metered() as meter:
        deliver(message, always(letter()))
    assert meter.requests == ["GetItem", "TransactWriteItems", "TransactWriteItems"]
    assert meter.write_units == 4
    assert meter.sizes[f"{message}|-"] <= 512
