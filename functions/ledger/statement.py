"""A customer's or merchant's account statement from postings alone, out of an export.

    python -m functions.ledger.statement EXPORT OWNER [--from YYYY-MM-DD] [--to YYYY-MM-DD]

OWNER is `cus_…` or `mer_…`. Prints one JSON line per posting in the order of the log, with the balance after it, and a
closing line per account. Needs no account and no network; whether the export is whole, `functions.ledger.verify` tells.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from functions.core.clock import isoformat
from functions.core.errors import WhitenoteError
from functions.ledger.audit.export import Export
from functions.ledger.audit.reading import read_export
from functions.ledger.balances import StatementLine, statement_of


def statement(export: Export, owner: str, from_on: date = date.min, to_on: date = date.max) -> Iterator[dict[str, Any]]:
    """The lines of a statement as JSON values, then each account's closing balance.

    Args:
        export: Its entries are taken in the order of the log; what is not in the log yet comes last.
        owner: `cus_…` or `mer_…`.
        from_on: First accounting day shown; what came before is in the balances.
        to_on: Last accounting day counted.
    """
    placed = sorted(export.entries, key=lambda found: (found.index is None, found.index or 0))
    entries = [found.entry for found in placed if found.entry is not None and found.entry.effective_on <= to_on]
    closing: dict[tuple[str, str], int] = {}
    for line in statement_of(owner, entries):
        closing[line.currency, line.account.slug] = line.balance_minor
        if line.effective_on >= from_on:
            yield _shown(line)
    for (currency, account), balance in sorted(closing.items()):
        yield {"type": "closing", "account": account, "currency": currency, "balance_minor": balance}


def _shown(line: StatementLine) -> dict[str, Any]:
    return {
        "type": "posting",
        "entry_id": line.entry_id,
        "leg": line.leg,
        "kind": line.kind.value,
        "occurred_at": isoformat(line.occurred_at),
        "effective_on": line.effective_on.isoformat(),
        "account": line.account.slug,
        "currency": line.currency,
        "about": line.about,
        "change_minor": line.change_minor,
        "balance_minor": line.balance_minor,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the statement.

    Returns:
        0, or 1 if the export can't be read or holds entries that are none.
    """
    parser = argparse.ArgumentParser(prog="python -m functions.ledger.statement", description=__doc__)
    parser.add_argument("export", type=Path, help="as functions.ledger.dump writes it")
    parser.add_argument("owner", help="cus_… or mer_…")
    parser.add_argument("--from", dest="from_on", type=date.fromisoformat, default=date.min)
    parser.add_argument("--to", dest="to_on", type=date.fromisoformat, default=date.max)
    given = parser.parse_args(arguments)
    try:
        with given.export.open(encoding="utf-8") as lines:
            export = read_export(lines)
    except (WhitenoteError, OSError, UnicodeDecodeError) as error:
        sys.stdout.write(f"FAILED: {given.export}: {error}\n")
        return 1
    for line in statement(export, given.owner, given.from_on, given.to_on):
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    broken = [found for found in export.entries if found.entry is None]
    for found in broken:
        sys.stdout.write(f"FAILED: {found.id} is no entry; run functions.ledger.verify\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
