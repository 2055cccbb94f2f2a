"""Alerts: list, read, acknowledge, resolve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.core.errors import FieldError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.risk.casework import alerts
from functions.risk.casework.alert_store import ALERTS, AlertItem, AlertRow, apply, plan_alert, to_value
from functions.risk.casework.cases import SEVERITIES
from functions.risk.casework.present import present_alert

_TRIES = 4
FILTERS: Final = ("status", "severity", "kind", "customer_id", "merchant_id")
_KNOWN: Final = {"status": [str(state) for state in alerts.State], "severity": list(SEVERITIES)}
_MOVES = {"acknowledge": alerts.acknowledge, "resolve": alerts.resolve}


def read_alert(alert_id: str, *, consistent: bool = False) -> AlertItem:
    """An alert by id.

    Raises:
        NotFoundError: Not there.
    """
    item: AlertItem | None = container().tables.get(AlertItem, require_id("alr", alert_id), consistent=consistent)
    if item is None:
        raise NotFoundError
    return item


def list_alerts(call: Call) -> dict[str, Any]:
    """Alerts, newest first; `?status=`, `?severity=`, `?kind=` and a party's id keep some of a page.

    Raises:
        InvalidError: A filter that could never match, or not a cursor of this list.
    """
    for name, values in _KNOWN.items():
        if call.query.get(name, values[0]) not in values:
            said = ", ".join(values)
            raise InvalidError(f"{name} is one of {said}", errors=(FieldError(name, "unknown", said),))
    items, cursor = listed(call, keys.listing("staff", ALERTS), AlertRow, AlertItem)
    shown = [present_alert(item) for item in items]
    return page([each for each in shown if _wanted(each, call.query)], cursor, lambda each: each)


def _wanted(shown: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return all(shown[name] == query[name] for name in FILTERS if name in query)


def move(alert_id: str, what: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Acknowledge or resolve.

    Raises:
        AlertStateError: Resolved already, or acknowledged before.
    """
    box, command, by = container(), call.command(), call.who.id
    for _ in range(_TRIES):
        item = read_alert(alert_id, consistent=True)
        if is_replay(item.commands, command):
            return present_alert(item), True
        after = _MOVES[what](to_value(item), by)
        seen = item.version
        item.version = seen + 1
        apply(item, after)
        item.commands = remember(item.commands, command)
        item.tell(box.clock.now(), call.request_id)
        try:
            commit(box.tables, plan_alert(item, seen))
        except ConditionFailedError:
            continue
        return present_alert(item), False
    raise UnavailableError("the alert is busy", retry_after_s=1)
