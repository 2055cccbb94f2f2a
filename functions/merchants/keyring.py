"""Which of a merchant's API keys are still good, told by the one small item that every call that moves money reads.

The authorizer's answer may be a minute old. It carries the generation of the keys at that time; the item carries the
generation now and which keys were revoked in the last ones. So a revoked key is refused at once, and the others are
not, although their answers are as old.
"""

from __future__ import annotations

from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.errors import UnauthorizedError
from functions.core.ids import ID_BYTES, id_bytes
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.web.context import Principal

REMEMBERED: Final = 16


class MerchantKeysItem(Item):
    """A merchant's status and the generation of its keys; at most 350 bytes. Found by `keys.merchant_keys`."""

    keys_version = IntegerAttribute(attr_name="kv", default=1)
    status = UnicodeAttribute(attr_name="st")
    revoked = BinaryAttribute(legacy_encoding=False, attr_name="rv", null=True)

    def revoke(self, key_id: str) -> None:
        """Begin the next generation, without this key."""
        self.keys_version += 1
        self.revoked = ((self.revoked or b"") + id_bytes(key_id))[-REMEMBERED * ID_BYTES :]


def require_current(who: Principal, item: MerchantKeysItem | None) -> None:
    """Refuse a key that was revoked since the authorizer judged it.

    Args:
        who: The merchant as judged.
        item: As read in the same request.

    Raises:
        UnauthorizedError: The key was revoked; or so many were since that this one's fate is not remembered.
    """
    if item is None:
        raise UnauthorizedError
    behind = item.keys_version - who.keys_version
    if behind <= 0:
        return
    revoked = item.revoked or b""
    since = {revoked[place : place + ID_BYTES] for place in range(0, len(revoked), ID_BYTES)[-behind:]}
    if behind > REMEMBERED or id_bytes(who.key_id) in since:
        raise UnauthorizedError
