"""What the fraud model looks at: one function for training and for the authorization, from stored counters only.

Of the customer it reads the risk profile (sums of own purchases, purchases per day), of the terminal or shop its
orders and known frauds per quarter of a day. A fraud counts in the quarter of its purchase, and only once that quarter
lies a full week back: by then its label is in, so training sees no more than an authorization does.
Amounts enter as ratios only (to the customer's own mean, to the usual order of the currency), so that the same
purchase in another currency scores the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from functions.risk.counters import DAY_S, Ring
from functions.risk.pack import DamagedError, Packer, Unpacker
from functions.risk.profile import History, RiskProfile

Buckets = Mapping[int, tuple[int, int]]
"""Bucket number to (count, sum in minor units), or to (orders, known frauds)."""

LABEL_DAYS: Final = 7
"""A label is taken for known this long after the purchase."""

MEMORY_DAYS: Final = 30
NEVER: Final = 99.0
"""Days since something that never happened within memory."""

SLOT_S: Final = DAY_S // 4
SLOTS_A_DAY: Final = 4
_FORMAT: Final = 1
_SLOTS: Final = (LABEL_DAYS + MEMORY_DAYS + 1) * SLOTS_A_DAY + 1

USUAL_ORDER_MINOR: Final = {"CNY": 80_000, "EUR": 10_000, "USD": 11_000, "GBP": 9_000, "JPY": 16_000, "KWD": 34_000}
"""The usual order per currency: what `amount_to_usual` divides by. Configurable; these are defaults, not truths."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model.

    Args:
        name: Stable.
        family: What reasons group by.
        monotone: +1: more of it never lowers the score; 0: free.
        definition: Exact, for the manifest.
    """

    name: str
    family: str
    monotone: int
    definition: str


FEATURES: Final = (
    Feature("amount_to_usual", "amount", 1, "amount / usual order of the currency"),
    Feature("amount_to_mean", "amount", 1, "amount / mean of own purchases so far; 0 without any"),
    Feature("amount_z", "amount", 1, "(amount - own mean) / own spread, cut at ±20; 0 before the fifth purchase"),
    Feature("recent_to_mean", "recent", 0, "mean of own purchases of today and yesterday / mean so far; 0 without"),
    Feature("week_to_mean", "recent", 0, "mean of own purchases of today and the 7 days before / mean so far"),
    Feature("terminal_frauds_1d", "terminal", 1, "share of frauds at the terminal in the day that ended a week ago"),
    Feature("terminal_frauds_7d", "terminal", 1, "share of frauds at the terminal in the week that ended a week ago"),
    Feature("terminal_frauds_30d", "terminal", 1, "share of frauds in the 30 days that ended a week ago"),
    Feature("terminal_first_fraud", "terminal", 0, "days since the first known fraud there in memory; 99 if none"),
    Feature("terminal_last_fraud", "terminal", 0, "days since the last known fraud there; 99 if none"),
    Feature("terminal_run", "terminal", 0, "days since the unbroken run of frauds that is on there began; 99 if none"),
    Feature("terminal_run_after", "terminal", 0, "days since the last known honest order before that run; 99 if none"),
)
"""Few on purpose: how often a customer buys, the hour and a terminal's size were tried and only added noise."""


def _no_slots() -> Ring:
    return Ring(SLOT_S, _SLOTS)


@dataclass(frozen=True, slots=True)
class TerminalHistory:
    """Orders and known frauds at one terminal (or shop, or online merchant), per quarter of a day.

    Args:
        slots: Quarter of a day to (orders, of which known frauds).
    """

    slots: Ring = field(default_factory=_no_slots)

    def with_order(self, at_s: int) -> TerminalHistory:
        """After an order."""
        return TerminalHistory(self.slots.add(at_s, 1, 0))

    def with_frauds(self, ordered_at_s: int, frauds: int = 1) -> TerminalHistory:
        """After an order made then turned out to be fraud; −1: it was not, after all."""
        return TerminalHistory(self.slots.add(ordered_at_s, 0, frauds))

    def merge(self, other: TerminalHistory) -> TerminalHistory:
        """Of both together: how the shards of a hot one are read."""
        return TerminalHistory(self.slots.merge(other.slots))

    def pack(self) -> bytes:
        """As bytes for the item."""
        newest = max(self.slots.buckets, default=0)
        packer = Packer().unsigned(_FORMAT).unsigned(newest).unsigned(len(self.slots.buckets))
        for slot in sorted(self.slots.buckets):
            orders, frauds = self.slots.buckets[slot]
            packer.unsigned(newest - slot).signed(orders).signed(frauds)
        return packer.done()

    @classmethod
    def unpack(cls, data: bytes) -> TerminalHistory:
        """Inverse of `pack`.

        Raises:
            DamagedError: Not bytes that `pack` wrote.
        """
        unpacker = Unpacker(data)
        if (version := unpacker.unsigned()) != _FORMAT:
            raise DamagedError(f"a terminal history of format {version}; this code reads {_FORMAT}")
        newest, slots = unpacker.unsigned(), {}
        for _ in range(unpacker.unsigned()):
            slot = newest - unpacker.unsigned()
            slots[slot] = (unpacker.signed(), unpacker.signed())
        unpacker.finish()
        return cls(Ring(SLOT_S, _SLOTS, slots))


@dataclass(frozen=True, slots=True)
class ScoredOrder:
    """The order that is to be scored.

    Args:
        amount_minor: Financed amount.
        at_s: Now, seconds since 1970.
        usual_minor: The usual order of the currency (`USUAL_ORDER_MINOR`), > 0.
    """

    amount_minor: int
    at_s: int
    usual_minor: int


def fraud_features(order: ScoredOrder, profile: RiskProfile, terminal: TerminalHistory) -> tuple[float, ...]:
    """The model's inputs for one order, in the order of `FEATURES`.

    Args:
        order: What is asked.
        profile: The customer's, this order not in it.
        terminal: The terminal's, this order not in it.
    """
    return vector(order, profile.history, profile.days.buckets, terminal.slots.buckets)


def vector(order: ScoredOrder, history: History, own: Buckets, terminal: Buckets) -> tuple[float, ...]:
    """As `fraud_features`, on the bare figures."""
    amount_minor = order.amount_minor
    mean = history.total_minor / history.count if history.count else 0.0
    two_days, week = _recent_means(own, order.at_s // DAY_S)
    return (
        amount_minor / order.usual_minor,
        amount_minor / mean if mean else 0.0,
        _distance(amount_minor, mean, history),
        two_days / mean if mean else 0.0,
        week / mean if mean else 0.0,
        *_terminal(terminal, order.at_s),
    )


def _recent_means(own: Buckets, today: int) -> tuple[float, float]:
    """Mean purchase of today and yesterday, and of today and the 7 days before; 0 without any."""
    count = total = 0
    two_days = 0.0
    for back in range(8):
        had = own.get(today - back)
        if had is not None:
            count += had[0]
            total += had[1]
        if back == 1 and count:
            two_days = total / count
    return two_days, total / count if count else 0.0


def _distance(amount_minor: int, mean: float, history: History) -> float:
    """How many of the customer's own standard deviations the amount lies from the mean."""
    if history.count < 4:  # noqa: PLR2004  too few to have a spread
        return 0.0
    variance = (history.square_total * history.count - history.total_minor**2) / history.count**2
    return max(-20.0, min(20.0, (amount_minor - mean) / math.sqrt(variance))) if variance > 0 else 0.0


def _terminal(slots: Buckets, at_s: int) -> tuple[float, ...]:
    """The terminal's features, from the slots whose every label is known: those that ended a week ago or before."""
    now = at_s // SLOT_S
    last_known = (at_s - LABEL_DAYS * DAY_S) // SLOT_S - 1
    orders, frauds = [0, 0, 0], [0, 0, 0]
    first = last = run = before = 0
    for slot in range(last_known - MEMORY_DAYS * SLOTS_A_DAY + 1, last_known + 1):
        had = slots.get(slot)
        if had is None:
            continue
        count, bad = had
        window = 0 if slot > last_known - SLOTS_A_DAY else 1 if slot > last_known - 7 * SLOTS_A_DAY else 2
        orders[window] += count
        frauds[window] += bad
        if bad:
            last = slot
            first = first or slot
            run = run or slot
        elif count:
            before, run = slot, 0
    orders, frauds = list(accumulate(orders)), list(accumulate(frauds))
    shares = [bad / count if count else 0.0 for bad, count in zip(frauds, orders, strict=True)]
    ages = [(now - slot) / SLOTS_A_DAY if slot else NEVER for slot in (first, last)]
    run_ages = [(now - slot) / SLOTS_A_DAY if run and slot else NEVER for slot in (run, before)]
    return (*shares, *ages, *run_ages)
