"""What a closed case does, carried out in the transaction that closes it: orders, line, payouts, merchant.

Each effect of `cases.EFFECTS` is a function of the same situation; what several of them do to one line is one write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from functions.credit.lines.service import get_line, plan_cut, plan_freeze, plan_lift, with_money_moved
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.values import frozen_by
from functions.lending.line import NO_CHANGE, LineChange
from functions.merchants.service import plan_suspended
from functions.payments.service import plan_case_decision
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import WriteSet
from functions.risk.casework.case_store import CaseItem
from functions.risk.casework.cases import Closed, Verdict
from functions.risk.counters import DAY_S
from functions.risk.store import ProfileItem, plan_profile
from functions.settlement.blocks import find_block, plan_block, plan_release

FREEZE_CODE: Final = "fraud_alert"
CUT_CODE: Final = "risk_cut"
LIFT_CODE: Final = "cleared"
"""Why, as the customer is told; codes of the credit slice's texts."""

PAYOUT_REASON: Final = "fraud_suspected"
BLOCKED_FOR: Final = timedelta(days=90)
"""How long a payout stays blocked once a person has decided so."""

STEP_UP_LIST: Final = "stepped_up_customers"
STEPPED_UP_DAYS: Final = 30
"""So long every purchase is confirmed on the phone (rule `asked_to_confirm`)."""


@dataclass
class Carried:
    """A decision being carried out.

    Args:
        item: The case, already closed.
        approve: Whether the orders go on.
        by: Who decided last; "" for the clock.
        orders: The orders that wait for it, read consistently.
        line: Of the customer, read consistently; None where there is none.
        writes: What is written besides the line.
        status: What happens to the line's limit or status.
        moved: What happens to its money.
    """

    item: CaseItem
    approve: bool
    by: str
    now: datetime
    request_id: str
    orders: Sequence[AuthorizationItem]
    line: LineItem | None
    writes: list[WriteSet] = field(default_factory=list)
    status: WriteSet = field(default_factory=WriteSet)
    moved: dict[int, LineChange] = field(default_factory=dict)

    def decide_orders(self) -> None:
        """Approve, resume, decline or void each; an order that has ended meanwhile stays as it is."""
        for order in self.orders:
            decided = plan_case_decision(order, approve=self.approve, now=self.now, request_id=self.request_id)
            self.writes.append(decided.writes)
            if order.alias is not None:
                self.moved[order.alias] = self.moved.get(order.alias, NO_CHANGE) + decided.line

    def lift_freeze(self) -> None:
        """End the freeze that this case brought about; another's stays."""
        if self.line is not None and self.line.frozen_by == frozen_by(self.item.pk):
            self.status = plan_lift(self.line, reason=LIFT_CODE, by=self.by or "case", request_id=self.request_id)

    def freeze_line(self) -> None:
        """No new purchases until staff lift it."""
        if self.line is not None:
            by = frozen_by(self.item.pk)
            self.status = plan_freeze(self.line, reason=FREEZE_CODE, by=by, request_id=self.request_id)

    def cut_line(self) -> None:
        """Lower the limit to what is used."""
        if self.line is not None:
            by = self.by or "case"
            self.status = plan_cut(self.line, to_minor=0, reason=CUT_CODE, by=by, request_id=self.request_id)

    def block_payout(self) -> None:
        """Nothing is paid to the merchant until staff release it, or three months are over."""
        if self.item.merchant_id is None:
            return
        seen = find_block(self.item.merchant_id, self.item.pk)
        self.writes.append(
            plan_block(
                self.item.merchant_id,
                self.item.pk,
                reason=PAYOUT_REASON,
                until_at=self.now + BLOCKED_FOR,
                now=self.now,
                request_id=self.request_id,
                seen=seen,
            )
        )

    def release_payout(self) -> None:
        """End the block that this case brought about."""
        block = find_block(self.item.merchant_id, self.item.pk) if self.item.merchant_id else None
        if block is not None:
            self.writes.append(plan_release(block, by=self.by or "case", now=self.now, request_id=self.request_id))

    def suspend_merchant(self) -> None:
        """The merchant sells nothing more on credit."""
        if self.item.merchant_id is not None:
            self.writes.append(
                plan_suspended(self.item.merchant_id, reason=PAYOUT_REASON, by=self.by, request_id=self.request_id)
            )

    def step_up_next(self) -> None:
        """Whatever the customer buys next is confirmed on the phone."""
        if self.item.alias is not None:
            self.writes.append(plan_stepped_up(self.item.alias))

    def all_writes(self) -> list[WriteSet]:
        """Everything, the line in one write each."""
        mine = self.line.alias if self.line is not None else None
        lines = [
            with_money_moved(alias, change, self.status if alias == mine else WriteSet())
            for alias, change in self.moved.items()
        ]
        if mine not in self.moved:
            lines.append(self.status)
        return [*self.writes, *lines]


_EFFECTS: Final[Mapping[str, Callable[[Carried], None]]] = {
    "decide_orders": Carried.decide_orders,
    "lift_freeze": Carried.lift_freeze,
    "freeze_line": Carried.freeze_line,
    "cut_line": Carried.cut_line,
    "block_payout": Carried.block_payout,
    "release_payout": Carried.release_payout,
    "suspend_merchant": Carried.suspend_merchant,
    "step_up_next": Carried.step_up_next,
}


def carry_out(
    item: CaseItem, closed: Closed, measures: Sequence[str], *, by: str, now: datetime, request_id: str
) -> tuple[Sequence[AuthorizationItem], list[WriteSet]]:
    """All that a closed case does.

    Args:
        item: The case, its next state already in it.
        closed: The decision.
        measures: What a person has added to it, of `cases.MEASURES`.
        by: Staff id; "" for the clock.
        now: Business time.
        request_id: Of the command or sweep.

    Returns:
        The orders it was about, and what is to be written.
    """
    tables = container().tables
    found = tables.batch_get([(AuthorizationItem, one, keys.SELF) for one in item.authorization_ids], consistent=True)
    orders = [order for order in found if isinstance(order, AuthorizationItem)]
    line = get_line(item.alias, consistent=True) if item.alias is not None else None
    carried = Carried(item, closed.verdict is Verdict.APPROVE, by, now, request_id, orders, line)
    for effect in dict.fromkeys((*closed.effects, *measures)):
        _EFFECTS[effect](carried)
    return orders, carried.all_writes()


def plan_stepped_up(alias: int) -> WriteSet:
    """Put a customer on the list of those whose next purchases are confirmed."""
    found: ProfileItem | None = container().tables.get(ProfileItem, keys.profile(alias), consistent=True)
    item = found or ProfileItem(pk=keys.profile(alias), version=0)
    today = int(container().clock.wall().timestamp()) // DAY_S
    others = [entry for entry in (item.lists or "").split() if entry.partition("@")[0] != STEP_UP_LIST]
    seen = item.version
    item.lists = " ".join([*others, f"{STEP_UP_LIST}@{today + STEPPED_UP_DAYS}"])
    item.version = seen + 1
    return plan_profile(item, seen or None)
