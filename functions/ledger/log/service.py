"""The Merkle log's use cases: append what is new, sign the head, prove."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from functions.core.clock import epoch_ms, isoformat
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.ledger import store
from functions.ledger.encoding import ENTRY_VERSION
from functions.ledger.log.checkpoint import Checkpoint, key_id, parse_note, public_key_pem, sign_checkpoint
from functions.ledger.log.kms import KmsSigner
from functions.ledger.merkle import (
    EMPTY_ROOT,
    Node,
    OutsideLogError,
    consistency_cover,
    cover,
    fold,
    inclusion_cover,
    resolve,
)
from functions.ledger.store import LOG, AlreadyLoggedError, CheckpointItem, HeadMovedError, LeafItem, Waiting, place
from functions.platform.container import Container, container
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit, create

PATIENCE = 12
"""Appends in a row that may lose to another writer before the batch is handed back to the stream."""

LOCK_LIVE, LOCK_ELSEWHERE = timedelta(days=3650), timedelta(days=1)


def origin(box: Container, log: int = LOG) -> str:
    """The log's name, as its checkpoints carry it."""
    return f"whitenote-ledger/{box.settings.stage}/{log}"


def append_entries(waiting: Sequence[Waiting]) -> int:
    """Give each entry its place in the log, in order; those that have one already are passed over.

    Safe to repeat and to run beside another one: the head is written on condition of its size and each leaf on
    condition that it is new, in one transaction per 40 entries, so that an entry is logged once whatever happens.

    Returns:
        How many were logged by this call.

    Raises:
        UnavailableError: Other writers kept coming first, or the storage failed; what is logged stays logged.
    """
    box = container()
    pending = list({each.entry_id: each for each in waiting}.values())
    done = lost = 0
    while pending:
        head = store.read_head(box.tables)
        batch = pending[: store.room(head)]
        try:
            commit(box.tables, store.plan_append(head, batch, box.clock.wall()))
        except (HeadMovedError, AlreadyLoggedError):
            lost += 1
            if lost > PATIENCE:
                raise UnavailableError("the log is being written to", retry_after_s=1) from None
            found = store.logged(box.tables, [each.entry_id for each in pending])
            pending = [each for each in pending if each.entry_id not in found]
        else:
            done, lost = done + len(batch), 0
            pending = pending[len(batch) :]
    return done


def write_checkpoint() -> CheckpointItem | None:
    """Sign the head if it has grown, and keep the note and the new leaves under Object Lock.

    The objects are written before the item: a run that dies between the two leaves objects that nothing names, and
    the next run covers the same leaves again.

    Returns:
        The checkpoint, or None where there is nothing new.
    """
    box = container()
    head, last = store.read_head(box.tables), store.last_checkpoint(box.tables)
    start = last.size if last else 0
    if head.size == start:
        return None
    now = box.clock.wall()
    checkpoint = Checkpoint(origin(box), head.size, head.frontier.root(), now)
    note = sign_checkpoint(checkpoint, KmsSigner(box.client("kms"), box.settings.signing_key_id))
    name = f"{checkpoint.origin}/{place(head.size)}-{epoch_ms(now)}"
    _keep(box, f"{name}.leaves", _leaf_lines(box, start, head.size))
    _keep(box, f"{name}.checkpoint", note)
    item = CheckpointItem(
        pk=keys.checkpoints_key(), sk=place(head.size), note=note, object_key=f"{name}.checkpoint", at_ms=epoch_ms(now)
    )
    try:
        commit(box.tables, WriteSet.of(create(item)))
    except ConditionFailedError:
        return store.last_checkpoint(box.tables)  # another run signed the same size; both notes are true
    return item


def _leaf_lines(box: Container, start: int, end: int) -> bytes:
    """The leaves start … end − 1 as JSON lines: with them a verifier names a changed entry and not only its minute."""
    lines = []
    for page in store.pages_from(box.tables, start, end):
        nodes = page.nodes()
        for index, entry_id in enumerate(page.entry_ids(), start=page.first):
            if start <= index < end:
                leaf = {"index": index, "entry_id": entry_id, "hash": nodes[Node(0, index)].hex()}
                lines.append(json.dumps(leaf, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines).encode()


def _keep(box: Container, name: str, body: bytes) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    life = LOCK_LIVE if box.settings.is_live else LOCK_ELSEWHERE
    try:
        box.client("s3").put_object(
            Bucket=box.settings.checkpoint_bucket,
            Key=name,
            Body=body,
            ContentType="text/plain; charset=utf-8",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=box.clock.wall() + life,
        )
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("the checkpoint bucket did not answer", retry_after_s=5) from error


def prove_inclusion(entry_id: str, size: int | None = None) -> dict[str, Any]:
    """That an entry is in the log, in a form that anyone can check with the public key.

    Args:
        entry_id: `txn_…`.
        size: Against which size of the log; by default that of the first checkpoint that covers the entry, or the
            log's own where none does yet.

    Raises:
        NotFoundError: No such entry in the log.
        OutsideLogError: The log had no such leaf at that size.
    """
    tables = container().tables
    leaf = tables.get(LeafItem, require_id("txn", entry_id), keys.LEAF)
    if leaf is None:
        raise NotFoundError
    covering = store.checkpoint_covering(tables, leaf.index) if size is None else _checkpoint_of(size)
    if size is None:
        size = covering.size if covering else store.read_head(tables).size
    else:
        _require_size(size)
    covers = inclusion_cover(leaf.index, size)
    root = cover(0, size)
    nodes = store.read_nodes(tables, {node for each in (*covers, root) for node in each})
    [item] = store.read_entries(tables, [leaf])
    return {
        "entry_id": entry_id,
        "index": leaf.index,
        "size": size,
        "entry_version": ENTRY_VERSION,
        "entry_bytes": base64.b64encode(item.data).decode() if item else None,
        "leaf_hash": leaf.hash.hex(),
        "proof": [each.hex() for each in resolve(covers, nodes.__getitem__)],
        "root": fold([nodes[node] for node in root]).hex(),
        "checkpoint": covering.note.decode() if covering else None,
    }


def prove_consistency(old_size: int, new_size: int | None = None) -> dict[str, Any]:
    """That the log of `old_size` is a prefix of the log of `new_size` (by default of the log now).

    Raises:
        OutsideLogError: The log never had these sizes in this order.
    """
    tables = container().tables
    size = _require_size(new_size)
    covers = consistency_cover(old_size, size)
    roots = cover(0, old_size), cover(0, size)
    nodes = store.read_nodes(tables, {node for each in (*covers, *roots) for node in each})
    old, new = ([nodes[node] for node in each] for each in roots)
    return {
        "old_size": old_size,
        "new_size": size,
        "old_root": fold(old).hex() if old else EMPTY_ROOT.hex(),
        "new_root": fold(new).hex() if new else EMPTY_ROOT.hex(),
        "proof": [each.hex() for each in resolve(covers, nodes.__getitem__)],
    }


def list_checkpoints(limit: int, start: Any = None) -> tuple[list[dict[str, Any]], Any]:  # noqa: ANN401  raw key
    """Checkpoints, newest first, and the key to go on from."""
    items, last = container().tables.query(
        CheckpointItem, keys.checkpoints_key(), limit=limit, forward=False, start=start
    )
    return [present_checkpoint(item) for item in items], last


def read_checkpoint(size: int) -> dict[str, Any]:
    """The checkpoint of one size.

    Raises:
        NotFoundError: None was signed at that size.
    """
    item = _checkpoint_of(size)
    if item is None:
        raise NotFoundError
    return present_checkpoint(item)


def present_checkpoint(item: CheckpointItem) -> dict[str, Any]:
    """A checkpoint as JSON values; `note` is what is signed, the rest is read from it."""
    checkpoint = parse_note(item.note).checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "at": isoformat(checkpoint.at),
        "note": item.note.decode(),
        "object_key": item.object_key,
    }


def published_key() -> dict[str, Any]:
    """The public key with which anyone verifies checkpoints offline."""
    box = container()
    der = KmsSigner(box.client("kms"), box.settings.signing_key_id).public_key_der()
    return {
        "origin": origin(box),
        "algorithm": "ECDSA P-256 SHA-256",
        "key_id": key_id(der).hex(),
        "pem": public_key_pem(der),
    }


def _checkpoint_of(size: int) -> CheckpointItem | None:
    found: CheckpointItem | None = container().tables.get(CheckpointItem, keys.checkpoints_key(), place(size))
    return found


def _require_size(size: int | None) -> int:
    now = store.read_head(container().tables).size
    if size is None:
        return now
    if not 0 <= size <= now:
        raise OutsideLogError(f"the log has {now} leaves, not {size}")
    return size
