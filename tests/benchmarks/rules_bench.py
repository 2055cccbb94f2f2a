"""Row 5: a five-condition rule against zen-engine's compiled expression, same data, same verdicts, in turn.

And what a hundred rules with the fraud model cost an authorization, with all signals there and with many missing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import zen

from functions.risk.counters import DAY_S
from functions.risk.fraud.features import ScoredOrder, TerminalHistory
from functions.risk.fraud.score import score_order
from functions.risk.profile import RiskProfile, Token
from functions.risk.rules import SignalSchema, compile_rule
from functions.risk.ruling.default_rules import default_sources
from functions.risk.ruling.ruleset import RuleSet
from functions.risk.signal_table import SYNC_SCHEMA
from functions.risk.signals import LineFacts, MerchantFacts, OrderFacts, sync_signals

REACH = 2.5
RULES = 100
RISK_MS = 1.0
NOW_S = 20_000 * DAY_S
ROUNDS = 15
CALLS = 4_000
SINGLE_CALLS = 1_000

SCHEMA = SignalSchema.from_dict(
    {
        "amount_minor": "money",
        "available_minor": "money",
        "tenure_days": "integer",
        "category": "string",
        "hour_local": "integer",
        "device_known": "boolean",
    }
)
RULE = {
    "id": "five_conditions",
    "outcome": "hold",
    "when": {
        "all": [
            {"ge": [{"signal": "amount_minor"}, 200_000]},
            {"lt": [{"signal": "tenure_days"}, 30]},
            {"between": [{"signal": "hour_local"}, 0, 5]},
            {"in": [{"signal": "category"}, ["electronics", "travel"]]},
            {"not": {"signal": "device_known"}},
        ]
    },
}
EXPRESSION = (
    "amount_minor >= 200000 and tenure_days < 30 and hour_local in [0..5] "
    'and category in ["electronics", "travel"] and not device_known'
)
MATCHING = {
    "amount_minor": 350_000,
    "available_minor": 500_000,
    "tenure_days": 12,
    "category": "electronics",
    "hour_local": 3,
    "device_known": False,
}
ROWS: list[dict[str, Any]] = [
    MATCHING,
    {**MATCHING, "category": "travel"},
    {**MATCHING, "device_known": True},
    {**MATCHING, "hour_local": 12},
]


def _microseconds(run: Callable[[dict[str, Any]], object], rows: list[dict[str, Any]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS // len(rows)):
        for row in rows:
            run(row)
    return (time.perf_counter() - started) / CALLS * 1e6


def measure() -> list[dict[str, Any]]:
    """Medians of interleaved runs, in microseconds per evaluation."""
    ours, peer = compile_rule(RULE, SCHEMA).evaluate, zen.compile_expression(EXPRESSION).evaluate
    for row in ROWS:
        if ours(row).matched is not peer(row):
            raise AssertionError(f"the two disagree on {row}")
    pairs = [(_microseconds(ours, ROWS), _microseconds(peer, ROWS)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = theirs / mine
    return [
        {
            "id": 5,
            "name": "five-condition rule",
            "ours": round(mine, 3),
            "peer": round(theirs, 3),
            "unit": "µs",
            "ratio": round(ratio, 2),
            "reach": REACH,
            "ok": ratio >= REACH,
        },
        _hundred_rules_and_the_score("a regular", *_regular()),
        _hundred_rules_and_the_score("a newcomer", RiskProfile(), TerminalHistory()),
    ]


def _hundred_rules_and_the_score(name: str, profile: RiskProfile, terminal: TerminalHistory) -> dict[str, Any]:
    """Signals from packed counters, the fraud score, and a hundred rules: processor time, median of single calls.

    Args:
        name: Whose order it is.
        profile: A regular's has all that the rules read; a newcomer's leaves many of them unknown.
        terminal: Where it is.
    """
    shipped = [source for source in default_sources() if source["pass"] == "sync"]
    sources = [{**shipped[n % len(shipped)], "id": f"r{n:03}"} for n in range(RULES)]
    rules = RuleSet.compile(sources, SYNC_SCHEMA)
    packed, packed_terminal = profile.pack(), terminal.pack()
    order = OrderFacts(
        60_000, NOW_S, "online", "electronics", merchant=1, device=7, address=7, instrument=7, cell=(1, 2)
    )
    line = LineFacts(1_000_000, 800_000, 100_000, 100_000, NOW_S - 90 * DAY_S)

    def work() -> int:
        began = time.process_time_ns()
        known, there = RiskProfile.unpack(packed), TerminalHistory.unpack(packed_terminal)
        score = score_order(ScoredOrder(order.amount_minor, order.at_s, 80_000), known, there)
        rules.evaluate(sync_signals(order, line, known, MerchantFacts(10, 500_000), score.bps))
        return time.process_time_ns() - began

    work()
    took = statistics.median(work() for _ in range(SINGLE_CALLS)) / 1e6
    return {
        "id": 5, "name": f"{RULES} rules and the fraud score, {name}", "ours": round(took, 3), "peer": None,
        "unit": "ms", "ratio": None, "reach": f"≤ {RISK_MS:.2f}", "ok": took <= RISK_MS,
    }  # fmt: skip


def _regular() -> tuple[RiskProfile, TerminalHistory]:
    profile, terminal = RiskProfile(limit_raised_day=19_990), TerminalHistory()
    for day in range(31):
        at_s = NOW_S - day * DAY_S
        profile = profile.with_purchase(50_000 + day, at_s, channel="online", merchants=(day,), cell=(1, 1))
        terminal = terminal.with_order(at_s).with_frauds(at_s, day % 2)
    token = Token(7, 19_000, 19_999, 2)
    return profile.with_device(token).with_address(token).with_instrument(token), terminal


if __name__ == "__main__":
    print(measure())
