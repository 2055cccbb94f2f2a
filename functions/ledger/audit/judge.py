"""Judges an export: does every entry stand where and as it was signed, and does something explain it?"""

from __future__ import annotations

from collections.abc import Sequence

from functions.ledger.audit.alignment import align
from functions.ledger.audit.books import book_faults
from functions.ledger.audit.export import Export, KeptCheckpoint
from functions.ledger.audit.fault import Fault, FaultKind, Report
from functions.ledger.audit.log import believed, item_faults, reference_of


def audit(export: Export, kept: Sequence[KeptCheckpoint] = (), public_key: bytes | None = None) -> Report:
    """Judge an export.

    Args:
        export: As read.
        kept: Checkpoints the auditor kept; they are believed before the export's own, and expose a log that was
            written anew.
        public_key: PEM or DER of the log's key; without it signatures are not checked, and a note says so.

    Raises:
        BadKeyError: The key is none.
    """
    report = Report()
    report.faults += [Fault(FaultKind.EXPORT, "the export", text) for text in export.faults]
    report.faults += [Fault(FaultKind.INSERTED, key, "the ledger has no such items") for key in export.strays]
    checkpoints = believed([*kept, *export.checkpoints], export, public_key, report)
    reference = reference_of(export, checkpoints, report)
    report.faults += align(reference.leaves, export.entries, reference.covered)
    report.faults += item_faults(export, reference)
    report.faults += book_faults(export, report)
    newer = len(reference.leaves) - reference.covered
    if newer:
        report.notes.append(f"{newer} entries are newer than the last checkpoint")
    report.notes.append(
        f"{len(export.entries)} entries, {len(checkpoints)} checkpoints, signed up to {reference.covered}"
    )
    return report
