"""Passkeys as items beside their customer, and the notes that a challenge has been used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.core.errors import ConflictError
from functions.core.ids import ID_BYTES, id_text
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import Delete, Put, Update, WriteSet, create, replace

PREFIX: Final = "pky"
MOST: Final = 10
_READ: Final = 100
KEPT_REMOVED: Final = timedelta(days=400)


class PasskeyKnownError(ConflictError):
    code, title = "passkey_known", "This passkey is registered already"


class UsedBeforeError(Exception):
    """The challenge was answered before, or the counter has moved meanwhile."""


class PasskeyItem(State):
    """One passkey of a customer; 400 bytes as a rule, at most 2 KiB."""

    status = UnicodeAttribute(attr_name="s", default="active")
    credential = BinaryAttribute(legacy_encoding=False, attr_name="cr")
    public_key = BinaryAttribute(legacy_encoding=False, attr_name="ky", null=True)
    counter = IntegerAttribute(attr_name="n", default=0)
    name = UnicodeAttribute(attr_name="nm", null=True)
    model = UnicodeAttribute(attr_name="ag", null=True)
    backed_up = IntegerAttribute(attr_name="bu", default=0)
    created_at_ms = IntegerAttribute(attr_name="t")
    used_at_ms = IntegerAttribute(attr_name="lu", null=True)
    ttl = IntegerAttribute(attr_name="ttl", null=True)

    @property
    def passkey_id(self) -> str:
        """`pky_…`."""
        return self.sk.removeprefix(keys.PASSKEYS)


class UsedChallengeItem(Item):
    """A challenge that has been answered; TTL removes it when it is too old to be answered again."""

    ttl = IntegerAttribute(attr_name="ttl")


def passkey_id(credential: bytes) -> str:
    """The public id of a credential."""
    return id_text(PREFIX, hashlib.sha256(credential).digest()[:ID_BYTES])


def passkeys_of(tables: Tables, customer_id: str, *, removed: bool = False) -> list[PasskeyItem]:
    """A customer's passkeys, oldest first."""
    items, _ = tables.query(
        PasskeyItem, customer_id, limit=_READ, sort=Path("sk").startswith(keys.PASSKEYS), consistent=True
    )
    return sorted((i for i in items if removed or i.status == "active"), key=lambda i: (i.created_at_ms, i.sk))


def plan_passkey(item: PasskeyItem) -> WriteSet:
    """A new passkey, or one that was removed and is registered again.

    Raises (at commit):
        PasskeyKnownError: It is registered.
    """
    free = Path("pk").does_not_exist() | (Path("s") == "removed")
    return WriteSet.of(Put(item, free, _known))


def _known(_: RawItem | None) -> Exception:
    return PasskeyKnownError()


def plan_removal(item: PasskeyItem) -> WriteSet:
    """The end of a passkey: its key goes, what remains says that there was one.

    Raises (at commit):
        ConditionFailedError: It changed meanwhile.
    """
    seen = item.version
    item.version, item.status, item.public_key = seen + 1, "removed", None
    return WriteSet.of(replace(item, seen))


def plan_signed_in(item: PasskeyItem, count: int, challenge: bytes, now: datetime, forget_at: datetime) -> WriteSet:
    """A sign-in with a passkey, once per challenge.

    Args:
        item: As read.
        count: The authenticator's counter now.
        challenge: That it answered.
        now: Wall time.
        forget_at: When the challenge is too old anyway.

    Raises (at commit):
        UsedBeforeError: The challenge, or the counter.
    """
    used = UsedChallengeItem(
        pk=keys.challenge_used(hashlib.sha256(challenge).hexdigest()), ttl=int(forget_at.timestamp())
    )
    return WriteSet.of(
        create(used, _used),
        Update(
            PasskeyItem,
            item.pk,
            item.sk,
            (Path("n").set(count), Path("lu").set(epoch_ms(now))),
            (Path("s") == "active") & (Path("n") == item.counter),
            _used,
        ),
    )


def _used(_: RawItem | None) -> Exception:
    return UsedBeforeError()


def plan_use(customer_id: str, public_id: str, count: int, at_ms: int) -> WriteSet:
    """Note a use that was judged elsewhere; the counter never falls.

    Args:
        customer_id: Whose.
        public_id: `pky_…`.
        count: The authenticator's counter; 0 where it keeps none.
        at_ms: Wall time, of the use.

    Raises (at commit):
        UsedBeforeError: A later use is noted, or the passkey is gone.
    """
    later = (Path("n") < count) | ((Path("n") == count) & (Path("lu").does_not_exist() | (Path("lu") < at_ms)))
    return WriteSet.of(
        Update(
            PasskeyItem,
            customer_id,
            keys.passkey(public_id),
            (Path("n").set(count), Path("lu").set(at_ms)),
            (Path("s") == "active") & later,
            _used,
        )
    )


def plan_forget(customer_id: str, items: Iterable[PasskeyItem]) -> WriteSet:
    """Remove every passkey of somebody who is forgotten."""
    return WriteSet.of(*(Delete(PasskeyItem, customer_id, item.sk) for item in items))
