"""After the authorization: count it once, judge it by the stream rules, and act before it is captured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import id_bytes
from functions.credit.lines.service import get_line
from functions.credit.lines.store import LineItem, velocity
from functions.payments.authorization import Status
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.bus.stream import StreamRecord
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.risk.casework.case_store import Subject, new_case, plan_new_case
from functions.risk.casework.cases import Kind
from functions.risk.counters import Counter
from functions.risk.counting.observing import COUNTED, seen_order
from functions.risk.counting.service import counters_of, merchant_counter
from functions.risk.each_once import CONSUMER
from functions.risk.pack import DamagedError
from functions.risk.reading import Reading
from functions.risk.record import DecisionRecord
from functions.risk.rule_life.live import RulesetNotKeptError, read_record
from functions.risk.ruling.ruleset import RuleSet
from functions.risk.signals import stream_signals
from functions.risk.watch.judging import (
    context_of,
    linked,
    linked_orders,
    needed_for,
    suspicions_of_facts,
    suspicions_of_order,
)
from functions.risk.watch.lessons import Lesson
from functions.risk.watch.reacting import Trigger, react


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new authorization out of the stream."""

    event_id: str
    item: AuthorizationItem

    @property
    def status(self) -> Status:
        return to_value(self.item).status


def fresh_of(record: StreamRecord) -> Fresh | None:
    """The new authorization in a record, if it is one with a line behind it."""
    if record.new is None or record.old is not None or not record.pk.startswith("auth_") or record.sk != keys.SELF:
        return None
    item = AuthorizationItem.from_raw_data(dict(record.new))
    if item.alias is None or to_value(item).status not in COUNTED:
        return None
    return Fresh(record.event_id, item)


def judge(fresh: Fresh) -> None:
    """Look at one new authorization and do what rules and checks ask, once however often it is delivered."""
    item = fresh.item
    if fresh.status is Status.HELD:
        open_held_case(fresh)
        return
    reading = Reading()
    line, *_ = reading.all(needed_for(item))
    if not isinstance(line, LineItem):
        return
    counters = counters_of(seen_order(item), reading)
    around = context_of(item, line, counters, reading)
    found = suspicions_of_order(item, line, stream_facts(item, line, counters), counters, around)
    if not found:
        return
    react(_trigger(fresh, [item], around.recent), found)
    if any(suspicion.shared and "suspend" in suspicion.actions for suspicion in found):
        for others in _by_line(linked_orders(line, around, reading)):
            react(_trigger(fresh, others), [linked(others[-1], found)])


def _trigger(fresh: Fresh, orders: Sequence[AuthorizationItem], siblings: Sequence[str] = ()) -> Trigger:
    """For the newest of some orders of one line; the others are stopped with it where it is."""
    *earlier, newest = orders
    return Trigger(
        fresh.event_id,
        from_epoch_ms(fresh.item.created_at_ms),
        newest.currency,
        newest.alias,
        newest.customer,
        newest.merchant,
        newest.pk,
        (*siblings, *(order.pk for order in earlier)),
    )


def _by_line(orders: Sequence[AuthorizationItem]) -> list[list[AuthorizationItem]]:
    lines: dict[int | None, list[AuthorizationItem]] = {}
    for order in sorted(orders, key=lambda order: order.created_at_ms):
        lines.setdefault(order.alias, []).append(order)
    return list(lines.values())


def judge_facts(lesson: Lesson) -> None:
    """Look at what a change of a plan has shown, and do what rules and checks ask."""
    if not lesson.facts or not lesson.facts[0].merchant_id:
        return
    last = lesson.facts[-1]
    line = get_line(last.alias, consistent=True)
    found = suspicions_of_facts(lesson.facts, line, merchant_counter(last.merchant_id))
    if found:
        customer = line.customer if line is not None else None
        merchant = id_bytes(last.merchant_id)
        now = container().clock.now()
        react(Trigger(lesson.event_id, now, last.currency, last.alias, customer, merchant), found)


def stream_facts(item: AuthorizationItem, line: LineItem, counters: Mapping[str, Counter]) -> dict[str, Any]:
    """The snapshot of the decision, with the velocity as the line tells it now: parallel purchases see each other."""
    found = _recorded(item)
    facts: dict[str, Any] = dict(found[0].signals) if found else {}
    facts["amount_minor"], facts["limit_minor"] = item.amount, line.limit
    buckets = velocity(line, epoch_ms(container().clock.wall()))
    facts["customer_count_15m"] = buckets.quarters[0] + buckets.quarters[1]
    facts["customer_count_1h"] = sum(buckets.quarters)
    facts["customer_count_1d"] = buckets.day_counts[0] + buckets.day_counts[1]
    facts["customer_sum_1d"] = buckets.day_sums_minor[0] + buckets.day_sums_minor[1]
    at_s = item.created_at_ms // 1000
    return stream_signals(facts, counters, at_s)


def open_held_case(fresh: Fresh) -> None:
    """Put a held authorization before a person."""
    item = fresh.item
    case = new_case(
        Subject.of_order(item),
        Kind.HELD_IN_STORE if item.terminal else Kind.HELD,
        "high",
        item.amount,
        _held_reasons(item),
        cause=item.pk,
        request_id=CONSUMER,
    )
    case.add_order(item.pk)
    try:
        commit(container().tables, plan_new_case(case, ConditionFailedError))
    except ConditionFailedError:
        return  # delivered before
    count("cases_opened")


def _held_reasons(item: AuthorizationItem) -> list[dict[str, Any]]:
    found = _recorded(item)
    if found is None:
        return []
    record, rules = found
    said = rules.results(record.bits)
    return [
        {"rule": d.rule.id, "title": d.rule.title, "outcome": d.rule.outcome.text}
        for d in rules.deployed
        if said[d.rule.id] == "yes"
    ]


def decision_of(item: AuthorizationItem) -> dict[str, Any] | None:
    """What the decision about an order saw and said, for a person; None where its record can't be read any more."""
    found = _recorded(item)
    if found is None:
        return None
    record, rules = found
    said = rules.results(record.bits)
    return {
        "outcome": record.outcome.text,
        "ruleset": record.ruleset.hex(),
        "fraud_score_bps": record.scored.bps if record.scored else None,
        "fraud_model": record.scored.model_version if record.scored else None,
        "trusted": record.listed.trusted,
        "signals": {n: sorted(v) if isinstance(v, frozenset) else v for n, v in sorted(record.signals.items())},
        "rules": {rule: word for rule, word in said.items() if word in {"yes", "unknown"}},
    }


def _recorded(item: AuthorizationItem) -> tuple[DecisionRecord, RuleSet] | None:
    """The decision's record and its rule set; None where there is none, or where either is in no language we speak."""
    try:
        return read_record(item.decision) if item.decision else None
    except (DamagedError, RulesetNotKeptError):
        count("decision_of_other_rules")
        return None
