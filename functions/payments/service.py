"""Use cases of authorizations: find, list, capture, void, extend, and what a case or the clock does to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import MalformedError, NotFoundError
from functions.core.ids import require_id
from functions.credit.lines.service import plan_line_change
from functions.lending.line import NO_CHANGE, LineChange, hold
from functions.payments import authorization as rules
from functions.payments import till
from functions.payments.authorization import Authorization, Release
from functions.payments.present import present
from functions.payments.scenario import SCENARIOS
from functions.payments.store import (
    MAX_ATTEMPTS,
    AuthorizationItem,
    AuthorizationRow,
    apply,
    first_attempts,
    plan_change,
    row_key,
    to_value,
)
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page

TRIES = 4
_REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIRST = 2
_PAGE = 100


def load(authorization_id: str, *, consistent: bool = False) -> AuthorizationItem:
    """An authorization by id, whoever owns it.

    Raises:
        NotFoundError: Not there.
    """
    item: AuthorizationItem | None = container().tables.get(
        AuthorizationItem, require_id("auth", authorization_id), consistent=consistent
    )
    if item is None:
        raise NotFoundError
    return item


def load_own(authorization_id: str, merchant_id: str, *, consistent: bool = False) -> AuthorizationItem:
    """A merchant's own authorization; another's is not there.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    item = load(authorization_id, consistent=consistent)
    if item.merchant_id != merchant_id:
        raise NotFoundError
    return item


def load_many(ids: Sequence[str], *, consistent: bool = False) -> list[AuthorizationItem]:
    """The authorizations there are among some ids, in their order; one request."""
    found = container().tables.batch_get([(AuthorizationItem, i, keys.SELF) for i in ids], consistent=consistent)
    return [item for item in found if isinstance(item, AuthorizationItem)]


def latest_attempt(reference: str, merchant_id: str, *, consistent: bool = False) -> AuthorizationItem | None:
    """The latest attempt at an order, if there is any: two are read, and more only where there are more.

    Raises:
        NotFoundError: Not a reference.
    """
    if not _REFERENCE.fullmatch(reference):
        raise NotFoundError
    secret = container().secrets.key("ids")
    found = load_many(first_attempts(secret, merchant_id, reference, _FIRST), consistent=consistent)
    if len(found) == _FIRST:
        found += load_many(
            first_attempts(secret, merchant_id, reference, MAX_ATTEMPTS - _FIRST, _FIRST + 1), consistent=consistent
        )
    return found[-1] if found else None


def shown(item: AuthorizationItem) -> dict[str, Any]:
    """As its merchant sees it."""
    return present(item, container().secrets.key("ids"))


def find_by_reference(reference: str, merchant_id: str) -> dict[str, Any]:
    """The latest attempt at an order and the earlier ones, without an index: their keys are known.

    Raises:
        MalformedError: Not a reference.
    """
    box = container()
    if not reference or len(reference) > 64:  # noqa: PLR2004  the width of a reference
        raise MalformedError("reference is 1 to 64 characters")
    ids = first_attempts(box.secrets.key("ids"), merchant_id, reference, MAX_ATTEMPTS)
    found = [i for i in box.tables.batch_get([(AuthorizationItem, i, keys.SELF) for i in ids]) if i is not None]
    return page([item for item in reversed(found) if isinstance(item, AuthorizationItem)], None, shown)


def list_authorizations(call: Call) -> dict[str, Any]:
    """A merchant's authorizations, newest first."""
    if "reference" in call.query:
        return find_by_reference(call.query["reference"], call.who.id)
    items, cursor = listed(call, row_key(call.who.id, 0, "").pk, AuthorizationRow, AuthorizationItem)
    return page(items, cursor, shown)


@dataclass(frozen=True, slots=True)
class Change:
    """A decided change of one authorization.

    Args:
        after: Its next state.
        events: What it tells.
        released_minor: Goes from held back to available.
    """

    after: Authorization
    events: tuple[Pending, ...]
    released_minor: int = 0


def plan_authorization_change(item: AuthorizationItem, change: Change, at: datetime, request_id: str) -> WriteSet:
    """The authorization's next state and what it does to the line; nothing is written yet."""
    seen = item.version
    apply(item, change.after)
    item.tell(at, request_id, *change.events, *wait(item, at))
    writes = plan_change(item, seen)
    if change.released_minor and item.alias is not None:
        writes += plan_line_change(item.alias, -hold(change.released_minor))
    return writes


def due_of(item: AuthorizationItem) -> datetime | None:
    """When the next step of a sale at a till is due; business time."""
    return from_epoch_ms(item.due_at_ms) if item.due_at_ms is not None else None


def wait(item: AuthorizationItem, since: datetime) -> tuple[Pending, ...]:
    """Set when a sale at a till goes on by itself; what that tells. Of other authorizations, nothing.

    Args:
        item: In its new state; is changed.
        since: Business instant of the change.
    """
    value = to_value(item)
    due = till.due_at(value.status, since) if item.terminal and value.suspension is None else None
    item.due_at_ms = epoch_ms(due) if due else None
    return (Pending(till.DUE_EVENT),) if due else ()


def _released(release: Release, event: str, **note: str) -> Change:
    return Change(release.authorization, (Pending(event, note or None),), release.released_minor)


def _change(
    authorization_id: str, merchant_id: str, call: Call, decide: Callable[[AuthorizationItem, datetime], Change]
) -> tuple[AuthorizationItem, bool]:
    """Load, decide, commit once; begin again when somebody was faster."""
    box, command = container(), call.command()
    for attempt in range(TRIES):
        item = load_own(authorization_id, merchant_id, consistent=attempt > 0)
        if is_replay(item.commands, command):
            return item, True
        now = box.clock.now()
        change = decide(item, now)
        item.commands = remember(item.commands, command)
        try:
            commit(box.tables, plan_authorization_change(item, change, now, call.request_id))
        except ConditionFailedError:
            continue
        return item, False
    raise ConditionFailedError


def void_authorization(authorization_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Give back all that is not captured."""
    item, replayed = _change(
        authorization_id,
        call.who.id,
        call,
        lambda item, _now: _released(rules.void(to_value(item), reason="merchant"), "authorization.voided"),
    )
    return shown(item), replayed


def extend_authorization(authorization_id: str, days: int | None, call: Call) -> tuple[dict[str, Any], bool]:
    """Prolong the life once, up to what the scenario allows.

    Args:
        authorization_id: The merchant's own.
        days: By how many; by one more life of the scenario, if None.
        call: Its command is remembered.
    """

    def decide(item: AuthorizationItem, now: datetime) -> Change:
        row = SCENARIOS[item.category]
        most = row.max_life - row.life
        by = min(row.life, most) if days is None else timedelta(days=days)
        return Change(rules.extend(to_value(item), by, most, now), (Pending("authorization.extended"),))

    item, replayed = _change(authorization_id, call.who.id, call, decide)
    return shown(item), replayed


def tick(authorization_id: str, request_id: str) -> tuple[datetime | None, int]:
    """What the clock does with an authorization: say that its end is near, then end it; early or twice without effect.

    Returns:
        When to look again, None when it has ended; and the version that says so.
    """
    box = container()
    item = load(authorization_id, consistent=True)
    value, now = to_value(item), box.clock.now()
    change = None
    if value.status not in rules.FINAL and value.suspension is None and now >= value.expires_at:
        change = _released(rules.expire(value, now), "authorization.expired")
    elif warned := rules.warn(value, now):
        change = Change(warned, (Pending("authorization.expiring"),))
    if change is None:
        return rules.next_look(value), value.version
    commit(box.tables, plan_authorization_change(item, change, now, request_id))
    return rules.next_look(change.after), change.after.version


def authorizations_between(merchant_id: str, since: datetime, until: datetime) -> Iterator[AuthorizationItem]:
    """A merchant's authorizations created in [since, until), newest first; read a page at a time.

    Args:
        merchant_id: `mer_…`.
        since: Business time, aware.
        until: Likewise.
    """
    tables, start = container().tables, None
    pk = row_key(merchant_id, 0, "").pk
    between = Path("sk").between(f"{epoch_ms(since):013d}", f"{epoch_ms(until):013d}")
    while True:
        rows, start = tables.query(AuthorizationRow, pk, limit=_PAGE, sort=between, forward=False, start=start)
        found = tables.batch_get([(AuthorizationItem, row.sk.partition("#")[2], keys.SELF) for row in rows])
        yield from (item for item in found if isinstance(item, AuthorizationItem))
        if start is None:
            return


def plan_suspension(
    item: AuthorizationItem, case_id: str, until_at: datetime, now: datetime, request_id: str
) -> WriteSet:
    """Stop captures while the case is open.

    Raises:
        AuthorizationStateError: Nothing left to stop.
    """
    after = rules.suspend(to_value(item), case_id, until_at, now)
    change = Change(after, (Pending("authorization.suspended", {"case_id": case_id}),))
    return plan_authorization_change(item, change, now, request_id)


def _approved(item: AuthorizationItem, value: Authorization, now: datetime) -> Change:
    """What a person's yes makes of a held authorization; at a till the phone may have to say yes as well."""
    if item.code is not None and till.CodeEvidence.unpack(item.code).confirm:
        after = rules.await_confirmation(value)
        return Change(after, (Pending("authorization.awaiting_confirmation"),))
    return Change(rules.approve_held(value, now), (Pending("authorization.approved"),))


@dataclass(frozen=True, slots=True)
class CaseDecision:
    """What a closed case does to one authorization; nothing is written yet.

    Args:
        writes: The authorization's next state.
        line: What that moves on its line: several orders of one customer are one change of the line.
    """

    writes: WriteSet = field(default_factory=WriteSet)
    line: LineChange = NO_CHANGE


def plan_case_decision(item: AuthorizationItem, *, approve: bool, now: datetime, request_id: str) -> CaseDecision:
    """What a closed case does to an authorization that waits for it: held or suspended, approved or not.

    An authorization that has ended meanwhile (voided by its merchant, expired) is left as it is. At a till nobody waits
    longer than a minute: after that an approval is for the case's own sake.
    """
    value = to_value(item)
    approve = approve and not till.is_over(value, due_of(item), now)
    if value.status is rules.Status.HELD:
        change = (
            _approved(item, value, now)
            if approve
            else _released(rules.decline_held(value, "risk"), "authorization.declined")
        )
    elif value.suspension is not None:
        change = (
            Change(rules.resume(value, now), (Pending("authorization.resumed"),))
            if approve
            else _released(rules.void(value, reason="risk"), "authorization.voided", reason="risk")
        )
    else:
        return CaseDecision()
    alone = plan_authorization_change(item, replace(change, released_minor=0), now, request_id)
    return CaseDecision(alone, -hold(change.released_minor) if change.released_minor else NO_CHANGE)
