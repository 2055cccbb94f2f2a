"""The checks of the stream: patterns over time that no single order shows. Facts in, suspicions out, nothing else.

Each check says what it saw in its reasons and what it would do in its actions; the rules of `rules.ACTIONS` apply.
Thresholds are the tables at the top of each part, so that an analyst reads them in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from functions.risk.casework.cases import SEVERITIES
from functions.risk.counters import DAY_S, Counter
from functions.risk.measures.links import Link, rings
from functions.risk.measures.places import Sighting, distance_km, speed_kmh
from functions.risk.signals import AHEAD

BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a check found.

    Args:
        kind: Which check.
        pivot: The object it is about; one case per pivot.
        objects: All objects concerned, the pivot first.
        severity: "low", "medium", "high" or "critical".
        reasons: What was seen, with figures; for the staff.
        actions: What is suggested, as in `rules.ACTIONS`.
        value_minor: What is at risk.
        title: What the check is called to people; "" where the kind says it.
        shared: It is about what several customers do with the same things: what the others ordered with them is stopped
            too, where this is.
    """

    kind: str
    pivot: str
    objects: tuple[str, ...]
    severity: str
    reasons: tuple[str, ...]
    actions: tuple[str, ...]
    value_minor: int = 0
    title: str = ""
    shared: bool = False


# velocity ------------------------------------------------------------------------------------------------------------

VELOCITY: Final = (
    # subject, what is counted ("count" or a kind of thing), window, limit, severity
    ("device", "customers", "1h", 3, "high"),
    ("device", "customers", "1d", 4, "high"),
    ("device", "count", "15m", 8, "medium"),
    ("address", "customers", "1d", 5, "medium"),
    ("instrument", "customers", "1d", 3, "medium"),
)


def velocity(counters: Mapping[str, Counter], pivot: str, at_s: int) -> list[Suspicion]:
    """Too many orders, or too many different customers, with one thing in too short a time.

    The customer's own pace is judged by rules (`stream_velocity`), on what the line itself counts.

    Args:
        counters: Kind of thing ("device" …) to its counter, the present order counted.
        pivot: Line of the customer who has just used them.
        at_s: Now, seconds since 1970.
    """
    found: dict[str, Suspicion] = {}
    for subject, measure, window, limit, severity in VELOCITY:
        if subject not in counters:
            continue
        counter = counters[subject]
        count, total = counter.total(window, at_s)
        seen = count if measure == "count" else counter.different(measure, window, at_s)
        if seen < limit:
            continue
        reason = f"{seen} {'orders' if measure == 'count' else measure} on one {subject} in {window}, limit {limit}"
        had = found.get(subject)
        worst = severity if had is None else max(severity, had.severity, key=SEVERITIES.index)
        reasons = (reason,) if had is None else (*had.reasons, reason)
        shared = measure == "customers" or (had is not None and had.shared)
        actions = ("alert", "suspend", "open_case")
        found[subject] = Suspicion("velocity", pivot, (pivot,), worst, reasons, actions, max(total, 0), shared=shared)
    return list(found.values())


# bust-out ------------------------------------------------------------------------------------------------------------

SMALL_REPAYMENTS: Final = (2, 4)
WATCHED_DAYS: Final = 90
JUMP_BPS: Final = 50_000
MAXED_BPS: Final = 8_500
RAISE_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase as the bust-out check sees it."""

    at_s: int
    amount_minor: int
    liquid_goods: bool


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """A customer's line over time.

    Args:
        customer: Id.
        last: The present purchase.
        usual_minor: Mean of the purchases before it; 0 if there were none.
        clean_repayment_days: Days (since 1970) of small repayments in full and on time.
        raised_day: Day of the last limit raise; 0 for none.
        limit_minor: Now.
        used_minor: Held and outstanding now.
    """

    customer: str
    last: Purchase
    usual_minor: int
    clean_repayment_days: Sequence[int]
    raised_day: int
    limit_minor: int
    used_minor: int


def bust_out(account: AccountHistory) -> Suspicion | None:
    """Trust built cheaply, then spent at once: a few clean repayments or a raise, then the line in liquid goods."""
    last, today = account.last, account.last.at_s // DAY_S
    if account.limit_minor <= 0 or not last.liquid_goods:
        return None
    used_bps = account.used_minor * BPS // account.limit_minor
    if used_bps < MAXED_BPS:
        return None
    reasons: list[str] = []
    repaid = sum(today - WATCHED_DAYS < day <= today + AHEAD for day in account.clean_repayment_days)
    usual = account.usual_minor
    if SMALL_REPAYMENTS[0] <= repaid <= SMALL_REPAYMENTS[1] and usual and last.amount_minor * BPS >= usual * JUMP_BPS:
        reasons.append(
            f"{repaid} clean repayments in {WATCHED_DAYS} days, then {last.amount_minor // usual} times the usual"
        )
    if account.raised_day and today - RAISE_DAYS < account.raised_day <= today:
        reasons.append(f"used up {today - account.raised_day} days after a raise")
    if not reasons:
        return None
    reasons.append(f"{used_bps // 100} % of the line used, the last of it in liquid goods")
    severity = "critical" if len(reasons) > 2 else "high"  # noqa: PLR2004  both ways of building trust at once
    actions = ("alert", "suspend", "cut_line", "open_case")
    return Suspicion(
        "bust_out", account.customer, (account.customer,), severity, tuple(reasons), actions, account.used_minor
    )


# cash-out by a colluding merchant ------------------------------------------------------------------------------------

COLLUSION: Final = (
    # sign, share in bps at or above which it counts, words
    ("round", 5_000, "of orders have a round amount"),
    ("repeat", 7_000, "of orders come from customers who had ordered before in the month"),
    ("shared_device", 2_000, "of customers share a device with another customer"),
    ("few_devices", 5_000, "of customers have no device of their own"),
    ("elsewhere", 3_000, "of refunds go to another instrument than was charged"),
    ("early_default", 2_000, "of plans are never paid, not even once"),
    ("near_limit", 4_000, "of orders take nearly all that the customer had available"),
)
LEAST_ORDERS: Final = 20
LEAST_CUSTOMERS: Final = 4
"""So few customers share devices by chance in any small shop, and say nothing of it."""

EARLY_ORDERS: Final = 8
"""From so many orders on the signs that block a payout are enough: who is there to cash out does not stay a month."""

SIGNS_FOR: Final = {2: "medium", 3: "high"}


@dataclass(frozen=True, slots=True)
class MerchantPattern:
    """A merchant's 30 days in counts.

    Args:
        merchant: Id.
        orders: Captured orders; `round_orders` and `near_limit_orders` of them.
        round_orders: Whole multiples of 100 major units.
        near_limit_orders: Took 90 % or more of what was available.
        customers: Different customers; `sharing_customers` of them share a device with another one.
        sharing_customers: As above.
        devices: Different devices that told themselves.
        refunds: Refunds; `refunds_elsewhere` of them to another instrument.
        refunds_elsewhere: As above.
        plans_due: Plans whose first due date has passed; `plans_never_paid` of them past grace.
        plans_never_paid: As above.
        sold_minor: Sum of the orders.
        refunded_minor: Sum of the refunds.
        captures: Captures.
        disputes: Disputes opened about them.
    """

    merchant: str
    orders: int
    round_orders: int = 0
    near_limit_orders: int = 0
    customers: int = 0
    sharing_customers: int = 0
    refunds: int = 0
    refunds_elsewhere: int = 0
    plans_due: int = 0
    plans_never_paid: int = 0
    sold_minor: int = 0
    refunded_minor: int = 0
    captures: int = 0
    disputes: int = 0
    devices: int = 0

    def shares_bps(self) -> dict[str, int]:
        """Each sign's share; a sign without anything to divide by is left out."""
        parts = {
            "round": (self.round_orders, self.orders),
            "near_limit": (self.near_limit_orders, self.orders),
            "repeat": (max(0, self.orders - self.customers), self.orders),
            "shared_device": (self.sharing_customers, self.customers),
            "elsewhere": (self.refunds_elsewhere, self.refunds),
            "early_default": (self.plans_never_paid, self.plans_due),
        }
        if self.devices and self.customers >= LEAST_CUSTOMERS:
            parts["few_devices"] = (max(0, self.customers - self.devices), self.customers)
        return {sign: part * BPS // whole for sign, (part, whole) in parts.items() if whole > 0}


def merchant_signals(pattern: MerchantPattern) -> dict[str, int]:
    """The merchant's signals of the stream rules, for `signals.stream_signals(further=…)`."""
    shares = pattern.shares_bps()
    signals = {
        "merchant_round_bps_30d": shares.get("round"),
        "merchant_elsewhere_bps_30d": shares.get("elsewhere"),
        "merchant_early_default_bps": shares.get("early_default"),
        "merchant_plans_due": pattern.plans_due,
        "merchant_refund_bps_30d": (
            pattern.refunded_minor * BPS // pattern.sold_minor if pattern.sold_minor > 0 else None
        ),
        "merchant_dispute_bps_30d": pattern.disputes * BPS // pattern.captures if pattern.captures > 0 else None,
    }
    return {name: value for name, value in signals.items() if value is not None}


def colluding_merchant(pattern: MerchantPattern) -> Suspicion | None:
    """Credit lines turned into cash through a merchant who is in on it (套现): several signs at once.

    One sign alone is trade as usual somewhere; two of a month's trade are worth a look, three block the payout, and
    these three already of the first orders.
    """
    if pattern.orders < EARLY_ORDERS:
        return None
    shares = pattern.shares_bps()
    seen = [(sign, words) for sign, least, words in COLLUSION if shares.get(sign, 0) >= least]
    if len(seen) < (min(SIGNS_FOR) if pattern.orders >= LEAST_ORDERS else max(SIGNS_FOR)):
        return None
    severity = SIGNS_FOR.get(len(seen), "critical")
    reasons = tuple(f"{shares[sign] // 100} % {words}" for sign, words in seen)
    actions = ("alert", "open_case") if severity == "medium" else ("alert", "block_payout", "open_case")
    return Suspicion(
        "colluding_merchant", pattern.merchant, (pattern.merchant,), severity, reasons, actions, pattern.sold_minor
    )


# rings, borrowed identities ------------------------------------------------------------------------------------------

RING_FROM: Final = 4


def link_rings(links: Iterable[Link], owed_minor: Mapping[str, int], least: int = RING_FROM) -> list[Suspicion]:
    """Customers tied together by things they share.

    Args:
        links: Who used what in 30 days.
        owed_minor: Customer to what is owed and held.
        least: Customers that make a ring.
    """
    found = []
    for ring in rings(links, least):
        owed = sum(owed_minor.get(customer, 0) for customer in ring.customers)
        reason = f"{len(ring.customers)} customers share {len(ring.things)} devices, addresses or instruments"
        severity = "critical" if len(ring.customers) >= 2 * least else "high"
        found.append(
            Suspicion(
                "link_ring", ring.customers[0], (*ring.customers, *ring.things), severity, (reason,),
                ("alert", "suspend", "freeze_line", "open_case"), owed, shared=True,
            )
        )  # fmt: skip
    return found


COMPONENTS: Final = ("document", "phone", "name", "address", "device", "instrument")
WEIGHTY: Final = frozenset({"document", "phone", "instrument"})


@dataclass(frozen=True, slots=True)
class IdentityUse:
    """How a customer's identity overlaps with others'.

    Args:
        customer: Id.
        reused: Component (of `COMPONENTS`) to how many other customers have the same.
        first_payment_missed: The first installment ever due went unpaid past grace.
        owed_minor: What is owed and held.
    """

    customer: str
    reused: Mapping[str, int]
    first_payment_missed: bool = False
    owed_minor: int = 0


def synthetic_identity(identity: IdentityUse) -> Suspicion | None:
    """A person put together from parts of others: reused components, all the more if nothing was ever paid."""
    shared = {part: identity.reused[part] for part in COMPONENTS if identity.reused.get(part, 0) > 0}
    weight = sum(2 if part in WEIGHTY else 1 for part in shared) + 2 * identity.first_payment_missed
    if not shared or weight < 3:  # noqa: PLR2004  a shared document and address, or any part and nothing paid
        return None
    reasons = [f"{part} belongs to {others} other customers" for part, others in shared.items()]
    if identity.first_payment_missed:
        reasons.append("the first installment ever due was not paid")
    severity = "high" if weight >= 4 else "medium"  # noqa: PLR2004
    actions = ("alert", "freeze_line", "open_case") if severity == "high" else ("alert", "open_case")
    who = identity.customer
    return Suspicion("synthetic_identity", who, (who,), severity, tuple(reasons), actions, identity.owed_minor)


# refunds, travel -----------------------------------------------------------------------------------------------------

REFUND_COUNT: Final = 4
REFUND_SHARE_BPS: Final = 5_000
ELSEWHERE_COUNT: Final = 2


@dataclass(frozen=True, slots=True)
class RefundHabit:
    """A customer's 30 days of refunds."""

    customer: str
    bought_minor: int
    refunded_minor: int
    refunds: int
    refunds_elsewhere: int


def refund_abuse(habit: RefundHabit) -> Suspicion | None:
    """Buying in order to be refunded: much of it, often, or to an instrument that was never charged."""
    reasons = []
    often = habit.refunds >= REFUND_COUNT
    if often and habit.refunded_minor * BPS >= REFUND_SHARE_BPS * habit.bought_minor:
        reasons.append(f"{habit.refunds} refunds of {habit.refunded_minor} out of {habit.bought_minor} bought")
    if habit.refunds_elsewhere >= ELSEWHERE_COUNT:
        reasons.append(f"{habit.refunds_elsewhere} refunds to another instrument")
    if not reasons:
        return None
    severity = "high" if habit.refunds_elsewhere >= ELSEWHERE_COUNT else "medium"
    who = habit.customer
    return Suspicion(
        "refund_abuse", who, (who,), severity, tuple(reasons), ("alert", "step_up_next", "open_case"),
        habit.refunded_minor,
    )  # fmt: skip


TRAVEL_KMH: Final = 1_000
TRAVEL_KM: Final = 300


def impossible_travel(
    customer: str, present: Sighting, sightings: Iterable[Sighting], amount_minor: int
) -> Suspicion | None:
    """Two payments that one person can't have made: farther apart than an airliner flies in the time.

    Args:
        customer: Id.
        present: Where and when this payment was made; it is compared with those right before and after it.
        sightings: Where the customer was otherwise, in any order; this payment may be among them.
        amount_minor: Of this payment.
    """
    ordered = sorted({present, *sightings})
    for before, after in pairwise(ordered):
        distance = distance_km(before.cell, after.cell)
        if present in {before, after} and distance >= TRAVEL_KM and speed_kmh(before, after) >= TRAVEL_KMH:
            reason = f"{distance} km in {(after.at_s - before.at_s) // 60} minutes"
            actions = ("alert", "suspend", "open_case")
            return Suspicion("impossible_travel", customer, (customer,), "high", (reason,), actions, amount_minor)
    return None
