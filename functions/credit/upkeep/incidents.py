"""What must not wait for the next statement: a payment that is late or made good, a dispute, an alert, a charge-off.

A plan is read as it is now, whatever its event tells, so events may come in any order. The first day past due cuts, the
second month freezes, paying up lifts; what is disputed is not late until the dispute is decided; a grave alert freezes
until its case is decided, a lesser one bars raises; a debt written off closes its line and freezes the others.
Source: Regulation Z, 12 CFR 1026.13(d) (a disputed amount is not delinquent while it is looked into).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from functions.core.clock import local_date, parse_instant
from functions.core.errors import NotFoundError
from functions.credit.upkeep.line_desk import change_file
from functions.credit.upkeep.review import review_line
from functions.credit.upkeep.store import LimitFileItem, load_file
from functions.credit.upkeep.values import Alert, Cause
from functions.customers.service import get_customer
from functions.lending.plan import days_past_due
from functions.lending.plans.store import PlanItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import WriteSet

_BAD_NEWS = frozenset({"installment.overdue", "plan.delinquent"})


def late_plans(plan_ids: set[str]) -> dict[str, str]:
    """Those plans that are late now, each with the day its oldest unpaid installment was due.

    Args:
        plan_ids: Of one customer, in one currency.
    """
    box = container()
    found = box.tables.batch_get([(PlanItem, one, keys.SELF) for one in sorted(plan_ids)], consistent=True)
    late = {}
    for item in found:
        if isinstance(item, PlanItem):
            today = local_date(box.clock.now(), item.zone)
            days = days_past_due(item.plan(), today)
            if days:
                late[item.pk] = (today - timedelta(days=days)).isoformat()
    return late


def note_lateness(file: LimitFileItem, plan_id: str) -> WriteSet:
    """Write down which plans are late; a month with a late payment counts as such even when it is made good."""
    file.late = late_plans({plan_id, *(file.late or {})})
    if file.late:
        file.late_since = 1
    return WriteSet()


def on_plan(event: Mapping[str, Any]) -> None:
    """Look at a line because a payment on it became late or was made good.

    Args:
        event: Our envelope of `installment.overdue`, `plan.delinquent`, or of what may end lateness.
    """
    plan = event["data"]["plan"]
    _look_at_plan(event, plan["id"], plan["currency"])


def on_dispute(event: Mapping[str, Any]) -> None:
    """Look at a line because what is disputed, and so not late, has changed.

    Args:
        event: Our envelope of `dispute.opened` or `dispute.closed`; the plan was written with the dispute.
    """
    dispute = event["data"]["dispute"]
    _look_at_plan(event, dispute["plan_id"], dispute["currency"])


def _look_at_plan(event: Mapping[str, Any], plan_id: str, currency: str) -> None:
    customer_id = event["customer_id"]
    try:
        file = load_file(customer_id, currency)
        if event["type"] not in _BAD_NEWS and late_plans({plan_id}).keys() == _known(file, plan_id):
            return  # a payment in time, as most are: nothing has changed
        review_line(
            customer_id,
            currency,
            request_id=event["id"],
            cause=Cause(event["type"], event["id"]),
            note=lambda file: note_lateness(file, plan_id),
        )
    except NotFoundError:
        return  # the line is gone, or its owner erased


def on_charge_off(event: Mapping[str, Any]) -> None:
    """Look at every line of a customer of whom a debt was written off; its own line is closed already.

    Args:
        event: Our envelope of `plan.charged_off`.
    """
    _look_at_lines(event, Cause(event["type"], event["id"], charge_off=True), _note_charge_off)


def _note_charge_off(file: LimitFileItem) -> WriteSet:
    file.written_off = 1
    return WriteSet()


def _known(file: LimitFileItem, plan_id: str) -> set[str]:
    return {plan_id} & (file.late or {}).keys()


def on_alert(event: Mapping[str, Any]) -> None:
    """Look at every line of a customer on whom an alert was raised; an alert about a merchant concerns none.

    Args:
        event: Our envelope of `fraud.alert`.
    """
    if event["customer_id"] is None:
        return
    told = event["data"]["alert"]
    alert = Alert(told["id"], told["severity"], told["case_id"], parse_instant(told["raised_at"]))
    _look_at_lines(event, Cause(event["type"], event["id"], alert), lambda file: _note_alert(file, alert))


def _look_at_lines(event: Mapping[str, Any], cause: Cause, note: Callable[[LimitFileItem], WriteSet]) -> None:
    for currency in _currencies(event["customer_id"]):
        try:
            review_line(event["customer_id"], currency, request_id=event["id"], cause=cause, note=note)
        except NotFoundError:
            continue


def _note_alert(file: LimitFileItem, alert: Alert) -> WriteSet:
    on = alert.raised_at.date().isoformat()
    file.alert = {"id": alert.id, "severity": alert.severity, "case": alert.case_id, "on": on}
    return WriteSet()


def on_case_decided(event: Mapping[str, Any]) -> None:
    """An alert is settled once its case is decided: it bars nothing any more. What froze the line, the case lifts.

    Args:
        event: Our envelope of `review.decided`.
    """
    if event["customer_id"] is None:
        return
    for currency in _currencies(event["customer_id"]):
        change_file(event["customer_id"], currency, lambda file: _settle(file, event["data"]["case_id"]))


def _settle(file: LimitFileItem, case_id: str) -> bool:
    if file.alert is None or file.alert["case"] != case_id:
        return False
    file.alert = None
    return True


def _currencies(customer_id: str) -> list[str]:
    try:
        return sorted(get_customer(customer_id).aliases)
    except NotFoundError:
        return []
