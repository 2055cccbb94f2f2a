"""The state table of authorizations: what is allowed, what is refused, and what each does to the money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.payments import authorization as rules
from functions.payments.authorization import FINAL, TRANSITIONS, Authorization, Status, Suspension

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def an_authorization(status: Status = Status.APPROVED, **changes: object) -> Authorization:
    auth = Authorization(
        id="auth_1", status=status, version=1, amount_minor=10_000, captured_minor=0, released_minor=0, captures=0,
        created_at=NOW, expires_at=NOW + timedelta(days=7),
    )  # fmt: skip
    return replace(auth, **changes)


def test_every_state_is_reachable_or_first_and_no_final_state_is_left() -> None:
    assert all(not FINAL & before.keys() for before in TRANSITIONS.values())
    entered = {after for moves in TRANSITIONS.values() for after in moves.values()}
    first = {Status.AWAITING_DOWN_PAYMENT, Status.AWAITING_CONFIRMATION, Status.HELD}
    assert entered | first == set(Status)


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("action", ["capture", "void", "expire", "extend", "suspend", "resume", "approve", "decline"])
def test_nothing_moves_an_authorization_that_has_ended(status: Status, action: str) -> None:
    auth = an_authorization(status)
    act = {
        "capture": lambda: rules.capture(auth, 1, final=False, now=NOW),
        "void": lambda: rules.void(auth, reason="merchant"),
        "expire": lambda: rules.expire(auth, NOW + timedelta(days=8)),
        "extend": lambda: rules.extend(auth, timedelta(days=7), timedelta(days=23), NOW),
        "suspend": lambda: rules.suspend(auth, "case_1", NOW, NOW),
        "resume": lambda: rules.resume(auth, NOW),
        "approve": lambda: rules.approve_held(auth, NOW),
        "decline": lambda: rules.decline_held(auth, "risk"),
    }[action]
    with pytest.raises((rules.AuthorizationStateError, rules.AuthorizationExpiredError)) as refused:
        act()
    assert refused.value.status == 409


def test_a_held_authorization_is_not_captured() -> None:
    with pytest.raises(rules.AuthorizationStateError) as refused:
        rules.capture(an_authorization(Status.HELD), 1, final=False, now=NOW)
    assert refused.value.extra == {"current_status": "held"}


def test_a_capture_in_the_last_millisecond_is_in_time_and_one_at_the_end_is_not() -> None:
    auth = an_authorization()
    rules.capture(auth, 1, final=False, now=auth.expires_at - timedelta(milliseconds=1))
    with pytest.raises(rules.AuthorizationExpiredError):
        rules.capture(auth, 1, final=False, now=auth.expires_at)


def test_the_last_unit_captured_ends_it_and_releases_nothing() -> None:
    part = rules.capture(an_authorization(), 9_999, final=False, now=NOW)
    assert (part.authorization.status, part.released_minor) == (Status.PARTIALLY_CAPTURED, 0)
    last = rules.capture(part.authorization, 1, final=False, now=NOW)
    assert (last.authorization.status, last.authorization.remaining_minor) == (Status.CAPTURED, 0)


def test_at_most_twelve_parts() -> None:
    auth = an_authorization(captures=rules.MAX_CAPTURES, captured_minor=12, status=Status.PARTIALLY_CAPTURED)
    with pytest.raises(rules.TooManyCapturesError):
        rules.capture(auth, 1, final=False, now=NOW)


def test_a_suspended_authorization_is_neither_captured_nor_extended_but_may_be_voided() -> None:
    auth = an_authorization(suspension=Suspension("case_1", NOW, NOW + timedelta(days=3)))
    for act in (
        lambda: rules.capture(auth, 1, final=False, now=NOW),
        lambda: rules.extend(auth, timedelta(1), timedelta(7), NOW),
    ):
        with pytest.raises(rules.AuthorizationSuspendedError) as refused:
            act()
        assert refused.value.extra["case_id"] == "case_1"
    assert rules.void(auth, reason="merchant").authorization.suspension is None


def test_suspended_and_held_time_do_not_count_against_the_life() -> None:
    suspended = rules.suspend(an_authorization(), "case_1", NOW + timedelta(days=3), NOW)
    resumed = rules.resume(suspended, NOW + timedelta(hours=5))
    assert resumed.expires_at == an_authorization().expires_at + timedelta(hours=5)
    approved = rules.approve_held(an_authorization(Status.HELD), NOW + timedelta(hours=6))
    assert approved.expires_at == an_authorization().expires_at + timedelta(hours=6)


def test_a_suspended_life_is_not_over_however_long_the_case_takes() -> None:
    auth = an_authorization(suspension=Suspension("case_1", NOW, NOW + timedelta(days=30)))
    with pytest.raises(rules.AuthorizationSuspendedError):
        rules.capture(auth, 1, final=False, now=NOW + timedelta(days=8))


@pytest.mark.parametrize("days", [-1, 0, 24])
def test_an_extension_is_within_what_the_scenario_allows(days: int) -> None:
    with pytest.raises(rules.ExtensionTooLongError) as refused:
        rules.extend(an_authorization(), timedelta(days=days), timedelta(days=23), NOW)
    assert refused.value.extra == {"max_days": 23}


def test_held_time_takes_nothing_from_an_extension() -> None:
    held = an_authorization(Status.HELD)
    approved = rules.approve_held(held, NOW + timedelta(hours=20))
    longest = rules.extend(approved, timedelta(days=23), timedelta(days=23), NOW + timedelta(hours=20))
    assert longest.expires_at == NOW + timedelta(days=30, hours=20)


def test_an_end_is_said_to_be_near_once_and_again_after_an_extension() -> None:
    auth = an_authorization()
    near = auth.expires_at - timedelta(hours=24)
    assert rules.warn(auth, near - timedelta(milliseconds=1)) is None
    warned = rules.warn(auth, near)
    assert warned is not None
    assert (warned.status, warned.version, rules.warn(warned, near)) == (Status.APPROVED, 2, None)
    longer = rules.extend(warned, timedelta(days=7), timedelta(days=23), near)
    assert rules.next_look(longer) == near + timedelta(days=7)
    assert rules.warn(longer, near + timedelta(days=7)) is not None


@pytest.mark.parametrize("status", [Status.HELD, *sorted(FINAL)])
def test_nobody_is_warned_of_the_end_of_what_can_not_be_captured(status: Status) -> None:
    assert rules.warn(an_authorization(status), NOW + timedelta(days=6, hours=12)) is None


def test_voiding_a_partly_captured_one_ends_captured_with_the_rest_released() -> None:
    part = rules.capture(an_authorization(), 4_000, final=False, now=NOW).authorization
    release = rules.void(part, reason="merchant")
    assert (release.authorization.status, release.released_minor) == (Status.CAPTURED, 6_000)
    assert release.authorization.released_minor == 6_000
