"""A payment code: version 1, alias 9, device 1, one-time password 6, check digit 1. Eighteen digits, made offline.

Whose it is comes out of the digits and two keys alone, before anything is read. Source: RFC 4226, RFC 6238.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from functions.checkout.codes import alias as aliases
from functions.checkout.codes import enrolment, otp
from functions.checkout.codes.alias import Turn
from functions.checkout.codes.check_digit import check_digit, is_right
from functions.core.errors import ConflictError, FieldError, InvalidError
from functions.core.ids import keyed_hash

LENGTH: Final = 18
VERSION: Final = "1"
SECRET_BYTES: Final = 32
STALE_STEPS: Final = 20
"""How far back a code is known to have been right once: ten minutes, so that a slow hand is not taken for a thief."""


class CodeMisreadError(InvalidError):
    code, title = "code_misread", "These are not the eighteen digits of a payment code; scan it again"

    def __init__(self) -> None:
        super().__init__(errors=(FieldError("/code", "invalid", "not a payment code"),))


class CodeInvalidError(InvalidError):
    code, title = "code_invalid", "This code pays nothing; let the customer make a new one"

    def __init__(self) -> None:
        super().__init__(errors=(FieldError("/code", "invalid", "not accepted"),))


class CodeExpiredError(ConflictError):
    code, title = "code_expired", "The code is too old; let the customer make a new one"


class CodeUsedError(ConflictError):
    code, title = "code_used", "The code has been used; let the customer make a new one"


@dataclass(frozen=True, slots=True)
class PaymentCode:
    """The parts of a code; right in form and not yet known to be anyone's.

    Args:
        alias: Nine digits, as shown.
        device: 0 to 9.
        password: Six digits.
    """

    alias: str
    device: int
    password: str

    def __str__(self) -> str:
        body = f"{VERSION}{self.alias}{self.device}{self.password}"
        return body + check_digit(body)

    @classmethod
    def parse(cls, text: str) -> PaymentCode:
        """Read what a scanner or a hand gave; spaces between the digits are allowed.

        Raises:
            CodeMisreadError: Another length, version or check digit: nobody made this code.
        """
        digits = text.replace(" ", "")
        if len(digits) != LENGTH or not digits.isascii() or not digits.isdigit() or digits[0] != VERSION:
            raise CodeMisreadError
        if not is_right(digits):
            raise CodeMisreadError
        return cls(alias=digits[1:10], device=int(digits[10]), password=digits[11:17])


@dataclass(frozen=True, slots=True)
class CodeKeys:
    """What codes are judged by, held in the container.

    Args:
        aliases: Key of the permutation.
        devices: Master key of the devices' secrets.
    """

    aliases: bytes
    devices: bytes

    def secret(self, alias: int, number: int) -> bytes:
        """A device's secret: HMAC of the line's alias and the enrolment; 32 bytes."""
        return keyed_hash(self.devices, alias, number, size=SECRET_BYTES)


@dataclass(frozen=True, slots=True)
class Proof:
    """Who made a code, as far as the digits say; the line must still know the turn and the enrolment.

    Args:
        alias: The line's own.
        turn: In which its alias was shown.
        enrolment: Of the device; 0 is ours.
        counter: The step it was made for.
    """

    alias: int
    turn: Turn
    enrolment: int
    counter: int


def make_code(keys: CodeKeys, alias: int, turn: Turn, number: int, counter: int) -> PaymentCode:
    """The code of a device for a step, as the phone makes it.

    Args:
        keys: Of the platform; a phone has the alias as shown and its own secret instead.
        alias: The line's own.
        turn: Of the step's month.
        number: Enrolment, 0 for one that we make.
        counter: Step.
    """
    password = otp.one_time_password(keys.secret(alias, number), counter)
    return PaymentCode(aliases.shown(keys.aliases, alias, turn), number % 10, password)


def prove(keys: CodeKeys, code: PaymentCode, now: int) -> Proof | None:
    """Find who made a code in the present step or its neighbours; the likeliest turn and round are tried first.

    Args:
        keys: Of the platform.
        code: Right in form.
        now: Present step.
    """
    return next(makers(keys, code, now), None)


def makers(keys: CodeKeys, code: PaymentCode, now: int) -> Iterator[Proof]:
    """All who may have made a code in the present step or its neighbours: one, and by chance of six digits another."""
    return _matches(keys, code, range(now - otp.TOLERANCE, now + otp.TOLERANCE + 1))


def past_makers(keys: CodeKeys, code: PaymentCode, now: int) -> Iterator[Proof]:
    """All who may have made a code in the ten minutes before those steps.

    Of wrong codes two in a hundred are by chance that of some turn, round and step: a line has to know the maker before
    anything follows from it.
    """
    return _matches(keys, code, range(now - STALE_STEPS, now - otp.TOLERANCE))


def _matches(keys: CodeKeys, code: PaymentCode, counters: range) -> Iterator[Proof]:
    rounds = range(1 if code.device == enrolment.OURS else enrolment.ROUNDS)
    for month, steps in groupby(counters, aliases.month_of):
        wanted = list(steps)
        for turn in (Turn(month, number) for number in range(aliases.TURNS)):
            alias = aliases.hidden(keys.aliases, code.alias, turn)
            for number in (each * 10 + code.device for each in rounds):
                secret = keys.secret(alias, number)
                for counter in wanted:
                    if hmac.compare_digest(otp.one_time_password(secret, counter), code.password):
                        yield Proof(alias, turn, number, counter)
