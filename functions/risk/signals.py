"""Signals from facts. Pure: everything known comes in, a mapping of flat names goes out, nothing is guessed.

A signal without a value is left out; a rule that needs it is then unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isqrt
from typing import Any, Final, Protocol

from functions.risk.counters import DAY_S, Counter, Ring
from functions.risk.measures.places import Cell, Sighting, distance_km, speed_kmh
from functions.risk.profile import SMALL_REPAYMENT_DAYS, History, RiskProfile, Token, token_of
from functions.risk.signal_table import SCHEMA, SCHEMA_NUMBER, SYNC_SCHEMA

__all__ = [
    "SCHEMA", "SCHEMA_NUMBER", "SYNC_SCHEMA", "LineFacts", "MerchantFacts", "OrderFacts", "RecentOrders", "Velocity",
    "stream_signals", "sync_signals",
]  # fmt: skip

BPS: Final = 10_000
_MONTH_S: Final = 30 * DAY_S
_SATURDAY: Final = 5
MEAN_FROM: Final = 2
"""Own purchases needed before this one for a ratio to the mean, and below for a distance in σ."""
SPREAD_FROM: Final = 4
AHEAD: Final = 1
"""Days of repayments are the customer's own, which may be a day ahead of the day at Greenwich."""
MOST_BPS: Final = 10_000_000
"""Ratios are cut here (a thousandfold), so that a snapshot stays small."""

SENSITIVE: Final = frozenset({"health", "aesthetic_medicine", "health_and_aesthetic"})
"""Categories that may never be a fraud feature (product.md, P4)."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The order that asks to be authorized.

    Args:
        amount_minor: What is to be financed, > 0.
        at_s: Now, seconds since 1970.
        channel: "online" or "in_store".
        category: Scenario.
        utc_offset_s: Of the shop's zone at that instant.
        exponent: Digits of the currency's minor unit.
        liquid_goods: From the merchant's scenario or the order's lines.
        merchant: 64-bit hash that stands for it, as all of these (functions.risk.counters.hash64 of a keyed hash).
        shop: The shop or till; None online.
        device: None if not told.
        device_flagged: It says itself that it is an emulator or rooted.
        address: Where goods are sent; None in store.
        instrument: The repayment instrument; None if there is none yet.
        cell: Coarse place, if known.
        lists: Names of the lists on which a party stands (functions.risk.named_lists.lists).
    """

    amount_minor: int
    at_s: int
    channel: str
    category: str
    utc_offset_s: int = 0
    exponent: int = 2
    liquid_goods: bool = False
    merchant: int = 0
    shop: int | None = None
    device: int | None = None
    device_flagged: bool = False
    address: int | None = None
    instrument: int | None = None
    cell: Cell | None = None
    lists: tuple[str, ...] = ()


class Velocity(Protocol):
    """What the line remembers of recent authorizations, newest bucket first, the present one at the head.

    Five quarter-hours and at least two UTC days; `functions.credit.lines.store.Velocity` is one.
    """

    @property
    def quarters(self) -> Sequence[int]: ...
    @property
    def quarter_sums_minor(self) -> Sequence[int]: ...
    @property
    def day_counts(self) -> Sequence[int]: ...
    @property
    def day_sums_minor(self) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class RecentOrders:
    """A `Velocity` by its figures."""

    quarters: Sequence[int] = ()
    quarter_sums_minor: Sequence[int] = ()
    day_counts: Sequence[int] = ()
    day_sums_minor: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class LineFacts:
    """The credit line as read; `held` and `outstanding` before this order.

    Args:
        limit_minor: The limit.
        available_minor: What is left of it; may be negative.
        held_minor: Promised.
        outstanding_minor: Owed.
        opened_s: When it was opened, seconds since 1970.
        velocity: The buckets of the line, this order not in them.
    """

    limit_minor: int
    available_minor: int
    held_minor: int = 0
    outstanding_minor: int = 0
    opened_s: int = 0
    velocity: Velocity = RecentOrders()


@dataclass(frozen=True, slots=True)
class MerchantFacts:
    """What the cached merchant record tells: its orders of 30 days."""

    order_count_30d: int = 0
    order_sum_minor_30d: int = 0


def sync_signals(
    order: OrderFacts,
    line: LineFacts,
    profile: RiskProfile | None,
    merchant: MerchantFacts | None = None,
    fraud_score_bps: int | None = None,
) -> dict[str, Any]:
    """All that is known inside the authorization.

    Args:
        order: What is asked.
        line: The credit line as read.
        profile: The risk profile; `RiskProfile()` for a customer who has none yet, None if it could not be read.
        merchant: The cached merchant figures, if there are any.
        fraud_score_bps: The fraud model's probability, if it was run before the rules.

    Returns:
        Flat names of `SYNC_SCHEMA` to values; what has no value is left out.
    """
    signals = _order_signals(order)
    if order.device is not None:
        signals["device_flagged"] = order.device_flagged
    _line_signals(signals, order, line)
    if profile is not None:
        _profile_signals(signals, order, profile)
    if merchant is not None and merchant.order_sum_minor_30d > 0:
        signals["amount_to_ticket_bps"] = _bps(
            order.amount_minor * merchant.order_count_30d, merchant.order_sum_minor_30d
        )
    if fraud_score_bps is not None:
        signals["fraud_score_bps"] = fraud_score_bps
    return signals


def stream_signals(
    base: Mapping[str, Any], counters: Mapping[str, Counter], at_s: int, further: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All that is known on the stream.

    Args:
        base: The snapshot of the decision (synchronous signals).
        counters: Subject ("device", "address", "instrument", "merchant") to its counter, this order counted.
        at_s: Instant of the order.
        further: Signals computed elsewhere (merchant patterns, link rings), by flat name.
    """
    signals = dict(base)
    for name, subject, measure, window in _FROM_COUNTERS:
        counter = counters.get(subject)
        if counter is None:
            continue
        if measure in {"count", "sum"}:
            signals[name] = counter.total(window, at_s)[measure == "sum"]
        else:
            signals[name] = counter.different(measure, window, at_s)
    signals.update(further or {})
    return signals


def _from_counters() -> tuple[tuple[str, str, str, str], ...]:
    """Flat name, subject, measure and window of every signal that is read straight off a counter."""
    found = []
    for name in SCHEMA:
        subject, _, rest = name.partition("_")
        measure, _, window = rest.rpartition("_")
        if measure in _MEASURES.get(subject, ()):
            found.append((name, subject, measure, window))
    return tuple(found)


_MEASURES: Final = {
    "device": frozenset({"count", "sum", "customers", "merchants"}),
    "address": frozenset({"count", "sum", "customers"}),
    "instrument": frozenset({"count", "sum", "customers"}),
    "merchant": frozenset({"count", "sum", "customers", "devices", "declines"}),
}
"""What is counted per subject; anything but count and sum is a distinct count of that kind of thing."""

_FROM_COUNTERS: Final = _from_counters()


def _order_signals(order: OrderFacts) -> dict[str, Any]:
    local = datetime.fromtimestamp(order.at_s, UTC) + timedelta(seconds=order.utc_offset_s)
    signals = {
        "amount_minor": order.amount_minor,
        "channel": order.channel,
        "liquid_goods": order.liquid_goods,
        "hour_local": local.hour,
        "weekend": local.weekday() >= _SATURDAY,
        "round_amount": order.amount_minor % 10 ** (order.exponent + 2) == 0,
        "lists": order.lists,
    }
    if order.category not in SENSITIVE:
        signals["category"] = order.category
    for party, thing in (
        ("merchant", order.merchant),
        ("device", order.device),
        ("address", order.address),
        ("instrument", order.instrument),
    ):
        if thing is not None:
            signals[party] = f"{thing:016x}"
    return signals


def _line_signals(signals: dict[str, Any], order: OrderFacts, line: LineFacts) -> None:
    amount, at_s = order.amount_minor, order.at_s
    if line.available_minor > 0:
        signals["share_of_available_bps"] = _bps(amount, line.available_minor)
    if line.limit_minor > 0:
        used = line.held_minor + line.outstanding_minor
        signals["limit_minor"] = line.limit_minor
        signals["utilisation_bps"] = _bps(used, line.limit_minor)
        signals["utilisation_after_bps"] = _bps(used + amount, line.limit_minor)
    signals["tenure"] = max(0, at_s - line.opened_s)
    recent = line.velocity
    for window, counts, sums, touched in (
        ("15m", recent.quarters, recent.quarter_sums_minor, 2),
        ("1h", recent.quarters, recent.quarter_sums_minor, 5),
        ("1d", recent.day_counts, recent.day_sums_minor, 2),
    ):
        signals[f"customer_count_{window}"] = sum(counts[:touched]) + 1
        signals[f"customer_sum_{window}"] = sum(sums[:touched]) + amount


def _profile_signals(signals: dict[str, Any], order: OrderFacts, profile: RiskProfile) -> None:
    amount, at_s = order.amount_minor, order.at_s
    _history_signals(signals, amount, profile.history)
    count, total = profile.days.total(_MONTH_S, at_s)
    signals["customer_count_30d"], signals["customer_sum_30d"] = count + 1, total + amount
    signals["first_at_merchant"] = order.merchant not in profile.merchants
    if order.shop is not None:
        signals["first_at_shop"] = order.shop not in profile.merchants
    if profile.last_at_s:
        signals["time_since_last"] = max(0, at_s - profile.last_at_s)
        signals["channel_switched"] = order.channel != profile.last_channel
    if order.cell is not None and profile.sightings:
        last = profile.sightings[-1]
        signals["distance_km"] = distance_km(order.cell, last.cell)
        signals["travel_kmh"] = speed_kmh(last, Sighting(at_s, order.cell))
    for subject, wanted, tokens in (
        ("device", order.device, profile.devices),
        ("address", order.address, profile.addresses),
        ("instrument", order.instrument, profile.instruments),
    ):
        if wanted is not None:
            _token_signals(signals, subject, token_of(tokens, wanted), at_s)
    today = at_s // DAY_S
    if profile.limit_raised_day:
        signals["limit_raise_age"] = max(0, today - profile.limit_raised_day) * DAY_S
    recent = [day for day in profile.small_repayments if today - SMALL_REPAYMENT_DAYS < day <= today + AHEAD]
    signals["small_repayments_90d"] = len(recent)
    signals["first_payment_missed"] = profile.first_payment_missed
    signals["identity_reuse"] = profile.identity_reuse
    _refund_signals(signals, profile.refunds, profile.refunds_elsewhere, total, at_s)


def _history_signals(signals: dict[str, Any], amount: int, history: History) -> None:
    signals["purchase_count"] = count = history.count
    if count:
        signals["amount_to_largest_bps"] = _bps(amount, history.largest_minor)
    if count >= MEAN_FROM:
        signals["amount_to_mean_bps"] = _bps(amount * count, history.total_minor)
    if count >= SPREAD_FROM:
        # n²·variance, exact; the root is taken of 10,000 times it, so the quotient comes out in hundredths
        spread = isqrt((count * history.square_total - history.total_minor**2) * BPS)
        if spread:
            distance = (count * amount - history.total_minor) * BPS
            signals["amount_z_centi"] = max(-MOST_BPS, min(MOST_BPS, distance // spread))


def _token_signals(signals: dict[str, Any], subject: str, token: Token | None, at_s: int) -> None:
    """A token that is not on the profile is new to this customer; who else uses it only the stream can tell."""
    signals[f"{subject}_known"] = token is not None
    signals[f"{subject}_age"] = max(0, at_s // DAY_S - token.first_day) * DAY_S if token else 0
    if token:
        signals[f"{subject}_customers_30d"] = token.customers_30d
        if subject == "device":
            signals["device_flagged"] = token.flagged or signals["device_flagged"]


def _refund_signals(signals: dict[str, Any], refunds: Ring, elsewhere: Ring, bought_minor: int, at_s: int) -> None:
    count, total = refunds.total(_MONTH_S, at_s)
    signals["refund_count_30d"] = count
    signals["refund_elsewhere_count_30d"] = elsewhere.total(_MONTH_S, at_s)[0]
    if bought_minor > 0:
        signals["refund_share_bps_30d"] = _bps(total, bought_minor)


def _bps(part: int, whole: int) -> int:
    """The quotient part / whole in basis points, rounded down, cut at a thousandfold; whole > 0."""
    return min(MOST_BPS, part * BPS // whole)
