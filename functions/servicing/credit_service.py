"""Credit balances pay what falls due: the sweep lets them, before it does anything else with a plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.core.clock import local_date
from functions.core.errors import UnavailableError
from functions.core.ids import keyed_hash
from functions.credit.lines.service import plan_line_change
from functions.ledger.entries import EntryKind
from functions.lending.changes.waterfall import payable
from functions.lending.late import settle
from functions.lending.plans.balance_store import BalanceItem, balance_of, plan_balance_change
from functions.lending.plans.service import Booking, Entries, PlanChanges, draw_into, open_plan_ids, read_plans
from functions.lending.plans.store import PlanItem
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.context import HASH_BYTES

_TRIES: Final = 5


def draw_due(items: Sequence[PlanItem], now: datetime) -> int:
    """Let the credit balances of some plans' customers pay what is due by now, on any of their plans.

    Args:
        items: As read; a changed one is written over, so whoever goes on with it will read it again.
        now: Business time.

    Returns:
        How many plans were paid, each of which tells it.

    Raises:
        UnavailableError: Others kept changing a customer's plans; all other customers' have been paid.
    """
    owners = list(dict.fromkeys((item.customer_id, item.currency) for item in items if _is_due(item, now)))
    if not owners:
        return 0
    balances = container().tables.batch_get(
        [(BalanceItem, customer, keys.balance(currency)) for customer, currency in owners], consistent=True
    )
    held = {
        owner: found.amount
        for owner, found in zip(owners, balances, strict=True)
        if isinstance(found, BalanceItem) and found.amount > 0
    }
    return sum(each_for_itself(lambda owner: _draw(*owner, held[owner], now), list(held), named=lambda owner: owner[0]))


def _is_due(item: PlanItem, now: datetime) -> bool:
    plan = item.plan()
    on = max(local_date(now, item.zone), plan.settled_on)
    return bool(payable(settle(plan, on), on))


def draw_now(customer_id: str, currency: str, now: datetime) -> int:
    """Let a customer's credit balance pay what is due by now, before anything else is done with it.

    Args:
        customer_id: Whose.
        currency: In which.
        now: Business time.

    Returns:
        How many plans were paid.

    Raises:
        UnavailableError: Others kept changing the customer's plans.
    """
    available = balance_of(customer_id, currency)
    return _draw(customer_id, currency, available, now) if available > 0 else 0


def _draw(customer_id: str, currency: str, available_minor: int, now: datetime) -> int:
    box = container()
    for _ in range(_TRIES):
        items = read_plans(open_plan_ids(customer_id, currency), consistent=True)
        changes, entries = PlanChanges.of(items), Entries()
        booking = Booking(
            kind=EntryKind.CREDIT_BALANCE,
            owner=customer_id,
            currency=currency,
            at=now,
            value_on=max((local_date(now, item.zone) for item in items), default=now.date()),
            command_id=_command_of(items),
        )
        taken = draw_into(changes, entries, booking, available_minor)
        if not taken:
            return 0
        try:
            commit(
                box.tables,
                changes.writes(entries, now, ""),
                *(plan_line_change(alias, change) for alias, change in changes.lines.items()),
                plan_balance_change(customer_id, currency, -taken, now),
                entries.writes,
            )
        except ConditionFailedError:
            continue
        count("CreditDrawn")
        return len(changes.changed)
    raise UnavailableError("the customer's plans are busy", retry_after_s=1)


def _command_of(items: Sequence[PlanItem]) -> str:
    """Names a drawing: by the plans it was decided on, each in its version."""
    versions = [f"{item.pk} {item.version}" for item in items]
    return keyed_hash(container().secrets.key("commands"), "credit", *versions, size=HASH_BYTES).hex()
