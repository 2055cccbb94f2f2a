"""Which device numbers of a line are in use, as the nine characters that the line stores.

A code has one digit for the device. Number 0 is ours: codes that we make for a phone without the app. 1 to 9 are
phones. A number that is free again is given to another phone under the next round, so that the secret, which is
derived from number and round, is never that of the phone that had it before.
"""

from __future__ import annotations

from typing import Final

from functions.core.errors import ConflictError

OURS: Final = 0
NUMBERS: Final = range(1, 10)
ROUNDS: Final = 10
_NEVER: Final = "-"
_IN_USE: Final = "abcdefghij"
_FREE: Final = "ABCDEFGHIJ"
NOBODY: Final = _NEVER * len(NUMBERS)


class TooManyDevicesError(ConflictError):
    code, title = "too_many_devices", f"{len(NUMBERS)} phones may pay by code; remove one first"


class DeviceNumbersUsedUpError(ConflictError):
    code, title = "device_numbers_used_up", "No more phones can be enrolled on this line"


def enrolled(slots: str | None) -> tuple[int, str]:
    """Give a number to a phone.

    Args:
        slots: As the line stores it.

    Returns:
        The enrolment (round × 10 + number), and the line's next slots.

    Raises:
        TooManyDevicesError: Nine are in use.
        DeviceNumbersUsedUpError: Every free number has been given out ten times.
    """
    now = slots or NOBODY
    free = [number for number in NUMBERS if now[number - 1] not in _IN_USE]
    if not free:
        raise TooManyDevicesError
    number = min(free, key=lambda each: (_next_round(now[each - 1]), each))
    following = _next_round(now[number - 1])
    if following >= ROUNDS:
        raise DeviceNumbersUsedUpError
    return following * 10 + number, _with(now, number, _IN_USE[following])


def removed(slots: str | None, enrolment: int) -> str:
    """Take a number back; taking it twice changes nothing."""
    now = slots or NOBODY
    if not is_enrolled(now, enrolment):
        return now
    rounds, number = divmod(enrolment, 10)
    return _with(now, number, _FREE[rounds])


def is_enrolled(slots: str | None, enrolment: int) -> bool:
    """Whether an enrolment is the one that has its number now."""
    rounds, number = divmod(enrolment, 10)
    return number in NUMBERS and (slots or NOBODY)[number - 1] == _IN_USE[rounds]


def _next_round(slot: str) -> int:
    return 0 if slot == _NEVER else _FREE.index(slot) + 1


def _with(slots: str, number: int, slot: str) -> str:
    return slots[: number - 1] + slot + slots[number:]
