"""Decisions as staff find them: one item per application under its own id, with the work where a person is asked."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import NotFoundError
from functions.core.ids import id_text, require_id
from functions.credit.desk.reconsideration import Kind, Late, Stage, Verdict, Work, next_escalation
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

PREFIX: Final = "capp"
DECISIONS, QUEUE = "decision", "decision-queue"
"""Staff lists: every decision, and those that wait or waited for a person."""


class DecisionItem(State):
    """What staff need of a decision without opening the sealed record; about 1 KB."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    asked = IntegerAttribute(attr_name="rl")
    outcome = UnicodeAttribute(attr_name="o")
    first = UnicodeAttribute(attr_name="fo")
    suggested = IntegerAttribute(attr_name="lm")
    granted = IntegerAttribute(attr_name="gr", default=0)
    codes = JSONAttribute(attr_name="rs")
    model = UnicodeAttribute(attr_name="mo")
    policy = UnicodeAttribute(attr_name="po")
    record_hash = BinaryAttribute(legacy_encoding=False, attr_name="rh")
    decided_at_ms = IntegerAttribute(attr_name="t")
    kind = UnicodeAttribute(attr_name="wk", null=True)
    stage = UnicodeAttribute(attr_name="ws", null=True)
    opened_at_ms = IntegerAttribute(attr_name="wo", null=True)
    due_on = UnicodeAttribute(attr_name="wd", null=True)
    claimed_by = UnicodeAttribute(attr_name="wc", null=True)
    proposal = JSONAttribute(attr_name="wp", null=True)
    verdict = JSONAttribute(attr_name="wv", null=True)
    barred = JSONAttribute(attr_name="wb", null=True)
    zone = UnicodeAttribute(attr_name="z")  # the applicant's: whose days the deadlines are
    notice_due_on = UnicodeAttribute(attr_name="wn", null=True)
    late = UnicodeAttribute(attr_name="wl", null=True)
    said = BinaryAttribute(legacy_encoding=False, attr_name="sd", null=True)  # the applicant's words, sealed
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)


class DecisionRow(Item):
    """A row of the staff's lists of decisions."""

    subject = UnicodeAttribute(attr_name="a")


def load_decision(decision_id: str) -> DecisionItem:
    """A decision by its application's id, read consistently.

    Raises:
        NotFoundError: Not there.
    """
    item: DecisionItem | None = container().tables.get(DecisionItem, require_id(PREFIX, decision_id), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def plan_new_decision(item: DecisionItem) -> WriteSet:
    """A new decision."""
    return WriteSet.of(create(item))


def plan_decision(item: DecisionItem, seen_version: int) -> WriteSet:
    """A decision over the version that was read."""
    return WriteSet.of(replace(item, seen_version))


def to_work(item: DecisionItem) -> Work | None:
    """The person's work on it as a value; None where no person was asked."""
    if not (item.kind and item.stage and item.due_on and item.notice_due_on):
        return None
    return Work(
        kind=Kind(item.kind),
        stage=Stage(item.stage),
        opened_at=from_epoch_ms(item.opened_at_ms),
        due_on=date.fromisoformat(item.due_on),
        notice_due_on=date.fromisoformat(item.notice_due_on),
        late=Late(item.late or ""),
        claimed_by=item.claimed_by or "",
        proposal=_verdict(item.proposal),
        verdict=_verdict(item.verdict),
        barred=tuple(item.barred or ()),
    )


def put_work(item: DecisionItem, work: Work) -> None:
    """Write a person's work into its item, and the hour of its next escalation into the action index."""
    item.kind, item.stage = str(work.kind), str(work.stage)
    item.opened_at_ms, item.due_on = epoch_ms(work.opened_at), work.due_on.isoformat()
    item.claimed_by = work.claimed_by or None
    item.proposal, item.verdict = _packed(work.proposal), _packed(work.verdict)
    item.barred = list(work.barred)
    item.notice_due_on, item.late = work.notice_due_on.isoformat(), work.late or None
    step = next_escalation(work)
    item.shard = keys.action_hour(shard_of(item.pk, container().settings.shards)) if step else None
    item.hour = hour_key(datetime.combine(step[1], time(), ZoneInfo(item.zone))) if step else None


def _verdict(stored: dict[str, Any] | None) -> Verdict | None:
    return Verdict(**stored) if stored else None


def _packed(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "outcome": verdict.outcome,
        "limit_minor": verdict.limit_minor,
        "reason": verdict.reason,
        "by": verdict.by,
    }


def row_key(kind: str, at_ms: int, decision_id: str) -> tuple[str, str]:
    """Partition and sort key of a staff list row."""
    return keys.listing("staff", kind), f"{at_ms:013d}#{decision_id}"


def present_decision(item: DecisionItem) -> dict[str, Any]:
    """A decision as staff see it in a list."""
    work = to_work(item)
    return {
        "id": item.pk,
        "object": "decision",
        "customer_id": item.customer_id,
        "currency": item.currency,
        "requested_limit_minor": item.asked,
        "status": item.outcome,
        "first_status": item.first,
        "suggested_limit_minor": item.suggested,
        "granted_limit_minor": item.granted,
        "reason_codes": item.codes,
        "model_version": item.model,
        "policy_hash": item.policy,
        "record_sha256": item.record_hash.hex(),
        "decided_at": isoformat(from_epoch_ms(item.decided_at_ms)),
        "version": item.version,
        "work": None if work is None else _present_work(work),
    }


def _present_work(work: Work) -> dict[str, Any]:
    return {
        "kind": work.kind,
        "status": work.stage,
        "opened_at": isoformat(work.opened_at),
        "due_on": work.due_on.isoformat(),
        "notice_due_on": work.notice_due_on.isoformat(),
        "late": work.late or None,
        "claimed_by": work.claimed_by or None,
        "proposal": _packed(work.proposal),
        "verdict": _packed(work.verdict),
    }
