"""The limit file of a line (what its reviews know) and every change of the line, as items under one derived id.

The line itself stays small and hot; nothing here is read while an authorization waits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import NotFoundError
from functions.core.ids import derived_id, id_text
from functions.credit.limits import TEXTS, LimitChange, TemporaryLimit
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, Tables
from functions.platform.storage.transactions import WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

PREFIX: Final = "lim"
FINANCES: Final = "finances"
"""Name under which the counted finances are sealed."""
KEPT_STATEMENTS: Final = 7
"""Six cycles are scored, and the bill before them is what the sixth's payment pays."""
_SHOWN_CHANGES: Final = 20
_HEARD: Final = 32
_MARK_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Cut:
    """One statement as it was cut; what is learned later restates nothing.

    Args:
        cut_on: Its day.
        bill_minor: Principal and fee outstanding.
        paid_minor: Confirmed since the cut before.
        due_minor: Asked for until the due day.
        months_late: Started months since the oldest unpaid due date; 0 if nothing is overdue.
        limit_minor: Whole limit on that day.
    """

    cut_on: date
    bill_minor: int
    paid_minor: int
    due_minor: int
    months_late: int
    limit_minor: int

    def pack(self) -> list[Any]:
        """As stored."""
        money = (self.bill_minor, self.paid_minor, self.due_minor, self.months_late, self.limit_minor)
        return [self.cut_on.isoformat(), *money]

    @classmethod
    def unpack(cls, row: list[Any]) -> Cut:
        """Inverse of `pack`."""
        return cls(date.fromisoformat(row[0]), *row[1:])


class LimitFileItem(State):
    """What the reviews of one line know; about 1 KB."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    alias = IntegerAttribute(attr_name="al")
    opened_on = UnicodeAttribute(attr_name="op")
    rows = JSONAttribute(attr_name="st")
    statements = IntegerAttribute(attr_name="n", default=0)
    streak = IntegerAttribute(attr_name="sr", default=0)
    late_since = IntegerAttribute(attr_name="ls", default=0)  # something was overdue since the latest cut
    late = JSONAttribute(attr_name="lp", null=True)  # plan → oldest due day unpaid; None before anything was ever late
    alert = JSONAttribute(attr_name="aa", null=True)  # the latest, until its case is decided
    heard = BinaryAttribute(legacy_encoding=False, attr_name="he", null=True)  # events it was looked at for
    written_off = IntegerAttribute(attr_name="wo", default=0)  # a debt of its customer was, on whichever line
    bad_on = UnicodeAttribute(attr_name="bo", null=True)
    raised_on = UnicodeAttribute(attr_name="ro", null=True)
    cut_on = UnicodeAttribute(attr_name="co", null=True)
    cut_code = UnicodeAttribute(attr_name="cc", null=True)
    extra = IntegerAttribute(attr_name="te", null=True)
    extra_until = UnicodeAttribute(attr_name="tu", null=True)
    thaw_ms = IntegerAttribute(attr_name="th", null=True)
    finances = BinaryAttribute(legacy_encoding=False, attr_name="fi")  # sealed with the customer's own key
    income_fresh = IntegerAttribute(attr_name="if", default=0)
    bureau = JSONAttribute(attr_name="bu")
    proposal = JSONAttribute(attr_name="pr", null=True)
    review = JSONAttribute(attr_name="rv", null=True)
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Oldest first, seven at most."""
        return tuple(Cut.unpack(row) for row in self.rows)

    def has_heard(self, event_id: str) -> bool:
        """Whether the line was looked at for this very event, if it is among the last thirty-two."""
        data, mark = self.heard or b"", _mark(event_id)
        return any(data[start : start + _MARK_BYTES] == mark for start in range(0, len(data), _MARK_BYTES))

    def hear(self, event_id: str) -> None:
        """Remember an event; the oldest beyond thirty-two is forgotten."""
        self.heard = ((self.heard or b"") + _mark(event_id))[-_HEARD * _MARK_BYTES :]

    @property
    def temporary(self) -> TemporaryLimit | None:
        """The temporary limit that is part of the line's limit now."""
        if not self.extra_until:
            return None
        return TemporaryLimit(self.extra, date.fromisoformat(self.extra_until))

    def base_minor(self, limit_minor: int) -> int:
        """The line's limit without the temporary part."""
        return limit_minor - (self.extra or 0)


def _mark(event_id: str) -> bytes:
    return hashlib.sha256(event_id.encode()).digest()[:_MARK_BYTES]


class LineChangeItem(Item):
    """One change of a line, kept as it was made: from what to what, why, by whom, on what grounds."""

    kind = UnicodeAttribute(attr_name="k")
    code = UnicodeAttribute(attr_name="co")
    before = IntegerAttribute(attr_name="b")
    after = IntegerAttribute(attr_name="a")
    by = UnicodeAttribute(attr_name="by")
    reason = UnicodeAttribute(attr_name="re", null=True)
    observed = JSONAttribute(attr_name="ov")
    model = UnicodeAttribute(attr_name="mo", null=True)
    policy = UnicodeAttribute(attr_name="po", null=True)
    request = UnicodeAttribute(attr_name="rq")
    at_ms = IntegerAttribute(attr_name="t")


def file_id(customer_id: str, currency: str) -> str:
    """The id of a customer's limit file in a currency."""
    return derived_id(PREFIX, container().secrets.key("ids"), customer_id, currency)


def load_file(customer_id: str, currency: str) -> LimitFileItem:
    """A limit file, read consistently.

    Raises:
        NotFoundError: There was never a line.
    """
    item: LimitFileItem | None = container().tables.get(LimitFileItem, file_id(customer_id, currency), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def plan_new_file(item: LimitFileItem) -> WriteSet:
    """The file of a new line."""
    return WriteSet.of(create(item))


def plan_file(item: LimitFileItem, seen_version: int) -> WriteSet:
    """A file over the version that was read."""
    return WriteSet.of(replace(item, seen_version))


def plan_record(
    pk: str, line_version: int, change: LimitChange, at: datetime, *, reason: str, request_id: str
) -> WriteSet:
    """The record of a change, in the same write as the change.

    Args:
        pk: Limit file's id.
        line_version: Of the line after the change.
        change: What was done.
        at: Business instant.
        reason: What a person wrote; "" where the policy acted.
        request_id: Of the command or record that caused it.
    """
    item = LineChangeItem(
        pk=pk,
        sk=keys.line_change(line_version),
        kind=change.kind,
        code=change.code,
        before=change.before_minor,
        after=change.after_minor,
        by=change.actor,
        reason=reason or None,
        observed=dict(change.observed),
        model=change.model_version or None,
        policy=change.policy_hash or None,
        request=request_id,
        at_ms=epoch_ms(at),
    )
    return WriteSet.of(create(item))


def latest_changes(pk: str) -> list[LineChangeItem]:
    """The last twenty changes of a line, newest first."""
    tables: Tables = container().tables
    items, _ = tables.query(
        LineChangeItem, pk, limit=_SHOWN_CHANGES, sort=Path("sk").startswith(keys.LINE_CHANGES), forward=False
    )
    return items


def _who(by: str) -> str:
    """Who changed a line, as its customer may know it: never a person's name."""
    if by in {"policy", "customer"}:
        return by
    return "risk_check" if by.startswith("rule:") else "staff"


def present_change(item: LineChangeItem) -> dict[str, Any]:
    """A change as the customer sees it."""
    text_en, text_zh = TEXTS[item.code]
    return {
        "kind": item.kind,
        "code": item.code,
        "text_en": text_en,
        "text_zh": text_zh,
        "before_minor": item.before,
        "after_minor": item.after,
        "by": _who(item.by),
        "changed_at": isoformat(from_epoch_ms(item.at_ms)),
    }


def present_change_to_staff(item: LineChangeItem) -> dict[str, Any]:
    """A change with its author and grounds."""
    grounds: Mapping[str, Any] = item.observed
    return present_change(item) | {
        "by": item.by,
        "reason": item.reason,
        "observed": dict(grounds),
        "model_version": item.model,
        "policy_hash": item.policy,
        "request_id": item.request,
    }
