"""Count a wrong code: at its merchant and terminal, under its alias, and with the line that the alias stands for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from functions.checkout.codes import alias as aliases
from functions.checkout.codes import otp
from functions.checkout.codes.alias import Turn
from functions.checkout.codes.code import PaymentCode
from functions.checkout.codes.device_service import code_keys
from functions.checkout.codes.guess_store import ALIAS_KEPT_S, MERCHANT_KEPT_S, GuessItem, pack_alias, plan_guesses
from functions.checkout.codes.wrong_codes import PER_TERMINAL, AliasGuesses
from functions.core.clock import epoch_ms
from functions.core.errors import TooManyRequestsError, UnavailableError
from functions.credit.lines.codes import plan_confirmation
from functions.credit.lines.service import get_lines
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit

_TRIES: Final = 8


class TooManyWrongCodesError(TooManyRequestsError):
    code, title = "too_many_wrong_codes", "Too many wrong codes came from here; wait"


def require_trusted(guesses: GuessItem | None, terminal_id: str, now: datetime) -> None:
    """Refuse a terminal that has guessed too often, or whose merchant has, before a code is looked at.

    Raises:
        TooManyWrongCodesError: Says when to come back.
    """
    until = guesses.of_merchant().blocked_until(terminal_id, now) if guesses else None
    if until is not None:
        raise TooManyWrongCodesError(retry_after_s=max(1, int((until - now).total_seconds())))


def count_wrong(code: PaymentCode, merchant_id: str, terminal_id: str) -> None:
    """Remember a wrong code.

    Raises:
        UnavailableError: It could not be counted; whoever guesses is not told whether the guess was wrong.
    """
    now = container().clock.wall()
    seen = _under_alias(code, now)
    _at_merchant(merchant_id, terminal_id, PER_TERMINAL if seen.is_hot(now) else 1, now)
    count("payment_code_wrong")
    ends_at = aliases.month_start(aliases.month_of(otp.counter_at(now)) + 1)
    until = seen.confirm_until(now, ends_at)
    if until is not None:
        _ask_to_confirm(code, now, until)


def _under_alias(code: PaymentCode, now: datetime) -> AliasGuesses:
    def add(item: GuessItem) -> AliasGuesses:
        after = item.of_alias().plus(now)
        item.packed, item.total = pack_alias(after), after.total
        return after

    # the month is part of the key: next month these nine digits are somebody else's
    month = aliases.month_of(otp.counter_at(now))
    return _added(keys.guesses(f"{month}#{code.alias}"), add, int(now.timestamp()) + ALIAS_KEPT_S)


def _at_merchant(merchant_id: str, terminal_id: str, weight: int, now: datetime) -> None:
    def add(item: GuessItem) -> AliasGuesses:
        item.packed = item.of_merchant().plus(terminal_id, weight, now).pack()
        return AliasGuesses()

    _added(keys.guesses(merchant_id), add, int(now.timestamp()) + MERCHANT_KEPT_S)


def _added(pk: str, add: Callable[[GuessItem], AliasGuesses], ttl: int) -> AliasGuesses:
    tables = container().tables
    for _ in range(_TRIES):
        item = tables.get(GuessItem, pk, consistent=True) or GuessItem(pk=pk, version=0)
        after = add(item)
        item.ttl = ttl
        with suppress(ConditionFailedError):
            commit(tables, plan_guesses(item))
            return after
    raise UnavailableError("wrong codes are being counted", retry_after_s=1)


def _ask_to_confirm(code: PaymentCode, now: datetime, until: datetime) -> None:
    """Tell the line behind an alias that its codes need the phone for a while; where there is none, nobody is asked."""
    month, key = aliases.month_of(otp.counter_at(now)), code_keys().aliases
    behind = {aliases.hidden(key, code.alias, turn): turn for turn in (Turn(month, n) for n in range(aliases.TURNS))}
    for line in get_lines(behind):
        if aliases.turn_in(month, line.alias_turn) == behind[line.alias]:
            with suppress(ConditionFailedError):  # it is asked for longer than this already
                commit(container().tables, plan_confirmation(line.alias, epoch_ms(until)))
            count("payment_code_alias_attacked")
