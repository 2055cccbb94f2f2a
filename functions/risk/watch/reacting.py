"""What is done about suspicions, at once: alert, suspend, block, freeze, and a case for a person.

All that one record brings up about one pivot is one transaction with a note of the record, so that none of it is there
without the rest, and none of it twice. Where a capture won the race there is nothing left to suspend: the payout is
blocked instead, and the case is opened all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import UnavailableError
from functions.core.ids import derived_id, id_bytes
from functions.credit.lines.service import plan_freeze
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.values import frozen_by
from functions.payments.authorization import AuthorizationStateError
from functions.payments.service import plan_suspension
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.risk.casework import alert_store, case_store
from functions.risk.casework.alert_store import AlertItem
from functions.risk.casework.alerts import Handling, detection_ms, handle
from functions.risk.casework.carrying import FREEZE_CODE, PAYOUT_REASON, plan_stepped_up
from functions.risk.casework.case_store import MAX_ORDERS, CaseItem, Subject, new_case, plan_case, plan_new_case
from functions.risk.casework.cases import SEVERITIES, Kind, absorb
from functions.risk.casework.pivot_store import MERCHANT, PivotItem, pivot_of, plan_pivot
from functions.risk.reading import Reading, Wanted
from functions.risk.store import plan_seen
from functions.risk.watch.checks import Suspicion
from functions.settlement.blocks import find_block, plan_block

CONSUMER: Final = "react"
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Trigger:
    """The record that brought suspicions up.

    Args:
        event_id: Its own: the same record reacts once.
        happened_at: Business time of what it tells; detection is measured from there.
        currency: ISO 4217.
        alias: Of the customer's line, None if it is no customer's.
        customer: 16 bytes of the customer's id.
        merchant: Likewise.
        order: The order that it is about, None if it was something else.
        siblings: Other orders of the same line: where the order is suspended, so is what can be of them.
    """

    event_id: str
    happened_at: datetime
    currency: str
    alias: int | None
    customer: bytes | None
    merchant: bytes | None
    order: str | None = None
    siblings: tuple[str, ...] = ()


class _DoneBeforeError(Exception):
    """The same record was delivered before."""


def react(trigger: Trigger, suspicions: Sequence[Suspicion]) -> None:
    """Do what the suspicions of one record ask, pivot by pivot.

    Raises:
        UnavailableError: What they are about kept changing; the record comes again, and does only what is left.
    """
    by_pivot: dict[str, list[Suspicion]] = {}
    for suspicion in suspicions:
        by_pivot.setdefault(suspicion.pivot, []).append(suspicion)
    for found in by_pivot.values():
        _react(trigger, sorted(found, key=lambda s: (-SEVERITIES.index(s.severity), s.kind)))


def _react(trigger: Trigger, found: Sequence[Suspicion]) -> None:
    for _ in range(_TRIES):
        reaction = _Reaction(trigger, found, Reading())
        try:
            commit(container().tables, *reaction.writes())
        except _DoneBeforeError:
            return
        except ConditionFailedError:
            continue
        count(f"alerts_{reaction.handling}")
        return
    raise UnavailableError("what is suspected keeps changing", retry_after_s=1)


@dataclass
class _Reaction:
    """One try: everything on a fresh read.

    Args:
        found: About one pivot, the worst first.
        reading: Everything it stands on, in two requests.
        handling: What became of the alert.
    """

    trigger: Trigger
    found: Sequence[Suspicion]
    reading: Reading
    handling: str = "none"
    _writes: list[WriteSet] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = container().clock.now()
        self.name = self.found[0].pivot
        self.wanted = {action for suspicion in self.found for action in suspicion.actions}
        self.severity = self.found[0].severity
        self.value = max(suspicion.value_minor for suspicion in self.found)
        self.reading.all(self._needed())
        self.pivot = pivot_of(self.name, self.reading.one(PivotItem, keys.pivot(self.name)))
        named = [(AlertItem, alert_id) for alert_id in self.pivot.alerts or []]
        self.reading.all([*named, *([(CaseItem, self.pivot.case)] if self.pivot.case else [])])

    def _needed(self) -> list[Wanted]:
        """The pivot, the orders, the line; of a merchant's suspicion no line."""
        orders: list[Wanted] = [(AuthorizationItem, one) for one in self._ids()]
        line: list[Wanted] = [(LineItem, keys.line(self.trigger.alias or 0))] if self._has_line else []
        return [(PivotItem, keys.pivot(self.name)), *orders, *line]

    def _ids(self) -> tuple[str, ...]:
        if not self.trigger.order:
            return ()
        return (self.trigger.order, *(self.trigger.siblings if self._suspends else ()))

    @property
    def _has_line(self) -> bool:
        """A merchant's pattern is no reason to touch a customer's line."""
        return self.trigger.alias is not None and not self.name.startswith(MERCHANT)

    def writes(self) -> list[WriteSet]:
        """All of it, with the note of the record."""
        (order, *siblings), line = self._orders(), self._line()
        stored = self._open_case()
        seen = stored.version if stored is not None else 0
        case = stored if stored is not None else self._new_case()
        self._stop_orders(case, order, siblings)
        self._stop_line(case, line)
        self._stop_payout(case, order)
        if "step_up_next" in self.wanted and self.trigger.alias is not None:
            self._writes.append(plan_stepped_up(self.trigger.alias))
        if "open_case" in self.wanted or case.measures:
            self._file(case, seen)
        self._alert(case)
        wall_s = int(container().clock.wall().timestamp())
        note = plan_seen(CONSUMER, f"{self.trigger.event_id}#{self.name}", wall_s, _done_before)
        return [note, plan_pivot(self.pivot), *self._writes]

    def _orders(self) -> list[AuthorizationItem | None]:
        """The order, if there is one, and those that are suspended with it."""
        found = self.reading.all([(AuthorizationItem, one) for one in self._ids()])
        return [item if isinstance(item, AuthorizationItem) else None for item in found] or [None]

    def _line(self) -> LineItem | None:
        """The line of the customer in question."""
        if not self._has_line:
            return None
        found = self.reading.one(LineItem, keys.line(self.trigger.alias or 0))
        return found if isinstance(found, LineItem) else None

    def _open_case(self) -> CaseItem | None:
        if not self.pivot.case:
            return None
        item = self.reading.one(CaseItem, self.pivot.case)
        if not isinstance(item, CaseItem) or item.state == "closed":
            return None
        return None if len(item.authorization_ids) >= MAX_ORDERS and self._suspends else item

    @property
    def _suspends(self) -> bool:
        return "suspend" in self.wanted and self.trigger.order is not None

    def _new_case(self) -> CaseItem:
        is_merchants = self.name.startswith(MERCHANT)
        return new_case(
            Subject(
                pivot=self.name,
                currency=self.trigger.currency,
                merchant=self.trigger.merchant,
                customer=None if is_merchants else self.trigger.customer,
                alias=None if is_merchants else self.trigger.alias,
            ),
            Kind.MERCHANT if is_merchants else Kind.LINE,
            self.severity,
            self.value,
            self._reasons(),
            cause=self.trigger.event_id,
            request_id=CONSUMER,
        )

    def _reasons(self) -> list[dict[str, Any]]:
        return [{"rule": s.kind, "title": s.title or s.kind, "why": list(s.reasons)} for s in self.found]

    def _stop_orders(
        self, case: CaseItem, order: AuthorizationItem | None, siblings: Sequence[AuthorizationItem | None]
    ) -> None:
        """Suspend the order and, as far as a case takes them and they are open, its siblings."""
        if order is None or not self._suspends:
            return
        stopped = case.amount if case.authorization_ids else 0
        for each in (order, *siblings):
            if each is None or len(case.authorization_ids) >= MAX_ORDERS:
                continue
            try:
                until = from_epoch_ms(case.expires_at_ms)
                self._writes.append(plan_suspension(each, case.pk, until, self.now, CONSUMER))
            except AuthorizationStateError:
                if each is order:
                    self._too_late(case, order)
            else:
                stopped += each.amount - (each.captured or 0)
                case.add_order(each.pk)
                case.add_measure("suspend")
        self.value = max(self.value, stopped)

    def _too_late(self, case: CaseItem, order: AuthorizationItem) -> None:
        case.note(self.now, "too_late_to_suspend", order=order.pk)
        if order.captured:
            self.wanted.add("block_payout")

    def _stop_line(self, case: CaseItem, line: LineItem | None) -> None:
        """A cut that a person may undo is a freeze: until then nothing more is bought on the line."""
        if line is not None and self.wanted & {"freeze_line", "cut_line"} and line.status == "active":
            by, until = frozen_by(case.pk), from_epoch_ms(case.expires_at_ms)
            self._writes.append(plan_freeze(line, reason=FREEZE_CODE, by=by, request_id=CONSUMER, until_at=until))
            case.add_measure("freeze_line")

    def _stop_payout(self, case: CaseItem, order: AuthorizationItem | None) -> None:
        """Of the merchant whole where the merchant is suspected, else of what was captured of this order."""
        if "block_payout" not in self.wanted or case.merchant_id is None:
            return
        whole = self.name.startswith(MERCHANT) or order is None
        self._writes.append(
            plan_block(
                case.merchant_id,
                case.pk,
                reason=PAYOUT_REASON,
                until_at=from_epoch_ms(case.expires_at_ms),
                now=self.now,
                request_id=CONSUMER,
                only=None if whole or order is None else order.pk,
                seen=find_block(case.merchant_id, case.pk),
            )
        )
        case.add_measure("block_payout")

    def _file(self, case: CaseItem, seen: int) -> None:
        """The case, new or with this taken in."""
        waits = Kind.SUSPENDED if case.authorization_ids and case.kind == Kind.LINE else None
        case_store.apply(case, absorb(case_store.to_value(case), self.severity, self.value, self.now, waits))
        if not seen:
            self._writes.append(plan_new_case(case, ConditionFailedError))
            self.pivot.case = case.pk
            return
        case.add_reasons(self._reasons())
        case.note(self.now, "suspected_again", of=" ".join(sorted({s.kind for s in self.found})))
        case.version = seen + 1
        case.tell(self.now, CONSUMER)
        self._writes.append(plan_case(case, seen))

    def _alert(self, case: CaseItem) -> None:
        if "alert" not in self.wanted:
            return
        stored = self._earlier()
        values = [alert_store.to_value(item) for item in stored]
        decided, alert = handle(self.found[0].kind, self.name, self.severity, self.now, values)
        self.handling = str(decided)
        told = (Pending("fraud.alert"),) if decided in {Handling.SEND, Handling.RAISE} else ()
        if decided in {Handling.FOLD, Handling.RAISE}:
            item = next(i for i in stored if i.kind == alert.kind and epoch_ms(alert.first_at) == i.raised_at_ms)
            seen = item.version
            alert_store.apply(item, alert)
            item.version = seen + 1
            item.tell(self.now, CONSUMER, *told)
            self._writes.append(alert_store.plan_alert(item, seen))
        else:
            item = self._new_alert(case)
            alert_store.apply(item, alert)
            item.tell(self.now, CONSUMER, *told)
            self._writes.append(alert_store.plan_new_alert(item, ConditionFailedError))
        self.pivot.remember(item.pk)

    def _earlier(self) -> list[AlertItem]:
        found = self.reading.all([(AlertItem, alert_id) for alert_id in self.pivot.alerts or []])
        return [item for item in found if isinstance(item, AlertItem)]

    def _new_alert(self, case: CaseItem) -> AlertItem:
        trigger, box = self.trigger, container()
        filed = "open_case" in self.wanted or case.measures
        return AlertItem(
            pk=derived_id("alr", box.secrets.key("ids"), self.name, trigger.event_id),
            version=1,
            rules=[suspicion.kind for suspicion in self.found],
            reasons=self._reasons(),
            suggested="void" if "suspend" in self.wanted else "review",
            authorization=id_bytes(trigger.order) if trigger.order else None,
            case=id_bytes(case.pk) if filed else None,
            merchant=trigger.merchant,
            customer=None if self.name.startswith(MERCHANT) else trigger.customer,
            detected_ms=detection_ms(trigger.happened_at, self.now),
        )


def _done_before(_: RawItem | None) -> Exception:
    return _DoneBeforeError()
