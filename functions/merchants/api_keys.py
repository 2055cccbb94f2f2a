"""Use cases of a merchant's API keys: create, list, rotate, revoke.

A key is derived from the command that makes it, so a retry within ten minutes shows the same one; after that nobody can
show it again, because only its hash is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import (
    ConflictError,
    FieldError,
    InsufficientScopeError,
    InvalidError,
    NotFoundError,
    WhitenoteError,
)
from functions.core.ids import keyed_hash, require_id
from functions.merchants.keyring import MerchantKeysItem
from functions.merchants.merchant import CLOSED, MerchantNotLiveError
from functions.merchants.store import KeyEntryItem, plan_expiry, plan_key, plan_revocation
from functions.platform.container import Container, container
from functions.platform.credentials import MERCHANT_SCOPES, ApiKey, api_key, key_hash, key_item
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call, Command

MOST_KEYS: Final = 10
SHOWN_AGAIN: Final = timedelta(minutes=10)
_ENTROPY_BYTES: Final = 24
_HINT = 4
_LISTED: Final = 100


class TooManyKeysError(ConflictError):
    code, title = "too_many_keys", "The merchant has as many keys as it may have"


class KeyNotLiveError(ConflictError):
    code, title = "key_not_live", "The key was rotated or revoked"


class LastKeyError(ConflictError):
    code, title = "last_key", "The last key can only be rotated"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its maker sees it.

    Args:
        secret: The key itself, or None where it may not be shown any more.
        replayed: Whether it is the same one again.
    """

    entry: KeyEntryItem
    secret: str | None = field(repr=False)
    replayed: bool


def ring_of(merchant_id: str) -> MerchantKeysItem:
    """Generation of a merchant's keys, and its status.

    Raises:
        NotFoundError: No such merchant.
    """
    ring: MerchantKeysItem | None = container().tables.get(
        MerchantKeysItem, keys.merchant_keys(merchant_id), consistent=True
    )
    if ring is None:
        raise NotFoundError
    return ring


def list_keys(merchant_id: str) -> list[KeyEntryItem]:
    """All keys of a merchant, the revoked ones too, in the order of their making."""
    entries, _ = container().tables.query(
        KeyEntryItem,
        merchant_id,
        sort=Path("sk").startswith(keys.KEY_ENTRIES),
        limit=_LISTED,
        consistent=True,
    )
    return sorted(entries, key=lambda entry: (entry.created_at_ms, entry.sk))


def plan_first_key(
    merchant_id: str, scopes: Sequence[str], command: Command, request_id: str
) -> tuple[NewKey, WriteSet]:
    """The first key of a merchant that is being created."""
    return _plan(merchant_id, scopes, command=command, request_id=request_id)


def key_of_command(merchant_id: str, command: Command) -> NewKey:
    """The key that a command has made, with its secret for as long as that may be shown.

    Raises:
        NotFoundError: The command has made none.
    """
    made = _made_by(merchant_id, command)
    if made is None:
        raise NotFoundError
    return made


def create_key(merchant_id: str, name: str | None, scopes: Sequence[str], call: Call) -> NewKey:
    """Make another key.

    Args:
        merchant_id: Whose.
        name: For people.
        scopes: What it may do; a merchant gives no more than the calling key has.
        call: For its command and its caller.

    Raises:
        InvalidError: A scope that does not exist.
        InsufficientScopeError: A scope that the caller lacks.
        TooManyKeysError: There are ten that are good.
        MerchantNotLiveError: The merchant is closed.
    """
    box, command = container(), call.command()
    made = _made_by(merchant_id, command)
    if made is not None:
        return made
    _require_scopes(scopes, call)
    ring = ring_of(merchant_id)
    if ring.status == CLOSED:
        raise MerchantNotLiveError(current_status=CLOSED)
    try:
        _require_room(list_keys(merchant_id), box.clock.wall())
    except TooManyKeysError as refusal:
        return _made_meanwhile(merchant_id, command, refusal)
    key, plan = _plan(
        merchant_id,
        scopes,
        name=name,
        keys_version=ring.keys_version,
        command=command,
        request_id=call.request_id,
    )
    return _committed(merchant_id, key, plan, command)


def _made_meanwhile(merchant_id: str, command: Command, refusal: WhitenoteError) -> NewKey:
    """What refuses this copy of a command may be what another copy of it has just done.

    Raises:
        WhitenoteError: The refusal, if it is not.
    """
    made = _made_by(merchant_id, command)
    if made is None:
        raise refusal
    return made


def rotate_key(merchant_id: str, key_id: str, overlap: timedelta, call: Call) -> NewKey:
    """Replace a key by a new one with the same scopes; the old one stays good for the overlap.

    Raises:
        NotFoundError: Not a key of this merchant.
        KeyNotLiveError: Rotated or revoked before.
    """
    box, command = container(), call.command()
    made = _made_by(merchant_id, command)
    if made is not None:
        return made
    entries, ring = list_keys(merchant_id), ring_of(merchant_id)
    old = _find(entries, key_id)
    now = box.clock.wall()
    if old.status(now) != "live":
        return _made_meanwhile(merchant_id, command, KeyNotLiveError(current_status=old.status(now)))
    old.successor = _key(box, command).id
    if overlap:
        seen = _next_version(box, old, call, "api_key.rotated")
        old.expires_at_ms = epoch_ms(now + overlap)
        retired = plan_expiry(old, seen)
    else:
        retired = _plan_end(box, old, entries, ring, call)
    key, plan = _plan(
        merchant_id,
        old.scopes.split(),
        name=old.name,
        keys_version=ring.keys_version,
        command=command,
        request_id=call.request_id,
    )
    return _committed(merchant_id, key, plan + retired, command)


def revoke_key(merchant_id: str, key_id: str, call: Call) -> KeyEntryItem:
    """End a key now; ending it again changes nothing.

    Raises:
        NotFoundError: Not a key of this merchant.
        LastKeyError: It is the only one that is good; it can only be rotated (without overlap, if it leaked).
    """
    box = container()
    entries, ring = list_keys(merchant_id), ring_of(merchant_id)
    entry = _find(entries, key_id)
    now = box.clock.wall()
    if entry.status(now) == "revoked":
        return entry
    if not any(other.status(now) == "live" for other in entries if other is not entry):
        raise LastKeyError
    commit(box.tables, _plan_end(box, entry, entries, ring, call))
    return entry


def _plan_end(
    box: Container, entry: KeyEntryItem, entries: Sequence[KeyEntryItem], ring: MerchantKeysItem, call: Call
) -> WriteSet:
    now = box.clock.wall()
    seen = _next_version(box, entry, call, "api_key.revoked")
    entry.revoked_at_ms = epoch_ms(now)
    ring.revoke(entry.key_id)
    others = [other for other in entries if other is not entry and other.status(now) in {"live", "expiring"}]
    return plan_revocation(entry, seen, ring, others)


def _next_version(box: Container, entry: KeyEntryItem, call: Call, event: str) -> int:
    seen = entry.version
    entry.version = seen + 1
    entry.tell(box.clock.now(), call.request_id, Pending(event))
    return seen


def _find(entries: Sequence[KeyEntryItem], key_id: str) -> KeyEntryItem:
    require_id("key", key_id)
    found = next((entry for entry in entries if entry.key_id == key_id), None)
    if found is None:
        raise NotFoundError
    return found


def _require_scopes(scopes: Sequence[str], call: Call) -> None:
    unknown = [scope for scope in scopes if scope not in MERCHANT_SCOPES]
    if unknown:
        raise InvalidError(
            f"no such scope: {', '.join(unknown)}",
            errors=(FieldError("/scopes", "not_allowed", f"among {', '.join(MERCHANT_SCOPES)}"),),
        )
    if call.who.kind == "merchant" and not call.who.scopes.issuperset(scopes):
        raise InsufficientScopeError("a key can't give what it does not have")


def _require_room(entries: Sequence[KeyEntryItem], now: datetime) -> None:
    good = sum(entry.status(now) in {"live", "expiring"} for entry in entries)
    if good >= MOST_KEYS:
        raise TooManyKeysError(f"{good} keys are good; revoke one first")


def _key(box: Container, command: Command) -> ApiKey:
    entropy = keyed_hash(box.secrets.key("api-keys"), command.scope, size=_ENTROPY_BYTES)
    return api_key(live=box.settings.is_live, entropy=entropy)


def _plan(
    merchant_id: str,
    scopes: Sequence[str],
    *,
    name: str | None = None,
    keys_version: int = 1,
    command: Command,
    request_id: str,
) -> tuple[NewKey, WriteSet]:
    box = container()
    key, secret = _key(box, command), box.secrets.key("lookup")
    granted = tuple(scope for scope in MERCHANT_SCOPES if scope in scopes)
    entry = KeyEntryItem(
        pk=merchant_id,
        sk=keys.key_entry(key.id),
        name=name,
        scopes=" ".join(granted),
        hash=bytes.fromhex(key_hash(secret, key.text)),
        hint=key.text[-_HINT:],
        created_at_ms=epoch_ms(box.clock.wall()),
        key=command.key,
        body=command.body,
    )
    entry.tell(box.clock.now(), request_id, Pending("api_key.created"))
    judged = key_item(secret, key, merchant_id, granted, keys_version)
    return NewKey(entry, key.text, replayed=False), plan_key(judged, entry)


def _committed(merchant_id: str, key: NewKey, plan: WriteSet, command: Command) -> NewKey:
    try:
        commit(container().tables, plan)
    except ConditionFailedError:
        made = _made_by(merchant_id, command)
        if made is None:
            raise
        return made
    return key


def _made_by(merchant_id: str, command: Command) -> NewKey | None:
    box = container()
    key = _key(box, command)
    entry: KeyEntryItem | None = box.tables.get(KeyEntryItem, merchant_id, keys.key_entry(key.id), consistent=True)
    if entry is None:
        return None
    same_body(entry.body, command)
    recent = box.clock.wall() < from_epoch_ms(entry.created_at_ms) + SHOWN_AGAIN
    return NewKey(entry, key.text if recent and entry.revoked_at_ms is None else None, replayed=True)
