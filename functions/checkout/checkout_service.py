"""Use cases of checkouts: create, read, list, cancel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from functions.checkout.checkout_store import CheckoutItem, CheckoutRow, OrderItem, plan_change, plan_new, row_key
from functions.checkout.order import CheckoutStateError, OrderLine, require_allowed, require_sum
from functions.checkout.parties import parties_told
from functions.checkout.schemas import CheckoutRequest
from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import NotFoundError
from functions.core.ids import derived_id, id_bytes, require_id
from functions.core.money import require_currency
from functions.merchants.service import get_merchant
from functions.payments.scenario import USUAL_COURSE, Course
from functions.platform.container import container
from functions.platform.crypto import Sealer
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page

LIFETIME = timedelta(hours=24)
KEPT_UNCONFIRMED = timedelta(days=30)
"""After its expiry: then what was ordered goes, and with its key the address."""


def state_of(item: CheckoutItem) -> str:
    """Its status now: an open one whose time is over is expired, whether or not anybody has been here."""
    expired = item.status == "open" and item.expires_at_ms <= epoch_ms(container().clock.now())
    return "expired" if expired else item.status


def present_state(item: CheckoutItem) -> dict[str, Any]:
    """The checkout without what was ordered: as events tell it."""
    return {
        "id": item.pk,
        "object": "checkout",
        "status": state_of(item),
        "version": item.version,
        "url": f"{container().settings.public_url}/checkout/{item.pk}",
        "reference": item.reference,
        "amount_minor": item.amount,
        "currency": item.currency,
        "category": item.category,
        "channel": item.channel,
        "authorization_id": item.authorization_id,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
        "expires_at": isoformat(from_epoch_ms(item.expires_at_ms)),
    }


def present(item: CheckoutItem, order: OrderItem | None) -> dict[str, Any]:
    """The checkout as its merchant sees it."""
    return present_state(item) | {
        "lines": (order.lines if order else None) or [],
        "shipping_minor": order.shipping_minor if order else 0,
        "return_url": order.return_url if order else None,
    }


def create_checkout(body: CheckoutRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Put an order before the shopper.

    Returns:
        The checkout, and whether it is the same one again.

    Raises:
        LinesDoNotAddUpError, ScenarioNotAllowedError: Before anything is written.
        IdempotencyKeyReusedError: The key came with another order.
    """
    box, command = container(), call.command()
    merchant_id = call.who.id
    require_currency(body.currency)
    get_merchant(merchant_id).require_sells(body.currency, body.category, body.amount_minor)
    require_allowed(body.category, body.currency, Course(body.education.beneficiary, body.education.programme))
    require_sum(
        body.amount_minor,
        [OrderLine(line.name, line.quantity, line.unit_amount_minor) for line in body.lines],
        body.shipping.amount_minor if body.shipping else 0,
    )
    now = box.clock.now()
    checkout_id = derived_id("chk", box.secrets.key("ids"), command.scope)
    item = CheckoutItem(
        pk=checkout_id,
        merchant=id_bytes(merchant_id),
        reference=body.reference,
        amount=body.amount_minor,
        currency=body.currency,
        category=body.category,
        channel=body.channel,
        created_at_ms=epoch_ms(now),
        expires_at_ms=epoch_ms(now + LIFETIME),
        key=command.key,
        body=command.body,
        programme=body.education.programme if body.education.programme != USUAL_COURSE.programme else None,
        parties=parties_told(address=body.shipping.address if body.shipping else None).pack(),
    )
    order = _order(checkout_id, body, box.clock.wall())
    item.tell(now, call.request_id, Pending("checkout.created"))
    try:
        commit(box.tables, plan_new(item, order, ConditionFailedError))
    except ConditionFailedError as error:
        stored = CheckoutItem.from_raw_data(dict(error.item or {}))
        same_body(stored.body, command)
        return present(*load(checkout_id)), True
    return present(item, order), False


def _order(checkout_id: str, body: CheckoutRequest, wall: datetime) -> OrderItem:
    order = OrderItem(
        pk=checkout_id,
        sk=keys.ORDER,
        lines=[line.model_dump(exclude_none=True) for line in body.lines] or None,
        shipping_minor=body.shipping.amount_minor if body.shipping else 0,
        return_url=body.return_url,
        language=body.language,
        ttl=int((wall + LIFETIME + KEPT_UNCONFIRMED).timestamp()),
    )
    if body.shipping and body.shipping.address:
        key, order.wrapped_key = container().key_wrapper.new_key(checkout_id)
        order.address = Sealer(checkout_id, key).seal("address", body.shipping.address.model_dump(exclude_none=True))
    return order


def load(checkout_id: str) -> tuple[CheckoutItem, OrderItem | None]:
    """A checkout and what was ordered, whoever's it is; one request.

    Raises:
        NotFoundError: Not there.
    """
    require_id("chk", checkout_id)
    item, order = container().tables.batch_get(
        [(CheckoutItem, checkout_id, keys.SELF), (OrderItem, checkout_id, keys.ORDER)]
    )
    if not isinstance(item, CheckoutItem):
        raise NotFoundError
    return item, order if isinstance(order, OrderItem) else None


def read_checkout(checkout_id: str, merchant_id: str) -> tuple[CheckoutItem, OrderItem | None]:
    """A merchant's own checkout.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    item, order = load(checkout_id)
    if item.merchant_id != merchant_id:
        raise NotFoundError
    return item, order


def list_checkouts(call: Call) -> dict[str, Any]:
    """A merchant's checkouts, newest first."""
    items, cursor = listed(call, row_key(call.who.id, 0, "")[0], CheckoutRow, CheckoutItem)
    orders = container().tables.batch_get([(OrderItem, item.pk, keys.ORDER) for item in items])
    both = [(item, order if isinstance(order, OrderItem) else None) for item, order in zip(items, orders, strict=True)]
    return page(both, cursor, lambda pair: present(*pair))


def cancel_checkout(checkout_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Take an open order back.

    Raises:
        CheckoutStateError: Confirmed or expired already.
    """
    box, command = container(), call.command()
    item, order = read_checkout(checkout_id, call.who.id)
    if is_replay(item.commands, command):
        return present(item, order), True
    state = state_of(item)
    if state != "open":
        raise CheckoutStateError(f"the checkout is {state}", current_status=state)
    seen = item.version
    item.version, item.status, item.shown = seen + 1, "cancelled", None
    item.commands = remember(item.commands, command)
    item.tell(box.clock.now(), call.request_id, Pending("checkout.cancelled"))
    commit(box.tables, plan_change(item, seen))
    return present(item, order), False


def tick(checkout_id: str, request_id: str) -> tuple[datetime | None, int]:
    """What the clock does with a checkout: end it when its life is over; early or twice without effect.

    Returns:
        When to look again, None when it is not open any more; and the version that says so.
    """
    box = container()
    item: CheckoutItem | None = box.tables.get(CheckoutItem, checkout_id, consistent=True)
    if item is None:
        return None, 0
    if item.status != "open":
        return None, item.version
    now, expires_at = box.clock.now(), from_epoch_ms(item.expires_at_ms)
    if now < expires_at:
        return expires_at, item.version
    seen = item.version
    item.version, item.status = seen + 1, "expired"
    item.tell(now, request_id, Pending("checkout.expired"))
    commit(box.tables, plan_change(item, seen))
    return None, item.version
