"""Use cases of unmatched receipts: list them, say whose one is.

An assigned receipt becomes a repayment like any other, of the day on which the money came. In the books the receipt is
taken back and the repayment received in the same transaction, so that nothing later has to know where it came from.
"""

from __future__ import annotations

from typing import Any, Final

from functions.core.clock import from_epoch_ms, isoformat, local_date
from functions.core.errors import ConflictError, NotFoundError, UnavailableError
from functions.core.ids import derived_id, require_id
from functions.customers.service import get_customer
from functions.lending.plans.drawing import oldest_first
from functions.lending.plans.service import open_plan_ids
from functions.platform.container import container
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call, Command
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.servicing.ports import RailStatus, RailWord
from functions.servicing.rail_service import UNMATCHED, plan_receipt
from functions.servicing.receipts.schemas import AssignRequest
from functions.servicing.repayment import DUE, Status, Wish, require_possible
from functions.servicing.repayment_service import Found, plan_word, read
from functions.servicing.repayment_store import ASSIGNED, ReceiptItem, ReceiptRow, new_item, receipts_key

_TRIES: Final = 5


class ReceiptStateError(ConflictError):
    code, title = "receipt_state", "The receipt is not waiting for anybody any more"


def list_receipts(call: Call) -> dict[str, Any]:
    """All receipts, newest first."""
    found, cursor = listed(call, receipts_key(), ReceiptRow, ReceiptItem)
    return page(found, cursor, present_receipt)


def read_receipt(name: str) -> dict[str, Any]:
    """One receipt.

    Raises:
        NotFoundError: There is none.
    """
    return present_receipt(_loaded(name))


def _loaded(name: str) -> ReceiptItem:
    item: ReceiptItem | None = container().tables.get(ReceiptItem, require_id("rcpt", name), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def assign_receipt(name: str, body: AssignRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Say whose money a receipt is; it pays what is due, of the day on which it came, and the rest is credit balance.

    Returns:
        The receipt with its repayment, and whether it was this very command before.

    Raises:
        NotFoundError: No such receipt, customer, or plan of theirs.
        ReceiptStateError: Assigned or taken back already; carries where it stands.
        NothingToRepayError: The customer has no line in this currency, or the plan named is not open.
    """
    box, command = container(), call.command()
    for _ in range(_TRIES):
        item = _loaded(name)
        if is_replay(item.commands, command):
            return present_receipt(item), True
        if item.status != UNMATCHED:
            raise ReceiptStateError(f"it is {item.status}", current_status=item.status)
        repayment = derived_id("rep", box.secrets.key("ids"), item.pk)
        found, wish = _wish(repayment, item, body, command)
        said = RailWord(repayment, item.provider, RailStatus.CONFIRMED, item.amount, item.currency)
        paid = new_item(repayment, wish, said)
        money = plan_word(paid, Status.RECEIVED, said, found.plans, call.request_id)
        item.commands = remember(item.commands, command)
        item.assign(body.customer_id, repayment, call.who.id, body.reason)
        try:
            commit(box.tables, plan_receipt(box, item, ASSIGNED), *money)
        except ConditionFailedError:
            continue
        return present_receipt(item), False
    raise UnavailableError("the plans are busy", retry_after_s=1)


def _wish(repayment: str, item: ReceiptItem, body: AssignRequest, command: Command) -> tuple[Found, Wish]:
    customer = get_customer(require_id("cus", body.customer_id))
    wanted = [body.plan_id] if body.plan_id else open_plan_ids(customer.id, item.currency)
    found = read(repayment, [require_id("plan", each) for each in wanted], consistent=True)
    came_at = from_epoch_ms(item.created_at_ms)
    wish = Wish(
        customer_id=customer.id,
        amount_minor=item.amount,
        currency=item.currency,
        intent=DUE,
        plan_id=body.plan_id,
        mode="",
        value_on=local_date(came_at, customer.zone),
        asked_at=came_at,
        plan_ids=tuple([plan.id for plan in oldest_first([each.plan() for each in found.plans])]),
        key=command.key,
        body=command.body,
    )
    # who has paid everything may have paid twice: that is their credit, where there is a line
    if wish.plan_id or wish.plan_ids or item.currency not in customer.aliases:
        require_possible(wish, [each.plan() for each in found.plans])
    return found, wish


def present_receipt(item: ReceiptItem) -> dict[str, Any]:
    """A receipt as staff see it."""
    return {
        "id": item.pk,
        "object": "unmatched_receipt",
        "status": item.status,
        "version": item.version,
        "amount_minor": item.amount,
        "currency": item.currency,
        "provider_reference": item.provider,
        "reference": item.reference,
        "received_at": isoformat(from_epoch_ms(item.created_at_ms)),
        "customer_id": item.customer_id,
        "repayment_id": item.repayment_id,
        "assigned_by": item.assigned_by,
        "reason": item.reason,
    }
