"""Use case of onboarding: ask the register about a business, and keep what it says."""

from __future__ import annotations

from functions.merchants import kyb, store
from functions.merchants.ports import BusinessRegister, RegisterAnswer, RegisterTimeoutError
from functions.merchants.schemas import KybRequest
from functions.merchants.service import forget_one, load, tell_change
from functions.merchants.store import MerchantItem
from functions.platform.container import container
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call


def check_business(merchant_id: str, body: KybRequest, call: Call) -> bool:
    """Ask the register, and keep the answer in the place of the one before.

    Returns:
        Whether the command was done before.

    Raises:
        NotFoundError: There is no such merchant.
    """
    box, command = container(), call.command()
    item, _ = load(merchant_id)
    if is_replay(item.commands, command):
        return True
    found = kyb.judge(body.registration_number, _asked(item, body.registration_number), box.clock.now())
    item.kyb = kyb.to_json(found)
    item.commands = remember(item.commands, command)
    tell_change(box, item, body.reason, call, Pending("merchant.kyb_checked", {"kyb": found.status}))
    commit(box.tables, store.plan_change(item, item.version - 1))
    forget_one(merchant_id)
    return False


def _asked(item: MerchantItem, number: str) -> RegisterAnswer | None:
    register: BusinessRegister = container().port("business_register")
    try:
        return register.look_up(item.country, number, item.name)
    except RegisterTimeoutError:
        return None
