"""Forget a person: the key that opens their data is deleted, and with it all that was ever sealed under it.

What the law makes us keep names nobody: ledger entries, plans, agreements by their hash, and decisions without their
inputs stay under an id that leads to no one any more.
"""

from __future__ import annotations

from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, FieldError, NotFoundError, UnavailableError
from functions.credit.lines.service import get_lines, plan_close
from functions.credit.lines.store import LineItem
from functions.customers import service as customers
from functions.customers.customer import Customer
from functions.ledger.accounts import Account
from functions.ledger.service import owned_accounts
from functions.lending.plans.balance_store import owed_to
from functions.lending.plans.service import plan_states
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.context import Call
from functions.privacy import store
from functions.privacy.obligation import LineStanding, Obligation, obligations
from functions.servicing.autopay.instrument_service import plan_forgotten_accounts

_TRIES: Final = 5


class ErasureBlockedError(ConflictError):
    code, title = "erasure_blocked", "Something is not settled yet"


def erase(call: Call) -> dict[str, Any]:
    """Forget the customer who asks, now and for good; asked again, the same answer.

    Sessions end by themselves: nothing refreshes a token of somebody who is not there.

    Raises:
        ErasureBlockedError: Names everything that is not settled yet.
        NotFoundError: There is no such customer.
        UnavailableError: Their lines kept changing meanwhile; nothing was done.
    """
    customer_id = call.who.id
    for _ in range(_TRIES):
        done = store.tombstone_of(container().tables, customer_id)
        if done is not None:
            return _present(done)
        customer = customers.get_customer(customer_id)
        lines = get_lines(customer.aliases.values())
        _require_settled(customer, lines)
        try:
            commit(container().tables, *_forgetting(customer_id, lines, call))
        except ConditionFailedError:
            continue
        count("CustomerErased")
    raise UnavailableError("the customer's account is busy", retry_after_s=1)


def erase_again(customer_id: str) -> bool:
    """Forget somebody whom a restore brought back; whether there was anything to forget.

    Their lines are closed too, and what a restored plan may owe does not stand against it: it was settled when they
    were erased.
    """
    try:
        aliases = customers.get_customer(customer_id).aliases
    except NotFoundError:
        return False
    closing = [plan_close(line, request_id="restore", settled=False) for line in get_lines(aliases.values())]
    commit(
        container().tables,
        customers.plan_erasure(customer_id, "restore"),
        plan_forgotten_accounts(customer_id),
        *closing,
    )
    return True


def _require_settled(customer: Customer, lines: list[LineItem]) -> None:
    standing = [LineStanding(line.currency, line.held, line.outstanding) for line in lines]
    found = obligations(standing, plan_states(customer.id), owed_to(customer.id), _claims_on(customer.id))
    if found:
        raise ErasureBlockedError(
            "pay what is owed, wait for what is held, and have credit paid out first",
            errors=tuple(FieldError(each.about, each.code, _TEXTS[each.code]) for each in found),
        )


def _claims_on(customer_id: str) -> dict[str, int]:
    """What the customer's bank took back after it had been paid out to them. Currency → minor units."""
    return {
        balance["currency"]: balance["balance_minor"]
        for each in owned_accounts(customer_id)
        if each["account"] == Account.REPAYMENT_IN_TRANSIT.slug
        for balance in each["balances"]
    }


_TEXTS: Final = {
    "claim": "your bank took back money that had been paid out to you",
    "held": "an order is authorized and not captured",
    "outstanding": "the line is not paid back",
    "plan_open": "the plan is not paid off",
    "credit_balance": "money of yours has not been paid out",
}


def _forgetting(customer_id: str, lines: list[LineItem], call: Call) -> list[WriteSet]:
    now = container().clock.wall()
    return [
        customers.plan_erasure(customer_id, call.request_id),
        plan_forgotten_accounts(customer_id),
        *(plan_close(line, request_id=call.request_id) for line in lines),
        store.plan_tombstone(customer_id, epoch_ms(now), call.request_id),
    ]


def _present(item: store.TombstoneItem) -> dict[str, Any]:
    return {
        "object": "erasure",
        "customer_id": item.sk,
        "status": "erased",
        "erased_at": isoformat(from_epoch_ms(item.at_ms)),
        "kept": list(KEPT),
    }


KEPT: Final = ("ledger_entries", "plans", "agreement_hashes", "decision_outcomes")
"""What stays under the id, and names nobody."""

__all__ = ["KEPT", "ErasureBlockedError", "Obligation", "erase", "erase_again"]
