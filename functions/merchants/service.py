"""Use cases of merchants: create, read, list, change, and what other slices may ask about one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from functions.core.clock import epoch_ms
from functions.core.errors import NotFoundError
from functions.core.ids import derived_id, require_id
from functions.core.money import require_currency
from functions.customers.details import require_country, require_zone
from functions.merchants import api_keys, store
from functions.merchants.api_keys import NewKey
from functions.merchants.keyring import MerchantKeysItem
from functions.merchants.kyb import from_json as kyb_of
from functions.merchants.kyb import require_passed
from functions.merchants.merchant import LIVE, PENDING, SUSPENDED, Merchant, next_status
from functions.merchants.schemas import MerchantChange, MerchantRequest
from functions.merchants.store import MerchantItem, MerchantRow, as_merchant
from functions.platform.container import Container, container
from functions.platform.credentials import MERCHANT_SCOPES
from functions.platform.crypto import Sealer
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call, Command
from functions.platform.web.pagination import page_limit, seal, unseal

CACHED_S: Final = 30.0
"""How long a container trusts what it has read; the calls that move money read the status itself."""
_CACHED: Final = 1000


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """A merchant in the only moment its first key is known.

    Args:
        replayed: Whether it is the same one again.
    """

    merchant: Merchant
    key: NewKey
    replayed: bool


def create_merchant_with_key(
    body: MerchantRequest, command: Command, *, request_id: str, status: str = PENDING
) -> NewMerchant:
    """Take a merchant on and make its first API key, with every scope.

    Args:
        body: What it is and may do.
        command: Its scope derives the merchant's id and its key, so the same command makes the same ones.
        request_id: The request that caused it.
        status: Seeding begins at "live".

    Raises:
        IdempotencyKeyReusedError: The command came with another body.
    """
    box = container()
    _require_known(body.zone, dict(body.max_amount_minor), body.country)
    merchant_id = derived_id(store.PREFIX, box.secrets.key("ids"), command.scope)
    with suppress(NotFoundError):
        return _replayed(merchant_id, command)
    item = _new_item(box, merchant_id, body, command, status)
    item.tell(box.clock.now(), request_id, Pending("merchant.created"))
    key, plan = api_keys.plan_first_key(merchant_id, MERCHANT_SCOPES, command, request_id)
    try:
        commit(box.tables, store.plan_new(item), plan)
    except ConditionFailedError:
        return _replayed(merchant_id, command)
    return NewMerchant(as_merchant(item, MerchantKeysItem()), key, replayed=False)


def _replayed(merchant_id: str, command: Command) -> NewMerchant:
    item, ring = load(merchant_id)
    same_body(item.body, command)
    return NewMerchant(as_merchant(item, ring), api_keys.key_of_command(item.pk, command), replayed=True)


def _new_item(box: Container, merchant_id: str, body: MerchantRequest, command: Command, status: str) -> MerchantItem:
    now_ms = epoch_ms(box.clock.now())
    item = MerchantItem(
        pk=merchant_id,
        name=body.name,
        country=body.country,
        zone=body.zone,
        limits=store.pack_limits(dict(body.max_amount_minor)),
        categories=" ".join(dict.fromkeys(body.categories)),
        status=status,
        cutoff=body.cutoff,
        payout_mode=body.payout_mode,
        key=command.key,
        body=command.body,
        created_at_ms=now_ms,
        live_at_ms=now_ms if status == LIVE else None,
    )
    if body.payout_account or body.contact_email:
        key, item.wrapped_key = box.key_wrapper.new_key(merchant_id)
        sealer = Sealer(merchant_id, key)
        if body.payout_account:
            item.payout_account = sealer.seal("payout_account", body.payout_account.model_dump(exclude_none=True))
            item.payout_last4 = body.payout_account.number[-4:]
        if body.contact_email:
            item.contact = sealer.seal("contact", body.contact_email)
    return item


def _require_known(zone: str, limits: dict[str, int], country: str) -> None:
    require_country(country)
    require_zone(zone)
    for currency in limits:
        require_currency(currency)


def get_merchant(merchant_id: str) -> Merchant:
    """A merchant, at most 30 seconds old.

    Raises:
        NotFoundError: There is none.
    """
    cached = _seen.get(merchant_id)
    if cached is not None and time.monotonic() - cached[0] < CACHED_S:
        return cached[1]
    found = as_merchant(*load(merchant_id))
    if len(_seen) >= _CACHED:
        _seen.clear()
    _seen[merchant_id] = (time.monotonic(), found)
    return found


def read_merchant(merchant_id: str) -> tuple[Merchant, str | None]:
    """A merchant as it is now, and the last four characters of its payout account.

    Raises:
        NotFoundError: There is none.
    """
    item, ring = load(merchant_id)
    return as_merchant(item, ring), item.payout_last4


def payout_account_of(merchant_id: str) -> dict[str, Any] | None:
    """Where a merchant is paid, in clear: holder, number and bank_code; None if it has not said so.

    Raises:
        NotFoundError: There is none.
        UnavailableError: The key service does not answer.
    """
    account: dict[str, Any] | None = _opened(merchant_id, "payout_account")
    return account


def contact_of(merchant_id: str) -> str | None:
    """The merchant's e-mail address for notices, None if it has not given one.

    Raises:
        NotFoundError: There is none.
        UnavailableError: The key service does not answer.
    """
    address: str | None = _opened(merchant_id, "contact")
    return address


def _opened(merchant_id: str, field: str) -> Any:  # noqa: ANN401  any JSON value
    item, _ = load(merchant_id)
    sealed = getattr(item, field)
    if sealed is None or item.wrapped_key is None:
        return None
    return Sealer(item.pk, container().key_wrapper.open_key(item.pk, item.wrapped_key)).open(field, sealed)


def list_merchants(call: Call) -> tuple[list[tuple[Merchant, str | None]], str | None]:
    """A page of merchants, newest first, and the cursor of the next."""
    box, pk = container(), store.merchants_list()
    secret = box.secrets.key("cursors")
    rows, last = box.tables.query(
        MerchantRow,
        pk,
        limit=page_limit(call.query),
        forward=False,
        start=unseal(secret, pk, call.query.get("cursor")),
    )
    ids = [row.sk.partition("#")[2] for row in rows]
    items = box.tables.batch_get([(MerchantItem, one, keys.SELF) for one in ids])
    rings = box.tables.batch_get([(MerchantKeysItem, keys.merchant_keys(one), keys.SELF) for one in ids])
    for item in items:
        if item:
            store.promote(item, box.clock.now())
    found = [(as_merchant(item, ring), item.payout_last4) for item, ring in zip(items, rings, strict=True) if item]
    return found, seal(secret, pk, last)


def merchant_ids(most: int) -> list[str]:
    """Ids of merchants, newest first, at most so many."""
    rows, _ = container().tables.query(MerchantRow, store.merchants_list(), limit=most, forward=False)
    return [row.sk.partition("#")[2] for row in rows]


def change_status(merchant_id: str, status: str, reason: str, call: Call) -> tuple[Merchant, bool]:
    """Let a merchant sell, stop it, or close it.

    Raises:
        StatusChangeRefusedError: Not from its present status.
        KybNotPassedError: The register does not vouch for the business.
    """
    box, command = container(), call.command()
    item, ring = load(merchant_id)
    if is_replay(item.commands, command):
        return as_merchant(item, ring), True
    after = next_status(item.status, status)
    if after == LIVE:
        require_passed(kyb_of(item.kyb), is_live=box.settings.is_live)
        item.live_at_ms = item.live_at_ms or epoch_ms(box.clock.now())
    item.status = after
    item.commands = remember(item.commands, command)
    tell_change(box, item, reason, call, Pending("merchant.status_changed"))
    commit(box.tables, store.plan_status(item, item.version - 1))
    _seen.pop(merchant_id, None)
    return as_merchant(item, ring), False


def plan_suspended(merchant_id: str, *, reason: str, by: str, request_id: str) -> WriteSet:
    """Stop a live merchant from selling, as part of another use case; nothing where it does not sell.

    Args:
        merchant_id: `mer_…`.
        reason: A stable code.
        by: Who decided it.
        request_id: Of the command that caused it.

    Raises:
        NotFoundError: There is none.
    """
    box = container()
    item, _ = load(merchant_id)
    if item.status != LIVE:
        return WriteSet()
    item.status, item.version = next_status(item.status, SUSPENDED), item.version + 1
    item.reason, item.changed_by = reason, by
    item.tell(box.clock.now(), request_id, Pending("merchant.status_changed"))
    return store.plan_status(item, item.version - 1)


def change_merchant(merchant_id: str, body: MerchantChange, call: Call) -> Merchant:
    """Change what a merchant is or may do; saying the same again changes nothing."""
    box = container()
    item, ring = load(merchant_id)
    limits = dict(body.max_amount_minor) if body.max_amount_minor else None
    _require_known(body.zone or item.zone, limits or {}, item.country)
    wanted = {
        "name": body.name,
        "zone": body.zone,
        "limits": store.pack_limits(limits) if limits else None,
        "categories": " ".join(dict.fromkeys(body.categories)) if body.categories else None,
        "cutoff": body.cutoff,
        "payout_mode": body.payout_mode,
    }
    changed = [field for field, value in wanted.items() if value is not None and value != getattr(item, field)]
    if changed:
        for field in changed:
            setattr(item, field, wanted[field])
        tell_change(box, item, body.reason, call, Pending("merchant.changed", {"changed": changed}))
        commit(box.tables, store.plan_change(item, item.version - 1))
        _seen.pop(merchant_id, None)
    return as_merchant(item, ring)


def tell_change(box: Container, item: MerchantItem, reason: str, call: Call, event: Pending) -> None:
    """The item's next version, with who changed it, why, and what is told of it."""
    item.version += 1
    item.reason, item.changed_by = reason, call.who.id
    item.tell(box.clock.now(), call.request_id, event)


def load(merchant_id: str) -> tuple[MerchantItem, MerchantKeysItem]:
    """A merchant and its key generation as they are now.

    Raises:
        NotFoundError: There is none.
    """
    item, ring = container().tables.batch_get(
        [
            (MerchantItem, require_id(store.PREFIX, merchant_id), keys.SELF),
            (MerchantKeysItem, keys.merchant_keys(merchant_id), keys.SELF),
        ],
        consistent=True,
    )
    if item is None or ring is None:
        raise NotFoundError
    store.promote(item, container().clock.now())
    return item, ring


_seen: dict[str, tuple[float, Merchant]] = {}


def forget_one(merchant_id: str) -> None:
    """Drop what this container remembers of a merchant that has changed."""
    _seen.pop(merchant_id, None)


def forget() -> None:
    """Drop the cache: after a SnapStart restore, and between tests."""
    _seen.clear()
