"""What people do with a line: adjust, confirm, freeze, lift, grant a temporary limit.

A cut is done at once. A raise needs the customer's consent and an income that carries it; over the threshold it waits
for a second person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from functions.core.clock import epoch_ms, isoformat, parse_instant
from functions.core.errors import ConflictError, InvalidError, UnavailableError
from functions.credit.limits import carries
from functions.credit.lines.store import LineItem
from functions.credit.policies.policy import load_policy
from functions.credit.two_people import NothingProposedError, require_second
from functions.credit.upkeep.facts import line_facts
from functions.credit.upkeep.moves import by_hand, plan_limit_change, remember_change, set_timer
from functions.credit.upkeep.reading import line_of, present_to_staff
from functions.credit.upkeep.store import LimitFileItem, load_file, plan_file
from functions.credit.upkeep.values import LimitChange
from functions.customers.consents import LIMIT_INCREASE
from functions.customers.customer import Customer
from functions.customers.service import get_customer
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call

_TRIES = 4
_LONGEST_FREEZE = timedelta(days=730)


class LineStateError(ConflictError):
    """Carries `current_status`."""

    code, title = "line_state", "The line is not in a state that allows this"


class LimitUnchangedError(InvalidError):
    code, title = "limit_unchanged", "That is the limit already"


class LimitBelowCommittedError(InvalidError):
    """Carries `committed_minor`, the least there may be."""

    code, title = "limit_below_committed", "A limit can't go under what is held and outstanding"


class RaiseNotAgreedError(ConflictError):
    code, title = "raise_not_agreed", "The customer has not agreed to limit raises"


class IncomeDoesNotCarryError(ConflictError):
    code, title = "income_does_not_carry", "Income does not carry this limit"


class FreezeEndError(InvalidError):
    code, title = "freeze_end", "A freeze ends after now, and within two years"


@dataclass(frozen=True, slots=True)
class OnLine:
    """A customer's line at hand, for one try.

    Args:
        customer: Whose.
        line: Read consistently.
        file: Read consistently; the writer raises its version.
        seen: Version of the file as read.
    """

    customer: Customer
    line: LineItem
    file: LimitFileItem
    seen: int

    def plan(self, change: LimitChange, request_id: str, reason: str = "", until: datetime | None = None) -> WriteSet:
        """Line, record and file together.

        Args:
            change: What is done.
            request_id: Of what caused it.
            reason: A person's words.
            until: When a freeze ends by itself.
        """
        remember_change(self.file, change)
        self.file.thaw_ms = epoch_ms(until) if change.freezes and until else None
        set_timer(self.file, self.customer.zone)
        return plan_limit_change(
            self.line, change, request_id=request_id, reason=reason, frozen_until=until
        ) + plan_file(self.file, self.seen)


Act = Callable[[OnLine], WriteSet]


def change_file(customer_id: str, currency: str, act: Callable[[LimitFileItem], bool]) -> None:
    """Change what is known of a line, without touching the line; again where somebody was faster.

    Args:
        customer_id: Whose line.
        currency: Which.
        act: Changes the file; False if there is nothing to change.

    Raises:
        NotFoundError: There was never a line.
        UnavailableError: The file changed at every try.
    """
    for _ in range(_TRIES):
        file = load_file(customer_id, currency)
        if not act(file):
            return
        seen, file.version, file.outbox = file.version, file.version + 1, None
        try:
            commit(container().tables, plan_file(file, seen))
        except ConditionFailedError:
            continue
        return
    raise UnavailableError("the line is busy", retry_after_s=1)


def on_line(customer_id: str, currency: str | None, call: Call, act: Act) -> tuple[dict[str, Any], bool]:
    """Run a command on a line once: load, decide, commit; again where a purchase or a review came between.

    Args:
        customer_id: Whose line.
        currency: Which; None: the only one.
        call: The command; its replay answers with the line as it is.
        act: Decides and plans.

    Returns:
        The line as staff see it, and whether the command was done before.

    Raises:
        NotFoundError: No such customer or line.
    """
    command, box = call.command(), container()
    for _ in range(_TRIES):
        customer = get_customer(customer_id)
        line = line_of(customer, currency, consistent=True)
        file = load_file(customer.id, line.currency)
        if is_replay(file.commands, command):
            return present_to_staff(customer, line, file), True
        seen, file.version = file.version, file.version + 1
        file.outbox, file.commands = None, remember(file.commands, command)
        try:
            commit(box.tables, act(OnLine(customer, line, file, seen)))
        except ConditionFailedError:
            continue
        after = line_of(customer, line.currency, consistent=True)
        return present_to_staff(customer, after, file), False
    raise UnavailableError("the line is busy", retry_after_s=1)


def adjust(customer_id: str, currency: str, limit_minor: int, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Set the base limit: a cut at once, a raise with consent and, over the threshold, as a proposal."""

    def act(at: OnLine) -> WriteSet:
        base = at.file.base_minor(at.line.limit)
        if limit_minor == base:
            raise LimitUnchangedError
        if limit_minor < base:
            return at.plan(_cut(at, limit_minor, call.who.id), call.request_id, reason)
        change = _raised(at, limit_minor, call.who.id)
        if not load_policy().needs_second_person(at.line.currency, limit_minor - base):
            at.file.proposal = None
            return at.plan(change, call.request_id, reason)
        now = container().clock.now()
        ends = now + timedelta(days=load_policy().people.proposal_days)
        at.file.proposal = {
            "limit_minor": limit_minor,
            "reason": reason,
            "by": call.who.id,
            "proposed_at": isoformat(now),
            "expires_at": isoformat(ends),
        }
        count("limit_raise_proposed")
        return plan_file(at.file, at.seen)

    return on_line(customer_id, currency, call, act)


def confirm(customer_id: str, currency: str, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Carry out a proposed raise as the second person; everything is judged again.

    Raises:
        NothingProposedError: Nothing waits, or it waited too long.
        SamePersonError: The proposal's own author.
    """

    def act(at: OnLine) -> WriteSet:
        proposal = at.file.proposal
        if proposal is None or parse_instant(proposal["expires_at"]) <= container().clock.now():
            raise NothingProposedError
        require_second(proposal["by"], call.who.id)
        change = replace(
            _raised(at, proposal["limit_minor"], f"{proposal['by']} {call.who.id}"),
            observed={"proposed_because": proposal["reason"]},
        )
        at.file.proposal = None
        return at.plan(change, call.request_id, reason)

    return on_line(customer_id, currency, call, act)


def freeze(
    customer_id: str, currency: str, reason: str, until: datetime | None, call: Call
) -> tuple[dict[str, Any], bool]:
    """Freeze a line, until someone lifts it or until an instant."""

    def act(at: OnLine) -> WriteSet:
        _require(at.line, "active")
        if until is not None and not _within(until):
            raise FreezeEndError
        return at.plan(by_hand_on(at, "staff_freeze", call.who.id), call.request_id, reason, until)

    return on_line(customer_id, currency, call, act)


def _within(until: datetime) -> bool:
    now = container().clock.now()
    return now < until <= now + _LONGEST_FREEZE


def freeze_own(customer_id: str, currency: str | None, call: Call) -> tuple[dict[str, Any], bool]:
    """A customer freezes the own line, for example after losing the phone."""

    def act(at: OnLine) -> WriteSet:
        _require(at.line, "active")
        return at.plan(by_hand_on(at, "customer_freeze", "customer"), call.request_id)

    return on_line(customer_id, currency, call, act)


def lift(customer_id: str, currency: str, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """End a freeze."""

    def act(at: OnLine) -> WriteSet:
        _require(at.line, "frozen")
        change = by_hand(at.line, "lift", "staff_lift", call.who.id, extra_minor=at.file.extra or 0)
        return at.plan(replace(change, temporary=at.file.temporary), call.request_id, reason)

    return on_line(customer_id, currency, call, act)


def by_hand_on(at: OnLine, code: str, by: str) -> LimitChange:
    """A freeze of a line at hand; a temporary limit stays what it is."""
    change = by_hand(at.line, "freeze", code, by, extra_minor=at.file.extra or 0)
    return replace(change, temporary=at.file.temporary)


def _require(line: LineItem, status: str) -> None:
    if line.status != status:
        raise LineStateError(f"the line is {line.status}", current_status=line.status)


def _cut(at: OnLine, limit_minor: int, by: str) -> LimitChange:
    committed = at.line.held + at.line.outstanding
    after = limit_minor + (at.file.extra or 0)
    if after < committed:
        raise LimitBelowCommittedError(f"{committed} is held or owed", committed_minor=committed)
    return _with_temporary(at, by_hand(at.line, "cut", "staff_cut", by, after_minor=after))


def _raised(at: OnLine, limit_minor: int, by: str) -> LimitChange:
    """A raise by a person, if the customer agreed and income carries it at the line's own grade."""
    _require(at.line, "active")
    if not at.customer.has_consented(LIMIT_INCREASE):
        raise RaiseNotAgreedError
    facts = line_facts(at.customer, at.line, at.file, bureau_worse=False)
    if not carries(facts, at.line.grade, limit_minor, load_policy()):
        raise IncomeDoesNotCarryError
    after = limit_minor + (at.file.extra or 0)
    return _with_temporary(at, by_hand(at.line, "raise", "staff_raise", by, after_minor=after))


def _with_temporary(at: OnLine, change: LimitChange) -> LimitChange:
    extra = at.file.extra or 0
    return replace(change, temporary=at.file.temporary, base_limit_minor=change.after_minor - extra)
