"""The evidence of a case: what the decisions saw, who is linked to whom, what was decided before, the merchant's month.

Read together when a person opens the case; nothing of it is stored with the case, so it tells what is known now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.container import container
from functions.platform.storage import keys
from functions.risk.casework.case_store import CaseItem
from functions.risk.casework.present import present_case
from functions.risk.casework.queue_service import cases_of, read_case
from functions.risk.counters import DAY_S
from functions.risk.counting.service import merchant_counter
from functions.risk.profile import RiskProfile
from functions.risk.store import ProfileItem
from functions.risk.stream_service import decision_of
from functions.risk.watch.judging import habit_of
from functions.risk.watch.lessons import things_of
from functions.risk.watch.pattern import pattern_of
from functions.risk.watch.rings import Thing, around, line_name, things_of_profile
from functions.risk.watch.store import DaysItem
from functions.settlement.blocks import blocks_of

PAST: Final = 20
_SHORT: Final = ("id", "kind", "about", "status", "severity", "amount_minor", "outcome", "decision", "opened_at")


def read_evidence(case_id: str) -> dict[str, Any]:
    """Everything that is known about a case's orders, customer and merchant.

    Raises:
        NotFoundError: No such case.
    """
    case = read_case(case_id)
    orders, profile = _orders(case), _profile(case.alias)
    return {
        "object": "case_evidence",
        "case_id": case.pk,
        "orders": [_order(order) for order in orders],
        "graph": _graph(case, orders, profile),
        "past": _past(case),
        "customer": _customer(case, profile),
        "merchant": _merchant(case),
    }


def _orders(case: CaseItem) -> list[AuthorizationItem]:
    wanted = [(AuthorizationItem, one, keys.SELF) for one in case.authorization_ids]
    return [item for item in container().tables.batch_get(wanted) if isinstance(item, AuthorizationItem)]


def _profile(alias: int | None) -> RiskProfile | None:
    if alias is None:
        return None
    found: ProfileItem | None = container().tables.get(ProfileItem, keys.profile(alias))
    return found.profile() if found else RiskProfile()


def _order(order: AuthorizationItem) -> dict[str, Any]:
    value = to_value(order)
    return {
        "authorization_id": order.pk,
        "merchant_id": order.merchant_id,
        "status": str(value.status),
        "suspended": value.suspension is not None,
        "amount_minor": order.amount,
        "captured_minor": value.captured_minor,
        "currency": order.currency,
        "channel": order.channel,
        "at": isoformat(value.created_at),
        "decision": decision_of(order),
    }


def _graph(case: CaseItem, orders: Sequence[AuthorizationItem], profile: RiskProfile | None) -> dict[str, Any]:
    """Customers and the things they share: ids and hashes, to be drawn."""
    today = _now_s() // DAY_S
    start: list[Thing] = [thing for order in orders for thing in things_of(order)]
    start += things_of_profile(profile, today) if profile else []
    found = around(start, today)
    people = dict(found.customer_ids)
    if case.alias is not None and case.customer_id:
        people.setdefault(line_name(case.alias), case.customer_id)
    things = sorted({link.thing for link in found.links})
    nodes = [{"id": who, "kind": "customer"} for who in sorted(people.values())]
    nodes += [{"id": thing, "kind": thing.partition(":")[0]} for thing in things]
    edges = sorted({(people[link.customer], link.thing) for link in found.links})
    return {"nodes": nodes, "edges": [{"customer": who, "thing": thing} for who, thing in edges]}


def _past(case: CaseItem) -> list[dict[str, Any]]:
    """Earlier cases of the customer, or of the merchant where the case is about one."""
    owner = case.customer_id or case.merchant_id
    found = cases_of(owner, PAST) if owner else []
    return [{name: present_case(item)[name] for name in _SHORT} for item in found if item.pk != case.pk]


def _customer(case: CaseItem, profile: RiskProfile | None) -> dict[str, Any] | None:
    if profile is None or case.alias is None:
        return None
    habit = habit_of(line_name(case.alias), profile, _now_s())
    return {
        "purchases": profile.history.count,
        "purchased_minor": profile.history.total_minor,
        "largest_minor": profile.history.largest_minor,
        "last_at": isoformat(from_epoch_ms(profile.last_at_s * 1000)) if profile.last_at_s else None,
        "devices": len(profile.devices),
        "addresses": len(profile.addresses),
        "refunds_30d": habit.refunds,
        "refunded_minor_30d": habit.refunded_minor,
        "small_repayments_90d": len(profile.small_repayments),
        "first_payment_missed": profile.first_payment_missed,
        "identity_reuse": profile.identity_reuse,
    }


def _merchant(case: CaseItem) -> dict[str, Any] | None:
    if case.merchant_id is None:
        return None
    stored: DaysItem | None = container().tables.get(DaysItem, keys.pattern(case.merchant_id))
    days = (stored or DaysItem(pk=keys.pattern(case.merchant_id))).days()
    pattern = pattern_of(case.merchant_id, days, merchant_counter(case.merchant_id), _now_s())
    blocks = blocks_of(case.merchant_id, container().clock.now())
    return {
        "orders_30d": pattern.orders,
        "customers_30d": pattern.customers,
        "sold_minor_30d": pattern.sold_minor,
        "refunded_minor_30d": pattern.refunded_minor,
        "disputes_30d": pattern.disputes,
        "signs_bps": pattern.shares_bps(),
        "payout_blocks": [
            {"set_by": block.set_by, "only": block.only, "reason": block.reason, "until": isoformat(block.until_at)}
            for block in blocks
        ],
    }


def _now_s() -> int:
    return epoch_ms(container().clock.now()) // 1000
