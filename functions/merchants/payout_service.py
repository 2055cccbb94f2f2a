"""Use cases of a merchant's payout account: propose another, approve it, cancel it, tell the old contact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from functions.core.clock import local_date
from functions.core.errors import NotFoundError
from functions.merchants import payout_change as rules
from functions.merchants import store
from functions.merchants.payout_change import PayoutChange
from functions.merchants.schemas import PayoutAccountChange
from functions.merchants.service import contact_of, forget_one, load, tell_change
from functions.merchants.store import MerchantItem
from functions.messaging.message import EMAIL, Fact, Letter, Route, Subject, Suppress, Verdict
from functions.messaging.service import AlreadyRequestedError, deliver, id_of, request_message
from functions.platform.container import container
from functions.platform.crypto import Sealer
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call

CHANGING: Final = "merchant.payout_account_changing"
TOPIC: Final = "merchant_notice"
TEMPLATE: Final = "payout_account_changing"


def propose_account(merchant_id: str, body: PayoutAccountChange, call: Call) -> bool:
    """Propose another payout account; a change that waits is replaced.

    Returns:
        Whether the command was done before.
    """

    def propose(item: MerchantItem, now: datetime) -> Pending:
        box = container()
        if item.wrapped_key:
            key = box.key_wrapper.open_key(item.pk, item.wrapped_key)
        else:
            key, item.wrapped_key = box.key_wrapper.new_key(item.pk)
        # sealed under the name it will have, so that its day needs no key
        account = body.account.model_dump(exclude_none=True)
        item.payout_next = Sealer(item.pk, key).seal("payout_account", account)
        item.payout_change = rules.to_json(PayoutChange(body.account.number[-4:], call.who.id, now))
        return Pending("merchant.payout_account_proposed")

    return _change(merchant_id, body.reason, call, propose)


def approve_account(merchant_id: str, reason: str, call: Call) -> bool:
    """Approve the proposed account as the second person; the old contact is told, and it is paid to after 48 hours.

    Raises:
        NoPayoutChangeError: None waits.
        SamePersonError: Who proposed it can't approve it.
    """

    def approve(item: MerchantItem, now: datetime) -> Pending:
        item.payout_change = rules.to_json(rules.approve(rules.from_json(item.payout_change), call.who.id, now))
        return Pending(CHANGING)

    return _change(merchant_id, reason, call, approve)


def cancel_account(merchant_id: str, reason: str, call: Call) -> bool:
    """Keep the account there is.

    Raises:
        NoPayoutChangeError: Nothing to cancel, or in force already.
    """

    def cancel(item: MerchantItem, _now: datetime) -> Pending:
        rules.require_waiting(rules.from_json(item.payout_change))
        item.payout_change = item.payout_next = None
        return Pending("merchant.payout_account_kept")

    return _change(merchant_id, reason, call, cancel)


def _change(merchant_id: str, reason: str, call: Call, decide: Callable[[MerchantItem, datetime], Pending]) -> bool:
    box, command = container(), call.command()
    item, _ = load(merchant_id)
    if is_replay(item.commands, command):
        return True
    event = decide(item, box.clock.now())
    item.commands = remember(item.commands, command)
    tell_change(box, item, reason, call, event)
    commit(box.tables, store.plan_change(item, item.version - 1))
    forget_one(merchant_id)
    return False


def notify(event: Mapping[str, Any]) -> None:
    """Tell the merchant's contact of an account that is about to change; may be called again with the same event."""
    merchant_id, step = event["object_id"], str(event["sequence"])
    with suppress(AlreadyRequestedError):
        asked = request_message(TOPIC, None, merchant_id, step=step, at=container().clock.now())
        commit(container().tables, asked)
    deliver(id_of(TOPIC, merchant_id, 0, step), resolve)


def resolve(subject: Subject) -> Verdict:
    """Whether the notice still has its reason, and to whom it goes; decided when it is sent.

    Raises:
        UnavailableError: Storage or key service did not answer.
    """
    try:
        item, _ = load(subject.about)
    except NotFoundError:
        return Suppress("merchant_gone")
    change, contact = rules.from_json(item.payout_change), contact_of(subject.about)
    if change is None or change.effective_at is None:
        return Suppress("cancelled")
    if contact is None:
        return Suppress("no_address")
    facts: dict[str, Fact] = {
        "merchant": item.name,
        "last4": change.last4,
        "effective_on": local_date(change.effective_at, item.zone),
        "hours": int(rules.HOLD.total_seconds()) // 3600,
    }
    return Letter(TEMPLATE, "zh" if item.country == "CN" else "en", facts, (Route(EMAIL, contact),))
