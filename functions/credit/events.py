"""What applications and lines tell: outcomes and states, never what was stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.core.clock import epoch_ms, parse_instant
from functions.credit.application_store import ApplicationItem
from functions.credit.desk.store import DECISIONS, QUEUE, DecisionItem, DecisionRow, present_decision, row_key
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.moves import told_change
from functions.credit.upkeep.reading import present_line
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import Put, WriteSet, write_each

OPENED = "credit_line.opened"


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a credit event."""
    if told.type.startswith("credit_application."):
        item = ApplicationItem.from_raw_data(dict(image))
        data = {"status": item.outcome, "currency": item.currency, **told.note}
        return Rendered(item.id, data, customer_id=item.customer_id)
    line = LineItem.from_raw_data(dict(image))
    data = {"credit_line": present_line(line)}
    data |= told.note if told.type == OPENED else {"change": told_change(told.type, told.note, line)}
    return Rendered(line.pk, data, customer_id=line.customer_id)


def render_decision(told: Told, image: RawItem) -> Rendered | None:  # noqa: ARG001  there is one kind
    """The payload of a decision that waits too long for a person; without what anybody said or stated."""
    item = DecisionItem.from_raw_data(dict(image))
    shown = present_decision(item)
    body = {name: shown[name] for name in ("id", "status", "currency", "requested_limit_minor", "work")}
    return Rendered(item.pk, {"decision": body}, customer_id=item.customer_id)


def render_model(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a model's event: which model, which version, and what happened to it."""
    version = image["pk"]["S"].partition("#")[2]
    return Rendered(str(told.note.get("version", version)), dict(told.note))


def project(event: Mapping[str, Any]) -> None:
    """Keep the staff's lists of decisions, and of those that a person is asked about; twice writes the same.

    Args:
        event: Our envelope of a `credit_application.*` event.
    """
    decided = event["type"] == "credit_application.decided"
    asked = event["type"] == "credit_application.appealed" or (decided and event["data"]["status"] == "referred")
    rows = []
    for kind, wanted in ((DECISIONS, decided), (QUEUE, asked)):
        if wanted:
            pk, sk = row_key(kind, epoch_ms(parse_instant(event["occurred_at"])), event["object_id"])
            rows.append(Put(DecisionRow(pk=pk, sk=sk, subject=event["object_id"])))
    write_each(container().tables, WriteSet.of(*rows))
