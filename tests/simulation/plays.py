"""One play per pattern of fraud, each through the API alone: together they make every default rule fire.

A play is given a world with shops and says which orders it made; what fired is then read back through the API, from the
decisions of those orders and from the alerts and cases that came up while it was played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tests.simulation.world import World

HOME: Final = {"latitude": 31.23, "longitude": 121.47}
FAR: Final = {"latitude": 39.90, "longitude": 116.40}
QUIET, NEW, RUSHED, UNPAID, REFUNDING, PROBED, WATCHED = range(7)
"""The shops by what happens there."""

SHOPS: Final = 7
NOON: Final = 4
"""In Shanghai, by UTC."""

Orders = list[str]


@dataclass(frozen=True, slots=True)
class Play:
    """A pattern of fraud.

    Args:
        act: Does it; gives the orders whose decisions are looked at.
        fires: The default rules that it makes fire.
    """

    act: Callable[[World], Orders]
    fires: AbstractSet[str]


def stolen_account(world: World) -> Orders:
    """Small purchases from the own phone at home; two nights later someone else's, from far away."""
    own = {"device": _phone("owner"), "place": HOME}
    for n in range(4):
        world.buy("owner", QUIET, 20_000 + 500 * n, pay=own, ship="owner-home")
    world.buy("neighbour", NEW, 15_000)
    world.deliver()
    world.wait(timedelta(days=2, hours=(18 - world.now.hour) % 24))  # two in the morning in Shanghai
    world.buy("owner", QUIET, 21_000, pay=own, channel="in_store")
    world.deliver()
    world.wait(timedelta(minutes=20))
    thief = {"device": _phone("thief", tampered=True), "place": FAR}
    return [world.buy("owner", NEW, world.share("owner", 60, whole=10_000), pay=thief, ship="thief-drop")]


def two_places(world: World) -> Orders:
    """Two orders at the same moment, a thousand kilometres apart: only the stream sees both."""
    orders = [world.buy("twice", QUIET, 20_000, pay={"place": place}) for place in (HOME, FAR)]
    world.deliver()
    return orders


def new_account(world: World) -> Orders:
    """The first order takes the whole line, in goods that sell for cash."""
    return [world.buy("newcomer", QUIET, world.share("newcomer", 97))]


def rush(world: World) -> Orders:
    """Many round amounts within minutes at one shop; the customer is trusted, so that nothing stops the rush."""
    world.put_on_list("trusted_customers", world.person("rusher").id)
    amount = world.share("rusher", 6, whole=10_000)
    orders = [world.buy("rusher", RUSHED, amount, pay={"device": _phone("bot")}) for _ in range(16)]
    orders += [world.buy("bystander", RUSHED, 20_000, pay={"device": _phone("bot")}) for _ in range(4)]
    world.deliver()
    return orders


def mule_ring(world: World) -> Orders:
    """Six new customers with one phone, one door and one card; one of them is let go and comes again."""
    shared = {"device": _phone("mule"), "instrument": "mule-card"}
    names = [f"mule-{n}" for n in range(6)]
    orders = [world.buy(who, QUIET, world.share(who, 45), pay=shared, ship="mule-door") for who in names]
    world.deliver()
    _let_go(world, names[-1])
    return [*orders, world.buy(names[-1], QUIET, 30_000, pay=shared, ship="mule-door")]


def bust_out(world: World) -> Orders:
    """Small purchases paid back at once, then four fifths of the line in goods that sell for cash."""
    for _ in range(3):
        order = world.buy("patient", QUIET, 30_000, term=1)
        bought = world.capture(QUIET, order, 30_000)
        world.deliver()
        world.pay_off("patient", bought["plan_id"])
        world.deliver()
    return [world.buy("patient", QUIET, world.share("patient", 90))]


def raised_and_spent(world: World) -> Orders:
    """The limit is raised and the line used up the same day."""
    world.buy("raised", QUIET, 30_000)
    world.raise_limit("raised")
    world.deliver()
    return [world.buy("raised", QUIET, world.share("raised", 99))]


def raised_and_drained(world: World) -> Orders:
    """The limit is raised and drained in three orders, none of which stands out."""
    world.raise_limit("drained")
    world.deliver()
    amount = world.share("drained", 31)
    orders = []
    for _ in range(3):
        orders.append(world.buy("drained", QUIET, amount))
        world.deliver()
    return orders


def refunds_elsewhere(world: World) -> Orders:
    """What is bought comes back, to another card than it was bought with; the customer is let go and comes again."""
    how = {"category": "appliances", "pay": {"instrument": "returner-card"}}
    orders = [world.buy("returner", REFUNDING, 40_000, **how) for _ in range(4)]
    for order in orders:
        bought = world.capture(REFUNDING, order, 40_000)
        world.refund(REFUNDING, bought["id"], 38_000, instrument="another-card")
    world.deliver()
    _let_go(world, "returner")
    return [world.buy("returner", REFUNDING, world.share("returner", 30), category="appliances")]


def watched(world: World) -> Orders:
    """A watched customer, who confirms every purchase, at a watched shop."""
    customer = world.person("watched").id
    world.put_on_list("watched_customers", customer)
    world.put_on_list("confirming_customers", customer)
    world.put_on_list("watched_merchants", world.shops[WATCHED][0])
    return [world.buy("watched", WATCHED, world.share("watched", 30))]


def probing(world: World) -> Orders:
    """Someone on a block list tries twenty times; then an honest customer of the shop buys."""
    world.put_on_list("blocked_customers", world.person("blocked").id)
    orders = [world.buy("blocked", PROBED, 20_000) for _ in range(20)]
    world.deliver()
    world.buy("honest", PROBED, 20_000)
    world.deliver()
    return orders[-1:]


def never_paid(world: World) -> Orders:
    """Plans of one shop of which not one installment is paid, two of them under borrowed names."""
    borrowed = {"instrument": "borrowed-card"}
    sales = [(who, {}) for who in ("debtor-0", "debtor-1") for _ in range(4)] + [
        (who, borrowed) for who in ("borrower-0", "borrower-1")
    ]
    for who, pay in sales:
        order = world.buy(who, UNPAID, 12_000, term=1, pay=pay, ship="borrowed-door" if pay else "")
        world.capture(UNPAID, order, 12_000)
    world.deliver()
    world.wait(timedelta(days=50))
    world.sweep()
    return [world.buy("debtor-0", QUIET, 12_000)]


PLAYS: Final[dict[str, Play]] = {
    "stolen account": Play(
        stolen_account,
        {"amount_above_own_history", "amount_outlier_on_new_device", "new_device_big_order", "new_device_and_address",
         "new_device_unusual_order", "flagged_device", "flagged_new_device",
         "new_address_liquid_goods", "impossible_travel", "channel_switch", "night_liquid_goods",
         "round_amount_odd_ticket", "fraud_score_elevated", "fraud_score_high"},
    ),
    "two places": Play(two_places, set()),
    "new account": Play(new_account, {"new_account_big_liquid_order", "new_account_big_share"}),
    "rush": Play(
        rush,
        {"velocity_count_15m", "velocity_count_1h", "velocity_sum_1d", "stream_velocity", "stream_colluding_merchant"},
    ),
    "mule ring": Play(
        mule_ring,
        {"shared_device", "shared_address", "shared_instrument", "identity_reused", "stream_shared_device",
         "stream_new_lines_one_device", "stream_one_device_one_shop", "stream_shared_address",
         "stream_instrument_spread", "stream_link_ring"},
    ),
    "bust-out": Play(bust_out, {"bust_out_jump"}),
    "raised and spent": Play(raised_and_spent, {"limit_raise_max_out"}),
    "raised and drained": Play(raised_and_drained, {"stream_bust_out"}),
    "refunds elsewhere": Play(
        refunds_elsewhere,
        {"refund_habit", "nearly_all_refunded", "refund_elsewhere_habit", "asked_to_confirm",
         "stream_refund_elsewhere"},
    ),
    "watched": Play(watched, {"watched_merchant", "watched_customer", "confirming_customer"}),
    "probing": Play(probing, {"listed_party", "stream_decline_burst"}),
    "never paid": Play(
        never_paid, {"first_payment_missed", "stream_early_default", "stream_synthetic_identity"}
    ),
}  # fmt: skip
"""In an order in which each can be played after the others; the last lets weeks pass."""


def perform(world: World, name: str) -> frozenset[str]:
    """Play one and read back through the API what has fired.

    Returns:
        Ids of rules and kinds of checks.
    """
    world.wait(timedelta(hours=(NOON - world.now.hour) % 24))
    before = set(_heard(world))
    orders = PLAYS[name].act(world)
    world.deliver()
    told = {rule for where, rule in set(_heard(world)) - before}
    return frozenset(told | {rule for order in orders for rule in _decided(world, order)})


def _decided(world: World, order: str) -> Iterator[str]:
    """The rules that said yes to an order, from its decision."""
    return (rule["rule"] for rule in world.decision(order)["rules"] if rule["said"] == "yes")


def _heard(world: World) -> Iterator[tuple[str, str]]:
    """Alert or case, and each rule that it names."""
    token = world.ground.staff_token("reviewer")
    for alert in _pages(world, "/v1/alerts", token):
        yield from ((alert["id"], rule) for rule in alert["rules"])
    for case in _pages(world, "/v1/reviews", token):
        yield from ((case["id"], reason["rule"]) for reason in case["reasons"])


def _pages(world: World, path: str, token: str) -> Iterator[dict[str, Any]]:
    cursor = ""
    while cursor is not None:
        page = world.api.get(f"{path}?limit=100" + (f"&cursor={cursor}" if cursor else ""), token=token)
        yield from page["data"]
        cursor = page["next_cursor"]


def _let_go(world: World, name: str) -> None:
    """A person clears what someone is suspected of: the line, which a grave alert has frozen, is free again."""
    for case in world.open_cases():
        if case["customer_id"] == world.person(name).id:
            world.decide(case, fraud=False)
    world.deliver()


def _phone(name: str, *, tampered: bool = False) -> dict[str, Any]:
    return {"id": f"{name}-phone-0000", "tampered": tampered}
