"""Check an export of the ledger offline, without trusting whoever made it.

    python -m functions.ledger.verify EXPORT [--public-key PEM] [--checkpoints FILE]

Prints one line per fault and exits 1, or says what was proven and exits 0. Needs nothing but Python, the
cryptography library and this repository.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from functions.core.errors import WhitenoteError
from functions.ledger.audit.fault import Report
from functions.ledger.audit.judge import audit
from functions.ledger.audit.reading import read_checkpoints, read_export


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check.

    Args:
        arguments: Command line without the program's name.

    Returns:
        0 if the export is whole, 1 if anything is at fault or can't be read.
    """
    parser = argparse.ArgumentParser(prog="python -m functions.ledger.verify", description=__doc__)
    parser.add_argument("export", type=Path, help="JSON lines, as docs/ledger.md describes them")
    parser.add_argument("--public-key", type=Path, help="the log's published key, PEM or DER")
    parser.add_argument(
        "--checkpoints", type=Path, action="append", default=[], help="checkpoints you kept; may be repeated"
    )
    options = parser.parse_args(arguments)
    try:
        report = check(options.export, options.public_key, options.checkpoints)
    except (WhitenoteError, OSError, UnicodeDecodeError) as error:
        _say(f"EXPORT {options.export}: {error}")
        _say("FAILED: it can't be checked")
        return 1
    for fault in report.faults:
        _say(str(fault))
    for note in report.notes:
        _say(f"note: {note}")
    _say("OK: the ledger is whole" if report.passed else f"FAILED: {len(report.faults)} faults")
    return 0 if report.passed else 1


def check(export: Path, public_key: Path | None = None, checkpoints: Sequence[Path] = ()) -> Report:
    """Read the files and judge the export.

    Raises:
        UnreadableExportError: A file is not what it should be.
        BadKeyError: The key is none.
        OSError: A file can't be opened.
    """
    kept = [each for path in checkpoints for each in read_checkpoints(path.read_text(encoding="utf-8"))]
    with export.open(encoding="utf-8") as lines:
        read = read_export(lines)
    return audit(read, kept, public_key.read_bytes() if public_key else None)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
