"""What other slices may do with a credit line: read it, hold, move, freeze, cut, lift."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from functions.credit.lines.store import LineItem, plan_move, summed
from functions.credit.upkeep.moves import by_hand, plan_limit_change
from functions.lending.line import LineChange
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import pack
from functions.platform.storage.transactions import Operation, Update, WriteSet


def get_line(alias: int, *, consistent: bool = False) -> LineItem | None:
    """A line by its alias."""
    line: LineItem | None = container().tables.get(LineItem, keys.line(alias), consistent=consistent)
    return line


def get_lines(aliases: Iterable[int]) -> list[LineItem]:
    """The lines there are among some aliases; one request."""
    wanted = [(LineItem, keys.line(alias), keys.SELF) for alias in aliases]
    return [line for line in container().tables.batch_get(wanted, consistent=True) if isinstance(line, LineItem)]


def plan_line_change(alias: int, change: LineChange) -> WriteSet:
    """Move money between the parts of a line by ADD, whatever happens to it meanwhile."""
    return plan_move(alias, change)


def plan_freeze(line: LineItem, *, reason: str, by: str, request_id: str, until_at: datetime | None = None) -> WriteSet:
    """Freeze an active line; captures of what is approved are honoured, new purchases are not.

    Args:
        line: Read consistently; the write is over this version.
        reason: A code of `upkeep.texts.TEXTS`, for example "fraud_alert": the customer is told.
        by: Staff subject, "rule:<id>" or "customer": who may lift it follows from it.
        request_id: Of the command or record that caused it.
        until_at: When whoever froze it will end it; None: someone lifts it.
    """
    if line.status != "active":
        return WriteSet()
    return plan_limit_change(line, by_hand(line, "freeze", reason, by), request_id=request_id, frozen_until=until_at)


def plan_lift(line: LineItem, *, reason: str, by: str, request_id: str) -> WriteSet:
    """End a freeze; nothing where there is none.

    Args:
        line: Read consistently; the write is over this version.
        reason: A code of `upkeep.texts.TEXTS`, for example "cleared".
        by: Who decided it.
        request_id: Of the command or record that caused it.
    """
    if line.status != "frozen":
        return WriteSet()
    return plan_limit_change(line, by_hand(line, "lift", reason, by), request_id=request_id)


def plan_cut(line: LineItem, *, to_minor: int, reason: str, by: str, request_id: str) -> WriteSet:
    """Lower a limit, never under what is held and outstanding; nothing where it is that low already.

    Args:
        line: Read consistently; the write is over this version.
        to_minor: Whole limit wanted.
        reason: A code of `upkeep.texts.TEXTS`, for example "risk_cut".
        by: Who decided it.
        request_id: Of the command or record that caused it.
    """
    after = max(to_minor, line.held + line.outstanding)
    if line.status == "closed" or after >= line.limit:
        return WriteSet()
    return plan_limit_change(line, by_hand(line, "cut", reason, by, after_minor=after), request_id=request_id)


def plan_close(line: LineItem, *, request_id: str, settled: bool = True) -> WriteSet:
    """Close a line for good; nothing where it is closed. Its customer is not told: there is nobody left to tell.

    Args:
        line: Read consistently; the write is over this version.
        request_id: Of the command that causes it.
        settled: Require that nothing is held and nothing outstanding.

    Raises (at commit):
        ConditionFailedError: The line changed meanwhile, or carries something.
    """
    if line.status == "closed":
        return WriteSet()
    version = line.version + 1
    actions = (
        Path("s").set("closed"),
        Path("v").set(version),
        Path("ob").set(pack(version, container().clock.now(), request_id)),
    )
    same: Condition = Path("v") == line.version
    condition = same & (Path("hd") == 0) & (Path("os") == 0) if settled else same
    return WriteSet.of(Update(LineItem, line.pk, line.sk, actions, condition))


def with_money_moved(alias: int, change: LineChange, status: WriteSet) -> WriteSet:
    """A change of a line's status or limit, and of its money, as the one update that a transaction may hold of it.

    Args:
        alias: Of the line.
        change: What moves.
        status: What `plan_freeze`, `plan_lift` or `plan_cut` planned; empty for none.
    """
    moved = plan_move(alias, change)
    if not status.operations or not moved.operations:
        return moved + status
    (money,) = (operation for operation in moved.operations if isinstance(operation, Update))
    joined: list[Operation] = []
    for operation in status.operations:
        if isinstance(operation, Update) and (operation.pk, operation.sk) == (money.pk, money.sk):
            condition = operation.condition & money.condition if operation.condition is not None else money.condition
            actions = summed((*operation.actions, *money.actions))
            joined.append(replace(operation, actions=actions, condition=condition))
        else:
            joined.append(operation)
    return WriteSet(tuple(joined))
