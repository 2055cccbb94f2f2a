"""Cases as items: the pure case of `cases.py`, what it is about, and its timeline of evidence.

A case is about a pivot: one held order, one line, or one merchant. There is at most one open case of a pivot; what is
found of it later is taken in. The staff's lists of cases are rows written with the case itself: one for ever, one as
long as it is open, one in the history of its customer or merchant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.ids import ID_BYTES, derived_id, id_bytes, id_text
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import Pending, State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Delete, OnConflict, Put, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.risk.casework.cases import Case, Finding, Kind, Proposal, Verdict, open_case
from functions.risk.casework.cases import State as CaseState

MAX_TIMELINE = 100
MAX_REASONS = 40
MAX_ORDERS = 20
"""Orders that one case suspends: they are decided in one transaction. A further one gets a case of its own."""


class CaseItem(State):
    """A person's work on what is suspected of one pivot."""

    kind = UnicodeAttribute(attr_name="k")
    state = UnicodeAttribute(attr_name="s")
    severity = UnicodeAttribute(attr_name="sv")
    amount = IntegerAttribute(attr_name="am")
    opened_at_ms = IntegerAttribute(attr_name="t")
    due_at_ms = IntegerAttribute(attr_name="du")
    expires_at_ms = IntegerAttribute(attr_name="ex")
    claimed_by = UnicodeAttribute(attr_name="cb", null=True)
    verdict = UnicodeAttribute(attr_name="vd", null=True)
    finding = UnicodeAttribute(attr_name="fi", null=True)
    proposed_by = UnicodeAttribute(attr_name="pb", null=True)
    decided_by = UnicodeAttribute(attr_name="db", null=True)
    escalated = BooleanAttribute(attr_name="es", null=True)
    pivot = UnicodeAttribute(attr_name="pv")
    orders = BinaryAttribute(legacy_encoding=False, attr_name="a", null=True)
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m", null=True)
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c", null=True)
    alias = IntegerAttribute(attr_name="al", null=True)
    currency = UnicodeAttribute(attr_name="cu")
    measures = JSONAttribute(attr_name="me", null=True)  # what was done at once, as a precaution
    proposed_measures = JSONAttribute(attr_name="pm", null=True)
    reversal = BooleanAttribute(attr_name="rv", null=True)
    reasons = JSONAttribute(attr_name="rs")
    timeline = JSONAttribute(attr_name="tl")
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def authorization_ids(self) -> tuple[str, ...]:
        """The orders that wait for the decision, the first that was suspected first."""
        raw = self.orders or b""
        return tuple(id_text("auth", raw[at : at + ID_BYTES]) for at in range(0, len(raw), ID_BYTES))

    @property
    def merchant_id(self) -> str | None:
        return id_text("mer", self.merchant) if self.merchant else None

    @property
    def customer_id(self) -> str | None:
        return id_text("cus", self.customer) if self.customer else None

    def add_order(self, authorization_id: str) -> None:
        """One more order that waits for the decision."""
        if authorization_id not in self.authorization_ids:
            self.orders = (self.orders or b"") + id_bytes(authorization_id)

    def add_reasons(self, reasons: list[dict[str, Any]]) -> None:
        """What was seen, once; beyond forty the first and the latest stay."""
        kept = [*self.reasons, *(reason for reason in reasons if reason not in self.reasons)]
        self.reasons = kept if len(kept) <= MAX_REASONS else [kept[0], *kept[-(MAX_REASONS - 1) :]]

    def add_measure(self, measure: str) -> None:
        """Remember what was done at once."""
        if measure not in (self.measures or []):
            self.measures = [*(self.measures or []), measure]

    def note(self, at: datetime, what: str, by: str = "", **more: str) -> None:
        """Add to the timeline; beyond a hundred entries the oldest but the first go."""
        entry = {"at": isoformat(at), "what": what, **({"by": by} if by else {}), **more}
        kept = [*self.timeline, entry]
        self.timeline = kept if len(kept) <= MAX_TIMELINE else [kept[0], *kept[-(MAX_TIMELINE - 1) :]]


def to_value(item: CaseItem) -> Case:
    """The item's state as the pure case."""
    state = CaseState(item.state)
    proposal = None
    if state is CaseState.PROPOSED:
        proposal = Proposal(Verdict(item.verdict or ""), Finding(item.finding or ""), item.proposed_by or "")
    return Case(
        kind=Kind(item.kind),
        state=state,
        severity=item.severity,
        value_minor=item.amount,
        opened_at=from_epoch_ms(item.opened_at_ms),
        due_at=from_epoch_ms(item.due_at_ms),
        expires_at=from_epoch_ms(item.expires_at_ms),
        reversal=bool(item.reversal),
        claimed_by=item.claimed_by or "",
        proposal=proposal,
        finding=Finding(item.finding) if state is CaseState.CLOSED and item.finding else None,
        decided_by=tuple((item.decided_by or "").split()),
        escalated=bool(item.escalated),
    )


def apply(item: CaseItem, case: Case, verdict: Verdict | None = None) -> None:
    """Write a pure case into its item; a closed one leaves the action index."""
    proposal = case.proposal
    item.kind, item.state, item.severity, item.amount = str(case.kind), str(case.state), case.severity, case.value_minor
    item.reversal = case.reversal or None
    item.due_at_ms, item.expires_at_ms = epoch_ms(case.due_at), epoch_ms(case.expires_at)
    item.claimed_by = case.claimed_by or None
    item.verdict = str(proposal.verdict) if proposal else (str(verdict) if verdict else None)
    item.finding = str(proposal.finding) if proposal else (str(case.finding) if case.finding else None)
    item.proposed_by = proposal.by if proposal else None
    item.decided_by = " ".join(case.decided_by) or None
    item.escalated = case.escalated or None
    closed = case.state is CaseState.CLOSED
    item.shard = None if closed else keys.action_hour(shard_of(item.pk, container().settings.shards))
    item.hour = None if closed else hour_key(case.expires_at if case.escalated else min(case.due_at, case.expires_at))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a case is about.

    Args:
        pivot: `auth_…` of a held order, "line#<alias>", or `mer_…`.
        currency: ISO 4217.
        merchant: 16 bytes of its id, or None.
        customer: Likewise.
        alias: Of the customer's line.
    """

    pivot: str
    currency: str
    merchant: bytes | None = None
    customer: bytes | None = None
    alias: int | None = None

    @classmethod
    def of_order(cls, auth: AuthorizationItem, pivot: str | None = None) -> Subject:
        """The order itself, or another pivot that it has brought up."""
        return cls(pivot or auth.pk, auth.currency, auth.merchant, auth.customer, auth.alias)


def new_case(
    subject: Subject,
    kind: Kind,
    severity: str,
    value_minor: int,
    reasons: list[dict[str, Any]],
    *,
    cause: str,
    request_id: str,
    reversal: bool = False,
) -> CaseItem:
    """A case about a subject, not yet written.

    Args:
        subject: What it is about.
        kind: What waits.
        severity: One of `SEVERITIES`.
        value_minor: What is at risk.
        reasons: What was seen; for the staff.
        cause: The record or case that brought it up: the same cause makes the same case.
        request_id: Of the record or command.
        reversal: It would undo an earlier decision.
    """
    box = container()
    now = box.clock.now()
    item = CaseItem(
        pk=derived_id("case", box.secrets.key("ids"), subject.pivot, cause),
        version=1,
        opened_at_ms=epoch_ms(now),
        pivot=subject.pivot,
        merchant=subject.merchant,
        customer=subject.customer,
        alias=subject.alias,
        currency=subject.currency,
        reasons=reasons,
        timeline=[],
    )
    apply(item, open_case(kind, severity, value_minor, now, reversal=reversal))
    item.note(now, "opened")
    item.tell(now, request_id, Pending("case.opened"))
    return item


def plan_new_case(item: CaseItem, on_conflict: OnConflict) -> WriteSet:
    """W7: a case and its rows, once per cause."""
    return WriteSet.of(create(item, on_conflict), *(Put(row) for row in _rows(item)), Put(_open_row(item)))


def plan_case(item: CaseItem, seen_version: int) -> WriteSet:
    """W6: a case's next state; a closed one leaves the queue."""
    row = _open_row(item)
    ended = (Delete(CaseRow, row.pk, row.sk),) if item.state == "closed" else ()
    return WriteSet.of(replace(item, seen_version), *ended)


class CaseRow(Item):
    """A row of a list of cases; which case it is ends its sort key."""


ALL, OPEN, HISTORY = "case", "queue", "cases"
"""Lists: every case and those that are open, of the staff; and all of one customer's or merchant's."""


def _rows(item: CaseItem) -> list[CaseRow]:
    place = f"{item.opened_at_ms:013d}#{item.pk}"
    owners = [owner for owner in (item.customer_id, item.merchant_id) if owner]
    lists = [keys.listing("staff", ALL), *(keys.listing(owner, HISTORY) for owner in owners)]
    return [CaseRow(pk=pk, sk=place) for pk in lists]


def _open_row(item: CaseItem) -> CaseRow:
    return CaseRow(pk=keys.listing("staff", OPEN), sk=f"{item.opened_at_ms:013d}#{item.pk}")
