"""What a till, its customer and the clock do to a sale that is not captured yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from functions.payments import authorization as rules
from functions.payments import till
from functions.payments.service import Change, due_of, plan_authorization_change
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.container import container
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import WriteSet, commit
from functions.platform.web.commands import remember
from functions.platform.web.context import Command


def plan_confirmed(item: AuthorizationItem, now: datetime, request_id: str) -> WriteSet:
    """The customer's phone said yes: approved, and the reversal window begins.

    Raises:
        AuthorizationStateError: It does not wait for the phone.
    """
    after = rules.approve_held(to_value(item), now)
    return plan_authorization_change(item, Change(after, (Pending("authorization.approved"),)), now, request_id)


def plan_reversed(item: AuthorizationItem, now: datetime, request_id: str) -> WriteSet:
    """The shop undoes what is not captured.

    Raises:
        AuthorizationStateError: Nothing is left to release.
    """
    release = rules.void(to_value(item), reason="reversed")
    told = Pending("authorization.voided", {"reason": "reversed"})
    change = Change(release.authorization, (told,), release.released_minor)
    return plan_authorization_change(item, change, now, request_id)


def plan_given_back(item: AuthorizationItem, command: Command, now: datetime, request_id: str) -> WriteSet:
    """The shop's command to undo a captured sale is remembered once its captures are given back."""
    item.commands = remember(item.commands, command)
    value = to_value(item)
    return plan_authorization_change(item, Change(replace(value, version=value.version + 1), ()), now, request_id)


def end_wait(item: AuthorizationItem, now: datetime, request_id: str) -> bool:
    """Decline a sale for which nobody said a word in time, and release its hold.

    Returns:
        Whether it has ended now.

    Raises:
        ConditionFailedError: Somebody was faster.
    """
    value = to_value(item)
    if not till.is_over(value, due_of(item), now):
        return False
    release = rules.decline_held(value, till.DECLINE_CODES[value.status])
    change = Change(release.authorization, (Pending("authorization.declined"),), release.released_minor)
    commit(container().tables, plan_authorization_change(item, change, now, request_id))
    return True
