"""What the line itself requires of a code, whatever was read before: judged by the write and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.core.clock import epoch_ms
from functions.core.ids import id_bytes, new_id
from functions.credit.lines.codes import plan_alias_turn, plan_confirmation, plan_devices, plan_own_code
from functions.credit.lines.service import get_line
from functions.credit.lines.store import CodeUse, LineItem, hold_refusal, plan_hold, plan_open
from functions.platform.storage import keys
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, commit
from tests.builders.platform import START, Platform

ALIAS = 123_456_789
USE = CodeUse(counter=100, ours=False, devices=None, alias_turn=None)


class RefusedError(Exception):
    def __init__(self, raw: RawItem | None) -> None:
        super().__init__()
        self.raw = raw


@pytest.fixture
def line(platform: Platform) -> LineItem:
    """As read before anything happens to it: the hot path's read is eventually consistent."""
    item = LineItem(
        pk=keys.line(ALIAS), version=1, customer=id_bytes(new_id("cus", START)), currency="CNY", limit=10_000,
        available=10_000, held=0, outstanding=0, grade="A", terms="1", zone="UTC", language="en", opened_at_ms=0,
    )  # fmt: skip
    commit(platform.tables, plan_open(item, RefusedError))
    read = get_line(ALIAS, consistent=True)
    assert read is not None
    return read


def pays(platform: Platform, line: LineItem, use: CodeUse, name: str) -> str:
    """ "paid", or why not."""
    now_ms, uses = epoch_ms(platform.clock.wall()), (name.encode().ljust(8), name.upper().encode().ljust(8))
    try:
        commit(platform.tables, plan_hold(line, 1_000, uses, now_ms, RefusedError, use))
    except RefusedError as refused:
        return hold_refusal(refused.raw, 1_000, uses, now_ms, use)
    return "paid"


def test_only_a_later_step_than_the_last_pays_however_stale_the_read(platform: Platform, line: LineItem) -> None:
    assert pays(platform, line, USE, "a") == "paid"
    line.quarter_0 = line.quarter_1 = epoch_ms(platform.clock.wall()) // (15 * 60 * 1000)
    for counter, outcome in ((100, "code_used"), (99, "code_used"), (101, "paid"), (100, "code_used")):
        assert pays(platform, line, replace(USE, counter=counter), f"b{counter}{outcome[0]}") == outcome
    now = get_line(ALIAS, consistent=True)
    assert now is not None
    assert (now.held, now.last_counter) == (2_000, 101)


def test_a_device_or_an_alias_that_changed_since_the_read_pays_nothing(platform: Platform, line: LineItem) -> None:
    commit(platform.tables, plan_devices(line, "a--------"))
    assert pays(platform, line, USE, "a") == "stale"
    use = replace(USE, devices="a--------")
    commit(platform.tables, plan_alias_turn(line, 7))
    assert pays(platform, line, use, "b") == "stale"
    assert pays(platform, line, replace(use, alias_turn=7), "c") == "paid"


def test_a_code_of_ours_pays_in_the_step_it_was_made_for(platform: Platform, line: LineItem) -> None:
    ours = replace(USE, ours=True)
    assert pays(platform, line, ours, "a") == "stale"
    commit(platform.tables, plan_own_code(line, 100))
    assert pays(platform, line, replace(ours, counter=101), "b") == "stale"
    assert pays(platform, line, ours, "c") == "paid"
    with pytest.raises(ConditionFailedError):
        commit(platform.tables, plan_own_code(line, 100))


def test_two_who_change_the_devices_at_once_do_not_undo_each_other(platform: Platform, line: LineItem) -> None:
    commit(platform.tables, plan_devices(line, "a--------"))
    with pytest.raises(ConditionFailedError):
        commit(platform.tables, plan_devices(line, "-a-------"))


def test_a_longer_wish_for_the_phone_stands_and_a_new_alias_ends_it(platform: Platform, line: LineItem) -> None:
    commit(platform.tables, plan_confirmation(ALIAS, 2_000))
    with pytest.raises(ConditionFailedError):
        commit(platform.tables, plan_confirmation(ALIAS, 1_000))
    commit(platform.tables, plan_alias_turn(line, 7))
    now = get_line(ALIAS, consistent=True)
    assert now is not None
    assert now.confirm_until_ms is None
