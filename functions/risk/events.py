"""The stream pass, what cases and alerts tell, and the staff's lists of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.core.clock import parse_instant
from functions.customers import magic
from functions.messaging.service import read_image
from functions.payments.service import load
from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.stream import BatchAnswer, StreamRecord, each, records_of
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import commit
from functions.risk.casework.alert_store import AlertItem
from functions.risk.casework.case_store import CaseItem
from functions.risk.casework.labels import plan_label
from functions.risk.casework.paging import tell_staff
from functions.risk.casework.present import present_case, present_to_merchant
from functions.risk.each_once import CONSUMER
from functions.risk.fraud.asking import ask_challenger
from functions.risk.intake import heard, take_in
from functions.risk.rule_life.live import keep_shipped
from functions.risk.store import plan_lists
from functions.risk.stream_service import fresh_of, judge, judge_facts


def check(event: Mapping[str, Any]) -> BatchAnswer:
    """Stream records of the operational table → counters, profiles and what is watched; then alerts, stops, cases.

    What was decided is shown to the challenger of the fraud model last, if there is one.
    """
    records = records_of(event)
    meant = {record.event_id: found for record in records if (found := heard(record)) is not None}
    taken_in: list[bool] = []

    def handle(record: StreamRecord) -> None:
        if not taken_in:
            keep_shipped()
            take_in(list(meant.values()))
            taken_in.append(True)
        if (fresh := fresh_of(record)) is not None:
            judge(fresh)
        elif (lesson := meant[record.event_id].lesson) is not None:
            judge_facts(lesson)

    wanted = [record for record in records if record.event_id in meant]
    answer = each(wanted, handle, consumer=CONSUMER, parking=container().parking)
    ask_challenger(records)
    return answer


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of an alert, case or review event."""
    if told.type == "fraud.alert":
        alert = AlertItem.from_raw_data(dict(image))
        body = {"alert": present_to_merchant(alert), **told.note}
        return Rendered(alert.pk, body, alert.merchant_id, alert.customer_id)
    if told.type.startswith("review_notice."):
        message = read_image(image)
        body = {"message_id": message.subject.message_id, "authorization_id": message.subject.about}
        more = {"channel": message.channel, "reason": message.reason}
        shown = body | {name: said for name, said in more.items() if said}
        return Rendered(message.subject.message_id, shown, customer_id=message.subject.customer_id)
    case = CaseItem.from_raw_data(dict(image))
    if told.type == "review.decided":
        orders = case.authorization_ids
        body = {"case_id": case.pk, "authorization_id": orders[0] if orders else None, **told.note}
        return Rendered(case.pk, body, case.merchant_id, case.customer_id)
    return Rendered(case.pk, {"case": present_case(case)}, case.merchant_id, case.customer_id)


def page(event: Mapping[str, Any]) -> BatchAnswer:
    """Events from the bus that staff must hear of at once → the alerts topic."""
    return each_message(event["Records"], lambda body: tell_staff(event_of(body)), consumer="pager")


_UNAUTHORIZED = "unauthorized"
_ENDED = {"lost": True, "accepted": True, "won": False}
"""How a dispute ended → whether the order was fraud, where the customer said that someone else had made it."""


def learn_of_dispute(event: Mapping[str, Any]) -> None:
    """What a closed dispute found out about its order; the same event twice is once.

    Args:
        event: Our envelope of `dispute.closed`.
    """
    dispute = event["data"]["dispute"]
    if dispute["kind"] != _UNAUTHORIZED or dispute["status"] not in _ENDED:
        return
    order = load(dispute["authorization_id"], consistent=True)
    known_at = parse_instant(event["occurred_at"])
    fraud = _ENDED[dispute["status"]]
    commit(
        container().tables,
        plan_label(order, fraud=fraud, source="dispute", by=event["object_id"], known_at=known_at),
    )


_MAGIC_LISTS = {
    magic.ALWAYS_APPROVED: "trusted_customers",
    magic.HELD: "watched_customers",
    magic.NEEDS_CONFIRMATION: "confirming_customers",
    magic.HIGH_RISK_DEVICE: "blocked_devices",
}
"""Sandbox only: the list that a magic customer, or whatever device she has, stands on from the first purchase."""


def open_profile(event: Mapping[str, Any]) -> None:
    """A new line gets a profile, and a magic customer the list that makes the magic; the same event twice is once.

    Args:
        event: Our envelope of a `credit_line.*` event.
    """
    box = container()
    lists = _MAGIC_LISTS.get(event["data"].get("magic", ""))
    if event["type"] != "credit_line.opened" or lists is None or box.settings.is_live:
        return
    alias = int(event["object_id"].partition("#")[2])
    commit(box.tables, plan_lists(alias, lists))
