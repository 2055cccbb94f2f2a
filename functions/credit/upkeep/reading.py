"""A line as its customer and as staff see it, with why it changed."""

from __future__ import annotations

from typing import Any

from functions.core.clock import from_epoch_ms, isoformat
from functions.core.errors import NotFoundError
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.store import (
    LimitFileItem,
    latest_changes,
    load_file,
    present_change,
    present_change_to_staff,
)
from functions.customers.consents import LIMIT_INCREASE
from functions.customers.customer import Customer
from functions.platform.container import container
from functions.platform.storage import keys


def line_of(customer: Customer, currency: str | None, *, consistent: bool = False) -> LineItem:
    """A customer's line in a currency, or the only one there is.

    Raises:
        NotFoundError: None, or none in that currency.
    """
    wanted = currency or next(iter(sorted(customer.aliases)), "")
    alias = customer.aliases.get(wanted)
    if alias is None:
        raise NotFoundError
    line: LineItem | None = container().tables.get(LineItem, keys.line(alias), consistent=consistent)
    if line is None:
        raise NotFoundError
    return line


def present_line(line: LineItem) -> dict[str, Any]:
    """A line by itself, as events carry it."""
    return {
        "object": "credit_line",
        "currency": line.currency,
        "status": line.status,
        "version": line.version,
        "limit_minor": line.limit,
        "available_minor": line.available,
        "held_minor": line.held,
        "outstanding_minor": line.outstanding,
        "grade": line.grade,
        "allowed_terms": sorted(line.allowed_terms),
        "frozen_reason": line.frozen_reason,
        "opened_at": isoformat(from_epoch_ms(line.opened_at_ms)),
    }


def _parts(line: LineItem, file: LimitFileItem) -> dict[str, Any]:
    temporary = file.temporary
    until = line.frozen_until_ms
    return present_line(line) | {
        "base_limit_minor": file.base_minor(line.limit),
        "temporary_limit": None
        if temporary is None
        else {"extra_minor": temporary.extra_minor, "until_on": temporary.until_on.isoformat()},
        "frozen_until": None if until is None else isoformat(from_epoch_ms(until)),
    }


def my_line(customer: Customer, currency: str | None) -> dict[str, Any]:
    """A customer's own line: the figures, and every change with its reason."""
    line = line_of(customer, currency)
    file = load_file(customer.id, line.currency)
    return _parts(line, file) | {
        "raises_agreed": customer.has_consented(LIMIT_INCREASE),
        "changes": [present_change(item) for item in latest_changes(file.pk)],
    }


def staff_line(customer: Customer, currency: str | None) -> dict[str, Any]:
    """A line as staff see it: with who changed it, what waits for a second person, and the last review."""
    line = line_of(customer, currency, consistent=True)
    return present_to_staff(customer, line, load_file(customer.id, line.currency))


def present_to_staff(customer: Customer, line: LineItem, file: LimitFileItem) -> dict[str, Any]:
    """The same of items at hand."""
    return _parts(line, file) | {
        "customer_id": customer.id,
        "raises_agreed": customer.has_consented(LIMIT_INCREASE),
        "statements": file.statements,
        "on_time_streak": file.streak,
        "proposal": file.proposal,
        "last_review": file.review,
        "frozen_by": line.frozen_by,
        "changes": [present_change_to_staff(item) for item in latest_changes(file.pk)],
    }
