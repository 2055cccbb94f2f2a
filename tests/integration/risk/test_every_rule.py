"""Every rule that ships fires through the API: played as frauds, read back from decisions, alerts and cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from functions.checkout.decision import History, Order, decide
from functions.credit.lines.store import LineItem
from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from functions.platform.storage import keys
from functions.risk.counting.observing import seen_order, terminal_of
from functions.risk.counting.service import counters_of
from functions.risk.counting.store import TerminalItem
from functions.risk.named_lists.lists import NamedLists
from functions.risk.record import unpack
from functions.risk.rule_life.in_force import InForce
from functions.risk.ruling.default_rules import default_sources
from functions.risk.ruling.ruleset import RuleSet
from functions.risk.signal_table import SCHEMA, SYNC_SCHEMA
from functions.risk.store import ProfileItem
from functions.risk.stream_service import stream_facts
from functions.risk.watch.judging import context_of, signals_of_order
from tests.builders.platform import Platform
from tests.simulation.ground import InProcess
from tests.simulation.plays import PLAYS, SHOPS, perform
from tests.simulation.world import World

RULES = frozenset(source["id"] for source in default_sources())
EVERYTHING = {"id": "all", "outcome": "hold", "when": {"any": [{"known": {"signal": name}} for name in SYNC_SCHEMA]}}
READS_ALL = InForce(RuleSet.compile([EVERYTHING], SYNC_SCHEMA), RuleSet(()), NamedLists({}), 0)


def test_the_plays_are_about_every_rule_and_no_other() -> None:
    assert frozenset().union(*(play.fires for play in PLAYS.values())) == RULES


def test_every_rule_fires_and_no_signal_is_without_a_source(platform: Platform) -> None:
    """One world for both: what the plays leave behind is what the signals are then read from."""
    world = World(InProcess(platform))
    world.open_shops(SHOPS)
    fired = {name: perform(world, name) for name in PLAYS}
    assert {name: sorted(PLAYS[name].fires - fired[name]) for name in PLAYS if PLAYS[name].fires - fired[name]} == {}
    assert "impossible_travel" in fired["two places"]  # the stream's check: no order saw the other
    known = {name for item in _orders(platform) for name in _known(platform, item)}
    assert set(SCHEMA) - known == {"first_at_shop"}  # told by a till alone, and nobody here goes to one


def _orders(platform: Platform) -> Iterator[AuthorizationItem]:
    for raw in platform.items():
        if raw["pk"]["S"].startswith("auth_") and raw["sk"]["S"] == keys.SELF and "al" in raw:
            yield AuthorizationItem.from_raw_data(raw)


def _known(platform: Platform, item: AuthorizationItem) -> set[str]:
    """The signals that the same small order would have now, before and after it is made."""
    tables, parties = platform.tables, Parties.unpack(item.parties)
    line = tables.get(LineItem, keys.line(item.alias))
    profile = tables.get(ProfileItem, keys.profile(item.alias))
    terminal = tables.get(TerminalItem, keys.terminal(terminal_of(item.merchant_id, parties)))
    if profile is None or terminal is None:
        return set()
    order = Order(1, item.currency, item.category, item.channel, 3, item.merchant_id, "Asia/Shanghai", parties)
    history = History(profile.profile(), terminal.history(), terminal.merchant(item.currency), ())
    now, counters = platform.clock.now(), counters_of(seen_order(item))
    verdict = decide(order, line, history, rules=READS_ALL, now=now, wall=platform.clock.wall())
    sync: dict[str, Any] = unpack(verdict.record, READS_ALL.sync).signals if verdict.record else {}
    facts = {**stream_facts(item, line, counters), **sync}
    return set(signals_of_order(item, facts, context_of(item, line, counters)))
