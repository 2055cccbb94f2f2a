"""What the bus tells of a line's life becomes the memory of its limit file, and each time the line is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from functions.core.calendar import add_months
from functions.core.clock import parse_instant
from functions.core.errors import NotFoundError
from functions.credit.models.monitoring import BAD_MONTHS_LATE, age_counts
from functions.credit.upkeep.review import Reviewed, review_line
from functions.credit.upkeep.store import KEPT_STATEMENTS, Cut, LimitFileItem
from functions.credit.upkeep.values import Cause
from functions.platform.storage.transactions import WriteSet

_HALF_A_MONTH = 15


def cut_of(statement: Mapping[str, Any]) -> Cut:
    """A cut from the payload of `statement.issued`.

    Args:
        statement: Its member `statement`.
    """
    return Cut(
        cut_on=date.fromisoformat(statement["cut_on"]),
        bill_minor=statement["bill_minor"],
        paid_minor=statement["paid_minor"],
        due_minor=statement["due_minor"],
        months_late=statement["months_late"],
        limit_minor=statement["limit_minor"],
    )


def note_cut(file: LimitFileItem, cut: Cut) -> WriteSet:
    """Add a cut to a file: the same one twice changes nothing, one that comes late takes its place in time.

    A statement that asked for something counts as paid on time when nothing was overdue between it and the next cut.

    Returns:
        The line's place in its vintage, to be written with the file.
    """
    known = list(file.cuts)
    if any(one.cut_on == cut.cut_on for one in known):
        return WriteSet()
    latest, new = known[-1] if known else None, [cut]
    file.statements += 1
    if latest is None or cut.cut_on > latest.cut_on:
        late = cut.months_late > 0 or bool(file.late_since)
        asked = latest is not None and latest.due_minor > 0
        file.streak = 0 if late else file.streak + asked
        file.late_since = 0
        new = [*_idle(latest, cut), cut]
    if cut.months_late >= BAD_MONTHS_LATE and not file.bad_on:
        file.bad_on = cut.cut_on.isoformat()
    known = sorted([*known, *new], key=lambda one: one.cut_on)
    file.rows = [one.pack() for one in known[-KEPT_STATEMENTS:]]
    return age_counts(file, new)


def _idle(latest: Cut | None, cut: Cut) -> list[Cut]:
    """The months between two cuts in which there was nothing to bill: who owes nothing gets no statement."""
    if latest is None:
        return []
    idle = []
    for months in range(1, KEPT_STATEMENTS):
        on = add_months(latest.cut_on, months)
        if (cut.cut_on - on).days <= _HALF_A_MONTH:
            break
        idle.append(Cut(on, 0, 0, 0, 0, latest.limit_minor))
    return idle


def note_statement(event: Mapping[str, Any]) -> Reviewed | None:
    """A statement was cut: remember its figures, then review the line; the same event twice changes nothing more.

    Args:
        event: Our envelope of `statement.issued`.

    Returns:
        The review; None where there is no line any more.
    """
    statement = event["data"]["statement"]
    cut = cut_of(statement)
    try:
        return review_line(
            event["customer_id"],
            statement["currency"],
            request_id=event["id"],
            cause=Cause(event["type"], event["id"]),
            at=parse_instant(event["occurred_at"]),
            days_past_due=statement["days_past_due"],
            note=lambda file: note_cut(file, cut),
        )
    except NotFoundError:
        return None  # the line is gone, or its owner erased: there is nothing to review
