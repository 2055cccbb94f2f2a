"""The assessor: what happened to a customer is weighed by the models, after the fact and off every hot path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from functions.core.clock import parse_instant
from functions.core.errors import NotFoundError
from functions.credit.application_store import load_application, open_record
from functions.credit.deciding.record import read_record
from functions.credit.models.rows import shown_row
from functions.credit.models.shadow import shadow_application, shadow_review
from functions.credit.models.watch import count_row
from functions.credit.models.watch import weekly as judge_week
from functions.credit.scoring import prove_files
from functions.credit.upkeep.incidents import on_alert, on_case_decided, on_charge_off, on_dispute, on_plan
from functions.credit.upkeep.statements import note_statement
from functions.credit.upkeep.store import file_id
from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.stream import BatchAnswer
from functions.platform.bus.workers import load

prove_files()  # an assessor with a model that was tampered with does not start


def assess(event: Mapping[str, Any]) -> BatchAnswer:
    """Handle a batch of the assessments queue."""
    return each_message(event["Records"], _take, consumer="assessor")


def _take(body: Mapping[str, Any]) -> None:
    if "detail" in body:
        weigh(event_of(body))
    else:
        load(WORK[body["kind"]])(body)


def weigh(event: Mapping[str, Any]) -> None:
    """Weigh one event; the same one again changes nothing more.

    Args:
        event: Our envelope, of a type in `ON_EVENT`; the bus's rule sends no other.
    """
    ON_EVENT[event["type"]](event)


def on_application(event: Mapping[str, Any]) -> None:
    """Count a scored application in its week, and let the challenger decide it too.

    Args:
        event: Our envelope of `credit_application.decided`.
    """
    try:
        record = read_record(open_record(load_application(event["object_id"], event["customer_id"])))
    except NotFoundError:
        return  # erased since: there is nothing left to weigh
    shown = shown_row(record)
    if shown is None:
        return  # a hard stop: no model had a say
    count_row(record["model_version"], shown.row, shown.logit, event)
    shadow_application(event)


def on_statement(event: Mapping[str, Any]) -> None:
    """Review a line on its new statement, count what was scored, and let the challenger score it too.

    Args:
        event: Our envelope of `statement.issued`.
    """
    reviewed = note_statement(event)
    if reviewed is None or reviewed.row is None or reviewed.score is None:
        return
    count_row(reviewed.score.model_version, reviewed.row, reviewed.score.logit, event)
    statement = event["data"]["statement"]
    subject = file_id(event["customer_id"], statement["currency"])
    shadow_review(reviewed, f"{subject}#{statement['cut_on']}", subject, parse_instant(event["occurred_at"]))


ON_EVENT: Final[Mapping[str, Callable[[Mapping[str, Any]], None]]] = {
    "credit_application.decided": on_application,
    "statement.issued": on_statement,
    "dispute.opened": on_dispute,
    "dispute.closed": on_dispute,
    "installment.overdue": on_plan,
    "installment.paid": on_plan,
    "plan.charged_off": on_charge_off,
    "plan.deferred": on_plan,
    "plan.delinquent": on_plan,
    "plan.paid_off": on_plan,
    "plan.refunded": on_plan,
    "plan.reopened": on_plan,
    "plan.replanned": on_plan,
    "plan.withdrawn": on_plan,
    "fraud.alert": on_alert,
    "review.decided": on_case_decided,
}


WORK: Final[Mapping[str, str]] = {"orders_decided": "functions.risk.fraud.shadow:shadow_orders"}
"""Kind of a message that asks for work → who does it, where that slice stands above this one."""


def weekly(event: Mapping[str, Any]) -> dict[str, int]:
    """The schedule's call: judge last week's drift."""
    return judge_week(event)
