"""Opening a line: application, decision, line, its limit file and its place with the customer, all or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from functions.core.clock import epoch_ms, local_date
from functions.core.ids import id_bytes
from functions.credit.application_store import ApplicationItem
from functions.credit.deciding.record import read_record
from functions.credit.lines.store import LineItem, plan_open
from functions.credit.upkeep.store import FINANCES, LimitFileItem, file_id, plan_new_file
from functions.customers.customer import Customer
from functions.customers.service import plan_line_alias
from functions.platform.container import container
from functions.platform.crypto import Sealer
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import WriteSet, commit

_ALIASES = 1_000_000_000
_ALIAS_TRIES = 5


class _AliasTakenError(Exception):
    pass


def commit_opening(
    application: ApplicationItem,
    customer: Customer,
    sealer: Sealer,
    record: bytes,
    *,
    request_id: str,
    plan: Callable[[], WriteSet],
) -> None:
    """Write an approval and the line it opens in one transaction.

    Args:
        application: Approved, with limit, grade and terms; its alias is chosen here.
        customer: Whose line it is.
        sealer: Of that customer; the finances that counted are kept sealed for later reviews.
        record: The decision record that named the limit.
        request_id: Of the command.
        plan: The application's own write and whatever goes with it, made anew for each alias that is tried.
    """
    for _ in range(_ALIAS_TRIES):
        application.alias = secrets.randbelow(_ALIASES)
        try:
            commit(
                container().tables,
                plan(),
                plan_open(_line(application, customer, request_id), _taken),
                plan_new_file(_file(application, customer, sealer, read_record(record))),
                plan_line_alias(customer.id, application.currency, application.alias),
            )
        except _AliasTakenError:
            continue
        return
    raise _AliasTakenError


def _taken(_: RawItem | None) -> Exception:
    return _AliasTakenError()


def _line(application: ApplicationItem, customer: Customer, request_id: str) -> LineItem:
    assert application.alias is not None
    clock = container().clock
    line = LineItem(
        pk=keys.line(application.alias),
        version=1,
        customer=id_bytes(customer.id),
        currency=application.currency,
        limit=application.limit,
        available=application.limit,
        held=0,
        outstanding=0,
        grade=application.grade,
        terms=application.terms,
        zone=customer.zone,
        language=customer.language,
        opened_at_ms=epoch_ms(clock.wall()),
        application=id_bytes(application.id),
    )
    note = {"magic": customer.magic} if customer.magic else None
    line.tell(clock.now(), request_id, Pending("credit_line.opened", note))
    return line


def _file(application: ApplicationItem, customer: Customer, sealer: Sealer, record: dict[str, Any]) -> LimitFileItem:
    counted, bureau = record["counted"], record["inputs"]["bureau"]
    now = container().clock.now()
    finances = {name: counted[name] for name in ("income_minor", "expenses_minor", "debts_minor")}
    return LimitFileItem(
        pk=file_id(customer.id, application.currency),
        version=1,
        customer=id_bytes(customer.id),
        currency=application.currency,
        alias=application.alias,
        opened_on=_day(now, customer),
        rows=[],
        finances=sealer.seal(FINANCES, finances | {"stated_on": _day(now, customer), "source": "application"}),
        bureau=[bureau["open_defaults"], bureau["past_defaults"]],
    )


def _day(now: datetime, customer: Customer) -> str:
    return local_date(now, customer.zone).isoformat()
