"""Use cases of statements: begin a billing cycle, cut a statement, choose the bill day, read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, local_date
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import id_bytes, require_id
from functions.core.money import require_currency
from functions.credit.lines.service import get_line
from functions.customers.service import get_customer
from functions.lending.plans.balance_store import balance_of
from functions.lending.plans.service import plan_ids_since, read_plans
from functions.lending.plans.store import PlanItem
from functions.lending.products.service import find_product
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.parallel import AT_ONCE, each_for_itself
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import BATCH_GET_LIMIT
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.servicing.statements.cycle import first_bill_day, first_cut_on, next_cut_on
from functions.servicing.statements.present import figures_of, present_bill_day, present_statement
from functions.servicing.statements.statement import Standing, Statement, collected_minor, compose
from functions.servicing.statements.store import (
    PREFIX,
    CycleItem,
    StatementItem,
    StatementRow,
    cycle_id,
    new_cycle,
    plan_cycle,
    plan_statement,
    rows_key,
    statement_id,
)

_TRIES: Final = 5
_LIST_LAG: Final = timedelta(days=1)
"""A plan captured as the last statement was cut may not have been in the customer's list yet."""
_METHODS: Final = {"irr_x12": "nominal_monthly", "effective": "effective"}


def begin_cycle(plan_id: str) -> None:
    """Have the customer of a plan billed from now on; one who is billed already is left alone.

    Args:
        plan_id: A plan just opened, or opened again.

    Raises:
        UnavailableError: Others kept changing the cycle.
    """
    box = container()
    for item in read_plans([plan_id], consistent=True):
        for _ in range(_TRIES):
            cycle = _cycle_of(box, item)
            today = local_date(box.clock.now(), cycle.zone)
            if cycle.next_on is not None and cycle.next_on > today:
                return
            seen = cycle.version
            cycle.version = seen + 1
            if cycle.next_on is None:
                cycle.previous = (cycle.previous_on or item.plan().start_on).toordinal()
                cycle.bill_next(next_cut_on(cycle.bill_day, today), box.settings.shards)
            # a cut under way has to look again: it may have read the customer's list without this plan
            try:
                commit(box.tables, plan_cycle(cycle, seen))
            except ConditionFailedError:
                continue
            return
        raise UnavailableError("the billing cycle is busy", retry_after_s=1)


def _cycle_of(box: Container, item: PlanItem) -> CycleItem:
    secret = box.secrets.key("ids")
    pk = cycle_id(secret, item.customer_id, item.currency)
    found: CycleItem | None = box.tables.get(CycleItem, pk, consistent=True)
    return found or new_cycle(
        secret,
        item.customer_id,
        item.currency,
        alias=item.alias,
        zone=item.zone,
        bill_day=first_bill_day(item.customer_id, item.plan().terms.due),
    )


def act(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Cut the statements of some cycles.

    Args:
        due: Keys of cycles in the action index.
        now: Business time of the sweep.

    Returns:
        How many statements were issued.

    Raises:
        Exception: The first that went wrong, after all others have been done.
    """
    box = container()
    return sum(each_for_itself(lambda key: _cut(box, *key, now), due, named=lambda key: key[0], at_once=AT_ONCE))


def _cut(box: Container, pk: str, sk: str, now: datetime) -> int:
    for _ in range(_TRIES):
        cycle: CycleItem | None = box.tables.get(CycleItem, pk, sk, consistent=True)
        if cycle is None or cycle.next_on is None or cycle.next_on > local_date(now, cycle.zone):
            return 0
        try:
            return _issue(box, cycle, cycle.next_on, now)
        except ConditionFailedError:
            continue
    raise UnavailableError("the billing cycle is busy", retry_after_s=1)


def _issue(box: Container, cycle: CycleItem, cut_on: date, now: datetime) -> int:
    """Write the statement of a cycle, and when the next is cut. A cut that was missed is not told as if it had been."""
    today = local_date(now, cycle.zone)
    while next_cut_on(cycle.bill_day, cut_on) <= today:
        cut_on = next_cut_on(cycle.bill_day, cut_on)
    made = _compose(box, cycle, cut_on)
    seen, next_on = cycle.version, None if made.is_empty else made.next_on
    statement = WriteSet() if made.is_empty else _statement(box, cycle, made, now)
    cycle.version, cycle.previous = seen + 1, cut_on.toordinal()
    cycle.bill_next(next_on, box.settings.shards)
    commit(box.tables, plan_cycle(cycle, seen), statement)
    count("StatementIssued", int(not made.is_empty))
    return int(not made.is_empty)


def _compose(box: Container, cycle: CycleItem, cut_on: date) -> Statement:
    last: StatementItem | None = box.tables.get(StatementItem, cycle.last_id) if cycle.last_id else None
    before: dict[str, int] = {f"plan_{tail}": minor for tail, minor in (last.collected if last else {}).items()}
    since = from_epoch_ms(last.issued_at_ms) - _LIST_LAG if last else None
    wanted = list(dict.fromkeys([*before, *plan_ids_since(cycle.customer_id, cycle.currency, since)]))
    items = [item for each in _batches(wanted) for item in read_plans(each, consistent=True)]
    return compose(
        [_standing(item, before, since) for item in items],
        cut_on=cut_on,
        previous_on=cycle.previous_on or cut_on,
        next_on=next_cut_on(cycle.bill_day, cut_on),
    )


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + BATCH_GET_LIMIT] for start in range(0, len(ids), BATCH_GET_LIMIT)]


def _standing(item: PlanItem, before: dict[str, int], since: datetime | None) -> Standing:
    plan, product = item.plan(), find_product(item.product, item.product_version or 1)
    # an older plan that the last statement did not tell of had ended by then, and was opened again since
    is_new = since is None or plan.opened_at >= since
    return Standing(
        plan=plan,
        product_id=item.product,
        minimum_bps=product.minimum_bps,
        method=_METHODS[product.jurisdiction.cap.method],
        collected_before_minor=before.get(plan.id, 0 if is_new else collected_minor(plan)),
    )


def _statement(box: Container, cycle: CycleItem, made: Statement, now: datetime) -> WriteSet:
    line = get_line(cycle.alias, consistent=True)
    name = statement_id(box.secrets.key("ids"), cycle.customer_id, cycle.currency, made.cut_on)
    item = StatementItem(
        pk=name,
        version=1,
        customer=cycle.customer,
        figures=figures_of(
            made,
            currency=cycle.currency,
            bill_day=cycle.bill_day,
            limit_minor=line.limit if line else 0,
            credit_balance_minor=balance_of(cycle.customer_id, cycle.currency),
        ),
        collected={each.plan_id.removeprefix("plan_"): each.collected_minor for each in made.lines},
        issued_at_ms=epoch_ms(now),
    )
    item.tell(now, "", Pending("statement.issued"))
    cycle.last = id_bytes(name)
    return plan_statement(item, made.cut_on)


def choose_bill_day(bill_day: int, currency: str, call: Call) -> dict[str, Any]:
    """Have statements of a currency cut on another day; the last word counts.

    Args:
        bill_day: 1 … 28.
        currency: Of the customer's line.
        call: The customer's.

    Raises:
        NotFoundError: The customer has no line in this currency.
        UnavailableError: Others kept changing the cycle.
    """
    box, customer_id = container(), call.who.id
    require_currency(currency)
    secret = box.secrets.key("ids")
    for _ in range(_TRIES):
        cycle: CycleItem | None = box.tables.get(CycleItem, cycle_id(secret, customer_id, currency), consistent=True)
        cycle = cycle or _unbilled(secret, customer_id, currency)
        seen, today = cycle.version, local_date(box.clock.now(), cycle.zone)
        cycle.version, cycle.chosen = seen + 1, True
        if cycle.next_on is not None and cycle.bill_day != bill_day:
            cycle.bill_next(first_cut_on(bill_day, today, cycle.previous_on), box.settings.shards)
        cycle.bill_day = bill_day
        try:
            commit(box.tables, plan_cycle(cycle, seen))
        except ConditionFailedError:
            continue
        return present_bill_day(cycle)
    raise UnavailableError("the billing cycle is busy", retry_after_s=1)


def _unbilled(secret: bytes, customer_id: str, currency: str) -> CycleItem:
    customer = get_customer(customer_id)
    alias = customer.aliases.get(currency)
    if alias is None:
        raise NotFoundError(f"there is no credit line in {currency}")
    return new_cycle(secret, customer_id, currency, alias=alias, zone=customer.zone, bill_day=1)


def list_statements(call: Call) -> dict[str, Any]:
    """A customer's statements, newest first."""
    found, cursor = listed(call, rows_key(call.who.id), StatementRow, StatementItem)
    return page(found, cursor, present_statement)


def own_statement(name: str, call: Call) -> StatementItem:
    """A customer's own statement.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item: StatementItem | None = container().tables.get(StatementItem, require_id(PREFIX, name))
    if item is None or item.customer_id != call.who.id:
        raise NotFoundError
    return item
