"""Use cases of payment codes: one made by us for a phone without the app, another alias, whose a code at a till is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from functions.checkout.codes import alias as aliases
from functions.checkout.codes import enrolment, otp
from functions.checkout.codes.code import Proof, make_code
from functions.checkout.codes.device_service import code_keys, own_line, present_aliases
from functions.checkout.codes.device_store import CodeAliasItem, plan_change
from functions.checkout.codes.schemas import CodeRequest
from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, TooManyRequestsError, UnavailableError
from functions.core.ids import id_bytes
from functions.credit.lines.codes import plan_alias_turn, plan_own_code
from functions.credit.lines.service import get_lines
from functions.credit.lines.store import LineItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call

_TRIES: Final = 4


class LineNotActiveError(ConflictError):
    code, title = "line_not_active", "The credit line can't pay now"


class CodeTooSoonError(TooManyRequestsError):
    code, title = "code_too_soon", "The last code has just been used; the next one comes with the next step"


def create_code(body: CodeRequest, call: Call) -> dict[str, Any]:
    """Make a code for the customer to show; the same as a phone would make, under our own device number.

    The same code comes again until its step is over: nothing is stored but the step it is good for.

    Raises:
        NoLineError: There is nothing to pay from.
        LineNotActiveError: It can't pay; carries the status.
        CodeTooSoonError: A code of the next step has been used already; says when to come back.
    """
    box = container()
    call.command()
    for _ in range(_TRIES):
        line = own_line(call.who.id, body.currency)
        if line.status != "active":
            raise LineNotActiveError(current_status=line.status)
        counter = _counter(line)
        if line.own_counter != counter:
            try:
                commit(box.tables, plan_own_code(line, counter))
            except ConditionFailedError:
                continue
        return _present(line, counter)
    raise UnavailableError("the line is busy", retry_after_s=1)


def _counter(line: LineItem) -> int:
    """The step of the next code: this one, or the next where this one's has been used."""
    wall = container().clock.wall()
    now = otp.counter_at(wall)
    counter = max(now, (line.last_counter or 0) + 1)
    if counter > now + otp.TOLERANCE:
        wait = otp.step_start(counter - otp.TOLERANCE) - wall
        raise CodeTooSoonError(retry_after_s=-(-wait // timedelta(seconds=1)))
    return counter


def _present(line: LineItem, counter: int) -> dict[str, Any]:
    turn = aliases.turn_in(aliases.month_of(counter), line.alias_turn)
    return {
        "object": "payment_code",
        "code": str(make_code(code_keys(), line.alias, turn, enrolment.OURS, counter)),
        "currency": line.currency,
        "refresh_at": isoformat(otp.step_start(counter + 1)),
        "expires_at": isoformat(otp.step_start(counter + 1 + otp.TOLERANCE)),
    }


def renew_alias(body: CodeRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Give the line another alias for the rest of the month; codes under the present one pay nothing from now on.

    Phones stay enrolled and fetch the new alias with their devices.

    Returns:
        The aliases, and whether this command was done before.

    Raises:
        NoLineError: There is no line to have one.
        AliasRenewedTooOftenError: Nine times this month; says when the next one begins.
    """
    box, command = container(), call.command()
    for _ in range(_TRIES):
        line = own_line(call.who.id, body.currency)
        place = keys.code_alias(line.currency)
        item = box.tables.get(CodeAliasItem, call.who.id, place, consistent=True)
        if item is not None and is_replay(item.commands, command):
            return _aliases(line, item), True
        wall = box.clock.wall()
        turn = aliases.renewed(aliases.month_of(otp.counter_at(wall)), line.alias_turn)
        item = item or CodeAliasItem(pk=call.who.id, sk=place, version=0, customer=id_bytes(call.who.id))
        item.version += 1
        item.renewed_at_ms = epoch_ms(wall)
        item.commands = remember(item.commands, command)
        item.tell(box.clock.now(), call.request_id, Pending("payment_code.alias_renewed"))
        try:
            commit(box.tables, plan_change(item, item.version - 1), plan_alias_turn(line, turn.pack()))
        except ConditionFailedError:
            continue
        line.alias_turn = turn.pack()
        return _aliases(line, item), False
    raise UnavailableError("the line is busy", retry_after_s=1)


def _aliases(line: LineItem, item: CodeAliasItem) -> dict[str, Any]:
    return {
        "object": "code_alias",
        "currency": line.currency,
        "renewed_at": isoformat(from_epoch_ms(item.renewed_at_ms)),
        "aliases": present_aliases(line, container().clock.wall()),
    }


def is_known(proof: Proof, line: LineItem) -> bool:
    """Whether a line still shows the alias under that turn, and has the device."""
    if aliases.turn_in(proof.turn.month, line.alias_turn) != proof.turn:
        return False
    if proof.enrolment == enrolment.OURS:
        return bool(line.own_counter == proof.counter)
    return enrolment.is_enrolled(line.devices, proof.enrolment)


def maker_among(proofs: Iterable[Proof]) -> Proof | None:
    """The one of those who may have made a code whom a line knows; one consistent read of all."""
    asked = list(proofs)
    lines = {line.alias: line for line in get_lines({each.alias for each in asked})} if asked else {}
    return next((each for each in asked if each.alias in lines and is_known(each, lines[each.alias])), None)
