"""Alerts as items, with their row in the staff's list."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import id_text
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import OnConflict, Put, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.risk.casework import alerts
from functions.risk.casework.alerts import Alert


class AlertItem(State):
    """Something the risk checks found about one pivot."""

    kind = UnicodeAttribute(attr_name="k")
    pivot = UnicodeAttribute(attr_name="pv")
    severity = UnicodeAttribute(attr_name="sv")
    state = UnicodeAttribute(attr_name="s", default="open")
    rules = JSONAttribute(attr_name="ru")
    reasons = JSONAttribute(attr_name="rs")
    suggested = UnicodeAttribute(attr_name="sg")
    authorization = BinaryAttribute(legacy_encoding=False, attr_name="a", null=True)
    case = BinaryAttribute(legacy_encoding=False, attr_name="cs", null=True)
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m", null=True)
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c", null=True)
    raised_at_ms = IntegerAttribute(attr_name="t")
    last_at_ms = IntegerAttribute(attr_name="l")
    times = IntegerAttribute(attr_name="n", default=1)
    sent = BooleanAttribute(attr_name="se", default=True)
    detected_ms = IntegerAttribute(attr_name="d")
    acknowledged_by = UnicodeAttribute(attr_name="ab", null=True)
    commands = CommandsAttribute()

    @property
    def merchant_id(self) -> str | None:
        return id_text("mer", self.merchant) if self.merchant else None

    @property
    def customer_id(self) -> str | None:
        return id_text("cus", self.customer) if self.customer else None


class AlertRow(Item):
    """A row of the staff's list of alerts; which alert it is ends its sort key."""


ALERTS = "alert"


def to_value(item: AlertItem) -> Alert:
    """The item's state as the pure alert."""
    return Alert(
        kind=item.kind,
        pivot=item.pivot,
        severity=item.severity,
        first_at=from_epoch_ms(item.raised_at_ms),
        last_at=from_epoch_ms(item.last_at_ms),
        count=item.times,
        state=alerts.State(item.state),
        sent=bool(item.sent),
        acknowledged_by=item.acknowledged_by or "",
    )


def apply(item: AlertItem, alert: Alert) -> None:
    """Write a pure alert into its item."""
    item.kind, item.pivot, item.severity, item.state = alert.kind, alert.pivot, alert.severity, str(alert.state)
    item.raised_at_ms, item.last_at_ms = epoch_ms(alert.first_at), epoch_ms(alert.last_at)
    item.times, item.sent = alert.count, alert.sent
    item.acknowledged_by = alert.acknowledged_by or None


def plan_new_alert(item: AlertItem, on_conflict: OnConflict) -> WriteSet:
    """W7: an alert and its row, once per cause."""
    row = AlertRow(pk=keys.listing("staff", ALERTS), sk=f"{item.raised_at_ms:013d}#{item.pk}")
    return WriteSet.of(create(item, on_conflict), Put(row))


def plan_alert(item: AlertItem, seen_version: int) -> WriteSet:
    """W7: its next state."""
    return WriteSet.of(replace(item, seen_version))
