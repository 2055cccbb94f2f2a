"""The ledger's items, all in the append-only table (docs/ledger.md has the table of them).

An entry lies with its owner and is never touched again. The log beside it is a leaf per entry, a page per append with
the hashes that the appended leaves completed, and one head: the only item that is ever written over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.core.errors import ConflictError, WhitenoteError
from functions.core.ids import ID_BYTES, derived_id, id_bytes, id_text
from functions.ledger.accounts import Scope
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_bytes, entry_from_bytes
from functions.ledger.entries import Entry
from functions.ledger.merkle import HASH_BYTES, Frontier, Node, leaf_hash
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import OnConflict, Put, WriteSet, create, exists_already

LOG = 0
"""Number of the log. More logs may be opened beside it, each with a head of its own (docs/ledger.md, Scale)."""

APPEND_LIMIT = 40


def place(number: int) -> str:
    """A leaf index or size as a sort key."""
    return f"{number:012d}"


class EntryItem(Item):
    """One transaction with all its legs, in its canonical bytes."""

    ledger: ClassVar[bool] = True
    data = BinaryAttribute(legacy_encoding=False, attr_name="b")


class LeafItem(Item):
    """That an entry is in the log, and where; its key is the entry's id, so that it is logged once."""

    ledger: ClassVar[bool] = True
    index = IntegerAttribute(attr_name="i")
    hash = BinaryAttribute(legacy_encoding=False, attr_name="h")
    home = UnicodeAttribute(attr_name="o")


class PageItem(Item):
    """What one append added: entry ids, and per leaf the hashes of the subtrees it completed, itself first."""

    ledger: ClassVar[bool] = True
    ids = BinaryAttribute(legacy_encoding=False, attr_name="e")
    hashes = BinaryAttribute(legacy_encoding=False, attr_name="h")

    @property
    def first(self) -> int:
        return int(self.sk)

    def entry_ids(self) -> list[str]:
        raw: bytes = self.ids
        return [id_text("txn", raw[at : at + ID_BYTES]) for at in range(0, len(raw), ID_BYTES)]

    def nodes(self) -> dict[Node, bytes]:
        """Every complete subtree that this append finished."""
        raw: bytes = self.hashes
        out: dict[Node, bytes] = {}
        at = 0
        for index in range(self.first, self.first + len(self.ids) // ID_BYTES):
            count = ((index + 1) & -(index + 1)).bit_length()
            for level in range(count):
                out[Node(level, ((index + 1) >> level) - 1)] = raw[at : at + HASH_BYTES]
                at += HASH_BYTES
        return out


class HeadItem(Item):
    """A log's size, right edge and trial balance; the one item that is written over, on condition of its size."""

    ledger: ClassVar[bool] = True
    size = IntegerAttribute(attr_name="n")
    frontier = BinaryAttribute(legacy_encoding=False, attr_name="f")
    totals = UnicodeAttribute(attr_name="tt")
    at_ms = IntegerAttribute(attr_name="t")


class CheckpointItem(Item):
    """A signed checkpoint and where its copy lies under Object Lock."""

    ledger: ClassVar[bool] = True
    note = BinaryAttribute(legacy_encoding=False, attr_name="nt")
    object_key = UnicodeAttribute(attr_name="ok")
    at_ms = IntegerAttribute(attr_name="t")

    @property
    def size(self) -> int:
        return int(self.sk)


class PeriodItem(Item):
    """A closed month: the log's size and trial balance when it was closed, and what was set aside."""

    ledger: ClassVar[bool] = True
    closed_at_ms = IntegerAttribute(attr_name="t")
    closed_by = UnicodeAttribute(attr_name="by")
    command = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    size = IntegerAttribute(attr_name="n")
    totals = UnicodeAttribute(attr_name="tt")
    allowance = UnicodeAttribute(attr_name="al")
    reason = UnicodeAttribute(attr_name="re")


class HeadMovedError(ConflictError):
    code, title = "head_moved", "Another append came first"


class AlreadyLoggedError(ConflictError):
    code, title = "already_logged", "The entry is in the log"


class LedgerDamagedError(WhitenoteError):
    code, title = "ledger_damaged", "The ledger holds what we did not write; run the verifier"


@dataclass(frozen=True, slots=True)
class Head:
    """A log as of its last append."""

    frontier: Frontier
    totals: Totals
    at_ms: int = 0

    @property
    def size(self) -> int:
        return self.frontier.size


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that may not be in the log yet: its id, whose it is, and its stored bytes as they are."""

    entry_id: str
    home: str
    data: bytes


def entry_id(secret: bytes, object_id: str, version: int) -> str:
    """The id of the entry that explains one version of one object, the same at every retry.

    Args:
        secret: Key of ids.
        object_id: Main object of the entry, as in `Entry.explains[0]`.
        version: The version that the write gives it.
    """
    return derived_id("txn", secret, object_id, version)


def home_of(entry: Entry) -> str:
    """Whose partition an entry lies in: its customer's, else its merchant's, else the house's."""
    for scope in (Scope.CUSTOMER, Scope.MERCHANT):
        for posting in entry.postings:
            for ref in (posting.debit, posting.credit):
                if ref.account.scope is scope and ref.owner:
                    return ref.owner
    return keys.HOUSE


def plan_put(entry: Entry, on_conflict: OnConflict = exists_already, home: str | None = None) -> WriteSet:
    """Write an entry that must be new."""
    return WriteSet.of(create(EntryItem(pk=home or home_of(entry), sk=entry.id, data=entry_bytes(entry)), on_conflict))


def waiting_of(image: RawItem | None) -> Waiting | None:
    """The entry in a stream image, or None for the log's own items."""
    if image is None or "b" not in image or not image["sk"]["S"].startswith("txn_"):
        return None
    return Waiting(image["sk"]["S"], image["pk"]["S"], image["b"]["B"])


def read_head(tables: Tables, log: int = LOG) -> Head:
    """The head, consistently; of a log that has not begun, an empty one.

    Raises:
        LedgerDamagedError: What stands there is not a head that we wrote.
    """
    item = tables.get(HeadItem, keys.log_key(log), consistent=True)
    if item is None:
        return Head(Frontier(), Totals())
    try:
        head = Head(Frontier.from_bytes(item.frontier), Totals.from_dict(json.loads(item.totals)), item.at_ms)
    except (TypeError, ValueError, WhitenoteError) as error:
        raise LedgerDamagedError(f"the head of log {log} can't be read: {error}") from None
    if head.size != item.size:
        raise LedgerDamagedError(f"the head of log {log} counts {item.size} leaves over an edge of {head.size}")
    return head


def room(head: Head) -> int:
    """How many entries the next append may take: a page never crosses into another partition."""
    return min(APPEND_LIMIT, (1 << keys.RANGE_BITS) - head.size % (1 << keys.RANGE_BITS))


def plan_append(head: Head, batch: Sequence[Waiting], at: datetime, log: int = LOG) -> WriteSet:
    """Append entries to the log: the head, a page, and one leaf per entry; the entries themselves stay untouched.

    Args:
        head: As read.
        batch: At most `room(head)` entries, none of which is in the log.
        at: Wall time.
        log: Number of the log.
    """
    frontier, totals = head.frontier, head.totals + Totals()
    hashes: list[bytes] = []
    leaves: list[LeafItem] = []
    for waiting in batch:
        hashed = leaf_hash(waiting.data)
        leaves.append(
            LeafItem(pk=waiting.entry_id, sk=keys.LEAF, index=frontier.size, hash=bytes(hashed), home=waiting.home)
        )
        frontier, completed = frontier.append(hashed)
        hashes += completed
        _count(totals, waiting.data)
    page = PageItem(
        pk=keys.pages_key(head.size, log),
        sk=place(head.size),
        ids=b"".join(id_bytes(waiting.entry_id) for waiting in batch),
        hashes=b"".join(hashes),
    )
    item = HeadItem(
        pk=keys.log_key(log),
        size=frontier.size,
        frontier=frontier.to_bytes(),
        totals=json.dumps(totals.to_dict(), separators=(",", ":")),
        at_ms=epoch_ms(at),
    )
    unmoved = Path("n") == head.size if head.size else Path("pk").does_not_exist()
    return WriteSet.of(
        Put(item, unmoved, lambda _: HeadMovedError()),
        create(page, lambda _: HeadMovedError()),
        *(create(leaf, lambda _: AlreadyLoggedError()) for leaf in leaves),
    )


def _count(totals: Totals, data: bytes) -> None:
    """What is no entry is logged all the same, and counts nothing: the verifier will name it."""
    try:
        totals.post(entry_from_bytes(data))
    except WhitenoteError:
        return


def logged(tables: Tables, entry_ids: Iterable[str]) -> dict[str, LeafItem]:
    """The leaves of those of these entries that are in the log, consistently."""
    wanted = list(dict.fromkeys(entry_ids))
    out: dict[str, LeafItem] = {}
    for start in range(0, len(wanted), 100):
        found = tables.batch_get([(LeafItem, name, keys.LEAF) for name in wanted[start : start + 100]], consistent=True)
        out |= {item.pk: item for item in found if isinstance(item, LeafItem)}
    return out


def read_nodes(tables: Tables, nodes: Iterable[Node], log: int = LOG) -> dict[Node, bytes]:
    """Hashes of complete subtrees, one request per page that holds any: for a proof, a logarithm of the log."""
    missing = set(nodes)
    out: dict[Node, bytes] = {}
    while missing:
        last = max(node.last_leaf for node in missing)
        found, _ = tables.query(
            PageItem, keys.pages_key(last, log), sort=Path("sk") <= place(last), limit=1, forward=False, consistent=True
        )
        held = found[0].nodes() if found else {}
        covered = {node for node in missing if node in held}
        if not covered:
            raise LedgerDamagedError(f"the page with leaf {last} of log {log} is missing")
        out |= {node: held[node] for node in covered}
        missing -= covered
    return out


def pages_from(tables: Tables, start: int, end: int, log: int = LOG) -> Iterable[PageItem]:
    """The pages of the leaves start … end − 1, in order; the first may begin earlier, the last end later."""
    at = start
    while at < end:
        found, _ = tables.query(
            PageItem, keys.pages_key(at, log), sort=Path("sk") <= place(at), limit=1, forward=False, consistent=True
        )
        if not found:
            raise LedgerDamagedError(f"the page with leaf {at} of log {log} is missing")
        yield found[0]
        following = found[0].first + len(found[0].entry_ids())
        if following <= at:
            raise LedgerDamagedError(f"no page holds leaf {at} of log {log}")
        at = following


def last_checkpoint(tables: Tables, log: int = LOG) -> CheckpointItem | None:
    """The newest checkpoint."""
    found, _ = tables.query(CheckpointItem, keys.checkpoints_key(log), limit=1, forward=False, consistent=True)
    return found[0] if found else None


def checkpoint_covering(tables: Tables, index: int, log: int = LOG) -> CheckpointItem | None:
    """The oldest checkpoint that vouches for a leaf."""
    found, _ = tables.query(CheckpointItem, keys.checkpoints_key(log), sort=Path("sk") > place(index), limit=1)
    return found[0] if found else None


def last_period(tables: Tables) -> PeriodItem | None:
    """The month closed last."""
    found, _ = tables.query(PeriodItem, keys.PERIODS, limit=1, forward=False, consistent=True)
    return found[0] if found else None


def read_entries(tables: Tables, leaves: Sequence[LeafItem]) -> list[EntryItem | None]:
    """The entry items of these leaves, in their order; None for one that is gone."""
    out: list[EntryItem | None] = []
    for start in range(0, len(leaves), 100):
        wanted = [(EntryItem, leaf.home, leaf.pk) for leaf in leaves[start : start + 100]]
        out += [item if isinstance(item, EntryItem) else None for item in tables.batch_get(wanted)]
    return out
