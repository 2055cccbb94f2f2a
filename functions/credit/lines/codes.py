"""What a line keeps of payment codes: who may make them, under which alias, and when the phone must confirm.

None of it is a state of the line: its version stays, nothing is told, and purchases go on meanwhile.
"""

from __future__ import annotations

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from functions.credit.lines.store import LineItem, unchanged
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, Update, WriteSet


def plan_devices(line: LineItem, slots: str) -> WriteSet:
    """The devices that may make codes, over those that were read."""
    return _plan(line.pk, (Path("td").set(slots),), unchanged("td", line.devices))


def plan_alias_turn(line: LineItem, packed: int) -> WriteSet:
    """The next alias; what was guessed at was the one before, so nothing is left to confirm."""
    return _plan(line.pk, (Path("ar").set(packed), Path("cf").remove()), unchanged("ar", line.alias_turn))


def plan_own_code(line: LineItem, counter: int) -> WriteSet:
    """The step of the one code of ours that may pay, not before the last that did."""
    later = Path("lc").does_not_exist() | (Path("lc") < counter)
    return _plan(line.pk, (Path("sc").set(counter),), later)


def plan_confirmation(alias: int, until_ms: int) -> WriteSet:
    """Codes of a line need the phone's confirmation until a wall instant; a later one stands."""
    sooner = Path("cf").does_not_exist() | (Path("cf") < until_ms)
    return _plan(keys.line(alias), (Path("cf").set(until_ms),), Path("pk").exists() & sooner)


def _plan(pk: str, actions: tuple[Action, ...], condition: Condition) -> WriteSet:
    return WriteSet.of(Update(LineItem, pk, keys.SELF, actions, condition, ConditionFailedError))
