"""The stream pass, what cases and alerts tell, and the staff's lists of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
from functions.risk.intake import Heard, heard, take_in
from functions.risk.rule_life.live import keep_shipped
from functions.risk.store import plan_lists
from functions.risk.stream_service import fresh_of, judge, judge_facts

JUDGING: Final = "risk_judging"
"""Under this name is parked what was taken in and could not be judged."""


def check(event: Mapping[str, Any]) -> BatchAnswer:
    """Stream records of the operational table → counters, profiles and what is watched; then alerts, stops, cases.

    What was decided is shown to the challenger of the fraud model last, if there is one.
    A record that can't be taken in is parked alone; the others of its batch are taken in and judged.
    """
    records, meant = records_of(event), _meant(event)
    taken_in: set[str] = set()
    tried: list[bool] = []

    def take(record: StreamRecord) -> None:
        if record.event_id in taken_in:
            return
        keep_shipped()
        some = [record.event_id] if tried else list(meant)
        tried.append(True)
        take_in([meant[event_id][1] for event_id in some])
        taken_in.update(some)

    answer = each([record for record, _ in meant.values()], take, consumer=CONSUMER, parking=container().parking)
    judged = _judged([meant[event_id] for event_id in meant if event_id in taken_in])
    ask_challenger(records)
    return judged if judged["batchItemFailures"] else answer


def judge_parked(event: Mapping[str, Any]) -> BatchAnswer:
    """Judge what was taken in when it came, and could not be judged then: it does not count again, however late."""
    return _judged(list(_meant(event).values()))


def _meant(event: Mapping[str, Any]) -> dict[str, tuple[StreamRecord, Heard]]:
    """The records that mean something, by id, in order."""
    return {r.event_id: (r, found) for r in records_of(event) if (found := heard(r)) is not None}


def _judged(meant: Sequence[tuple[StreamRecord, Heard]]) -> BatchAnswer:
    lessons = {record.event_id: found.lesson for record, found in meant}

    def look(record: StreamRecord) -> None:
        if (fresh := fresh_of(record)) is not None:
            judge(fresh)
        elif (lesson := lessons[record.event_id]) is not None:
            judge_facts(lesson)

    return each([record for record, _ in meant], look, consumer=JUDGING, parking=container().parking)


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
