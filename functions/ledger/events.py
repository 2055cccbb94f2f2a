"""The ledger's workers: the sequencer behind the ledger's stream, and the minute's checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.core.errors import UnavailableError
from functions.ledger.log.service import append_entries, write_checkpoint
from functions.ledger.store import waiting_of
from functions.platform.bus.stream import BatchAnswer, StreamRecord, failures, records_of
from functions.platform.container import container
from functions.platform.observability import count, log


def sequence(event: Mapping[str, Any]) -> BatchAnswer:
    """Stream records of the ledger table → the Merkle log, each entry once, an owner's entries in their order."""
    records = [record for record in records_of(event) if record.old is None]
    waiting = [(record, entry) for record in records if (entry := waiting_of(record.new)) is not None]
    if not waiting:
        return failures([])
    count("LedgerLagSeconds", max(_age_s(record) for record, _ in waiting), "Seconds")
    try:
        done = append_entries([entry for _, entry in waiting])
    except UnavailableError as error:
        log().warning("the log stands still", extra={"error": error.code})
        return failures(record.sequence_number for record, _ in waiting)
    count("LedgerEntriesLogged", done)
    return failures([])


def checkpoint(_event: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the head if it has grown.

    Raises:
        UnavailableError: KMS, S3 or the table did not answer; the scheduler tries again.
    """
    item = write_checkpoint()
    return {"size": item.size if item else None}


def _age_s(record: StreamRecord) -> int:
    """How long an entry has waited; emulators may leave its birth out."""
    born = record.body["dynamodb"].get("ApproximateCreationDateTime")
    return max(0, int(container().clock.wall().timestamp() - born)) if isinstance(born, int | float) else 0
