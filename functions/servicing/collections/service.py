"""Use cases of collections: keep the files by bucket, log contacts under their caps, hold promises to pay.

A file follows the plans: it is looked at anew whenever one of them tells that it is late, paid, charged off or opened
again, and when the day of a promise is over. Writing off is what the sweep does at its day; here it is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.lending.changes.waterfall import payable, row_due_minor
from functions.lending.late import settle
from functions.lending.plan import BUCKET_STARTS, Plan, PlanState
from functions.lending.plans.service import open_plan_ids, read_plans
from functions.lending.plans.store import PlanItem
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.parallel import each_for_itself
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import BATCH_GET_LIMIT
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.servicing.collections.contact import PHONE, Contact, next_contact_at
from functions.servicing.collections.schemas import ContactRequest, PromiseRequest
from functions.servicing.collections.store import (
    BROKEN,
    BUCKETS,
    CURRENT,
    KEPT,
    OPEN,
    PREFIX,
    FileItem,
    FileRow,
    file_id,
    plan_file,
    rows_key,
)
from functions.servicing.statements.statement import collected_minor

_TRIES: Final = 5
_MESSAGE: Final = "email"
LONGEST_PROMISE: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)


class ContactCapError(ConflictError):
    code, title = "contact_cap", "The customer may not be contacted yet"


class NothingLateError(ConflictError):
    code, title = "nothing_late", "Nothing of this customer is late"


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late a customer is in a currency.

    Args:
        bucket: Worst of their plans.
        since_on: Oldest unpaid due day.
        overdue_minor: Late, late charge included; a charged-off debt whole.
        charged_off_minor: Principal of it that was charged off.
        collected_minor: All that was ever collected on these plans.
    """

    bucket: str
    since_on: date | None
    overdue_minor: int
    charged_off_minor: int
    collected_minor: int


def lateness_of(plans: Sequence[Plan], on: date) -> Lateness:
    """How late some plans of one customer are.

    Args:
        plans: Open ones, and those that were.
        on: Today, where the customer is.
    """
    settled = [settle(plan, max(on, plan.settled_on)) for plan in plans]
    late = [
        (plan, row)
        for plan in settled
        for row in payable(plan, on)
        if plan.state is PlanState.CHARGED_OFF or row.counted_from_on < on
    ]
    since = min((row.counted_from_on for _, row in late), default=None)
    charged_off = sum(plan.charged_off_minor for plan in settled)
    days = (on - since).days if since else 0
    bucket = next((str(each) for start, each in BUCKET_STARTS if days >= start), CURRENT)
    return Lateness(
        bucket="charged_off" if charged_off else bucket,
        since_on=since,
        overdue_minor=sum(row_due_minor(plan, row, on) for plan, row in late),
        charged_off_minor=charged_off,
        collected_minor=sum(collected_minor(plan) for plan in settled),
    )


def look_at_plan(plan_id: str) -> None:
    """Bring the file of a plan's customer up to date; a customer who was never late has none.

    Args:
        plan_id: A plan that has just told something.

    Raises:
        UnavailableError: Others kept changing the file.
    """
    for item in read_plans([plan_id], consistent=True):
        _refresh(container(), item.customer_id, item.currency, item)


def _refresh(box: Container, customer_id: str, currency: str, plan: PlanItem | None) -> FileItem | None:
    name = file_id(box.secrets.key("ids"), customer_id, currency)
    for _ in range(_TRIES):
        found: FileItem | None = box.tables.get(FileItem, name, consistent=True)
        if found is None and plan is None:
            return None
        item, now = found or _new(name, plan), box.clock.now()
        state = _lateness(item, local_date(now, item.zone), (plan.pk,) if plan else ())
        before = _place(item)
        if not _apply(item, state, now):
            return found
        try:
            _save(box, item, before)
        except ConditionFailedError:
            continue
        return item
    raise UnavailableError("the file is busy", retry_after_s=1)


def _new(name: str, plan: PlanItem | None) -> FileItem:
    assert plan is not None, "a file begins with a plan"
    return FileItem(
        pk=name, version=0, customer=plan.customer, currency=plan.currency, zone=plan.zone, opened_at_ms=0, contacts=[]
    )


def _lateness(item: FileItem, on: date, also: Sequence[str] = ()) -> Lateness:
    """As of a day, over the customer's open plans and some that may have been closed."""
    ids = list(dict.fromkeys([*also, *open_plan_ids(item.customer_id, item.currency)]))[:BATCH_GET_LIMIT]
    return lateness_of([each.plan() for each in read_plans(ids, consistent=True)], on)


def _apply(item: FileItem, state: Lateness, now: datetime) -> bool:
    """Write a look into a file; whether anything is new."""
    since = state.since_on.toordinal() if state.since_on else None
    new = (state.bucket, since, state.overdue_minor, state.charged_off_minor)
    changed = new != (item.bucket, item.since, item.overdue, item.charged_off)
    if item.bucket == CURRENT and state.bucket != CURRENT:
        item.opened_at_ms = epoch_ms(now)
    item.bucket, item.since, item.overdue, item.charged_off = new
    return changed


def _place(item: FileItem) -> tuple[str, str] | None:
    return (item.bucket, item.listed) if item.listed else None


def _save(
    box: Container, item: FileItem, before: tuple[str, str] | None, *events: Pending, request_id: str = ""
) -> None:
    seen = item.version
    item.version, item.outbox = seen + 1, None
    if events:
        item.tell(box.clock.now(), request_id, *events)
    commit(box.tables, plan_file(item, seen, before))


def list_files(call: Call) -> dict[str, Any]:
    """Files of a bucket, newest first.

    Raises:
        InvalidError: No such bucket.
    """
    bucket = call.query.get("bucket", BUCKETS[0])
    if bucket not in BUCKETS:
        detail = f"one of {', '.join(BUCKETS)}"
        raise InvalidError(f"bucket is {detail}", errors=(FieldError("bucket", "unknown", detail),))
    found, cursor = listed(call, rows_key(bucket), FileRow, FileItem)
    return page(found, cursor, present_file)


def read_file(name: str) -> dict[str, Any]:
    """One file, looked at anew.

    Raises:
        NotFoundError: There is none.
    """
    item = _loaded(name)
    return present_file(_refresh(container(), item.customer_id, item.currency, None) or item)


def _loaded(name: str) -> FileItem:
    item: FileItem | None = container().tables.get(FileItem, require_id(PREFIX, name), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def log_contact(name: str, body: ContactRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Write down that a customer was contacted; what the caps do not allow is refused, and should not have been made.

    Raises:
        NothingLateError: There is no reason to contact anybody.
        ContactCapError: Carries `next_contact_at`.
    """
    box, command = container(), call.command()
    item = _loaded(name)
    if is_replay(item.commands, command):
        return present_file(item), True
    if item.bucket == CURRENT:
        raise NothingLateError
    now = box.clock.now()
    allowed_at = next_contact_at(item.log(), body.channel, now, item.zone)
    if allowed_at > now:
        count("ContactRefused")
        raise ContactCapError(f"not before {isoformat(allowed_at)}", next_contact_at=isoformat(allowed_at))
    before = _place(item)
    item.note(Contact(now, body.channel, body.outcome, call.who.id))
    item.commands = remember(item.commands, command)
    _save(box, item, before, Pending("collection.contacted"), request_id=call.request_id)
    return present_file(item), False


def take_promise(name: str, body: PromiseRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Write down a promise to pay; a new one takes the place of the last.

    Raises:
        NothingLateError: There is nothing to promise.
        InvalidError: A day that is over or too far ahead.
    """
    box, command = container(), call.command()
    item = _loaded(name)
    if is_replay(item.commands, command):
        return present_file(item), True
    if item.bucket == CURRENT:
        raise NothingLateError
    today = local_date(box.clock.now(), item.zone)
    on = _promised_day(body.on, today)
    before = _place(item)
    plans = open_plan_ids(item.customer_id, item.currency)
    state = _lateness(item, today, plans)
    item.promise, item.promised, item.promise_day = OPEN, body.amount_minor, on.toordinal()
    item.promise_plans = [each.removeprefix("plan_") for each in plans]
    item.promise_base, item.promised_to = state.collected_minor, call.who.id
    item.look_after(on + _DAY)
    item.commands = remember(item.commands, command)
    _save(box, item, before, Pending("collection.promised"), request_id=call.request_id)
    return present_file(item), False


def _promised_day(text: str, today: date) -> date:
    try:
        on = date.fromisoformat(text)
    except ValueError:
        on = date.min
    if not today <= on <= today + LONGEST_PROMISE:
        detail = f"a day from today to {LONGEST_PROMISE.days} days ahead"
        raise InvalidError(detail, errors=(FieldError("/on", "out_of_range", detail),))
    return on


def act(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Judge promises whose day is over.

    Args:
        due: Keys of files in the action index.
        now: Business time of the sweep.

    Returns:
        How many were judged, each of which tells it.
    """
    return sum(each_for_itself(lambda pk: _judge_promise(pk, now), [pk for pk, _ in due]))


def _judge_promise(pk: str, now: datetime) -> int:
    box = container()
    item: FileItem | None = box.tables.get(FileItem, pk, consistent=True)
    if item is None or item.promise_on is None or item.promise_on >= local_date(now, item.zone):
        return 0
    before = _place(item)
    plans = [f"plan_{tail}" for tail in item.promise_plans or ()]
    state = _lateness(item, local_date(now, item.zone), plans)
    paid = state.collected_minor - (item.promise_base or 0)
    item.promise = KEPT if paid >= (item.promised or 0) or state.bucket == CURRENT else BROKEN
    item.look_after(None)
    _apply(item, state, now)
    _save(box, item, before, Pending(f"collection.promise_{item.promise}"))
    return 1


def present_file(item: FileItem) -> dict[str, Any]:
    """A file as staff see it."""
    now, log = container().clock.now(), item.log()
    on = item.promise_on
    promise = None
    if item.promise and on:
        promise = {"status": item.promise, "amount_minor": item.promised, "on": on.isoformat(), "by": item.promised_to}
    return {
        "id": item.pk,
        "object": "collection_file",
        "version": item.version,
        "customer_id": item.customer_id,
        "currency": item.currency,
        "bucket": item.bucket,
        "since_on": date.fromordinal(item.since).isoformat() if item.since else None,
        "overdue_minor": item.overdue,
        "charged_off_minor": item.charged_off,
        "opened_at": isoformat(from_epoch_ms(item.opened_at_ms)),
        "promise": promise,
        "contacts": [
            {"at": isoformat(each.at), "channel": each.channel, "outcome": each.outcome, "by": each.by} for each in log
        ],
        "next_call_at": isoformat(next_contact_at(log, PHONE, now, item.zone)),
        "next_message_at": isoformat(next_contact_at(log, _MESSAGE, now, item.zone)),
    }
