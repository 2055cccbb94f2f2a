"""What the one read of the hot path finds: the order's own attempts, the key's state, the line and its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.credit.lines.store import LineItem
from functions.merchants.keyring import MerchantKeysItem
from functions.payments.authorization import DEAD
from functions.payments.store import MAX_ATTEMPTS, AuthorizationItem, first_attempts, state_of
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import Item
from functions.risk.counting.store import TerminalItem
from functions.risk.store import ProfileItem

ATTEMPTS_READ: Final = 2


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose line and history count.

    Args:
        alias: Of the line.
        terminal: See `Intent.terminal`.
    """

    alias: int
    terminal: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What the one read found."""

    attempts: Sequence[AuthorizationItem]
    line: LineItem | None
    profile: ProfileItem | None
    terminal: TerminalItem | None
    keyring: MerchantKeysItem | None
    also: tuple[Item | None, ...] = ()


def read_situation(
    merchant_id: str,
    reference: str,
    payer: Payer | None,
    *,
    consistent: bool,
    first: int = ATTEMPTS_READ,
    also: Sequence[tuple[Any, str, str]] = (),
) -> Situation:
    """One BatchGet: own item, line, profile, terminal, key generation; further attempts only after dead ones.

    Args:
        merchant_id: Whose order.
        reference: The order's own number.
        payer: Whose line and history count, if that is known.
        consistent: Whether a moment's staleness would matter.
        first: How many attempts are read at once.
        also: Further items to read with them: model, partition and sort key.
    """
    box = container()
    secret = box.secrets.key("ids")
    ids = first_attempts(secret, merchant_id, reference, first)
    wanted: list[tuple[Any, str, str]] = [(AuthorizationItem, i, keys.SELF) for i in ids]
    wanted += [(MerchantKeysItem, keys.merchant_keys(merchant_id), keys.SELF), *also]
    if payer is not None:
        wanted += [(LineItem, keys.line(payer.alias), keys.SELF), (ProfileItem, keys.profile(payer.alias), keys.SELF)]
        wanted.append((TerminalItem, keys.terminal(payer.terminal), keys.SELF))
    found = box.tables.batch_get(wanted, consistent=consistent)
    attempts = [item for item in found[:first] if isinstance(item, AuthorizationItem)]
    if len(attempts) == first and state_of(attempts[-1]) in DEAD:
        rest = first_attempts(secret, merchant_id, reference, MAX_ATTEMPTS, first + 1)
        later = box.tables.batch_get([(AuthorizationItem, i, keys.SELF) for i in rest], consistent=True)
        attempts += [item for item in later if isinstance(item, AuthorizationItem)]
    stored_keys = found[first]
    line, profile, terminal = found[-3:] if payer is not None else (None, None, None)
    return Situation(
        attempts=attempts,
        line=line if isinstance(line, LineItem) else None,
        profile=profile if isinstance(profile, ProfileItem) else None,
        terminal=terminal if isinstance(terminal, TerminalItem) else None,
        keyring=stored_keys if isinstance(stored_keys, MerchantKeysItem) else None,
        also=tuple(found[first + 1 : first + 1 + len(also)]),
    )
