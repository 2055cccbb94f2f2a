"""Write the whole ledger of a deployment as an export for `functions.ledger.verify`.

    python -m functions.ledger.dump EXPORT [--public-key PEM]

Reads only. By default it reads the deployment that the environment names; the options name another.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from functions.core.errors import WhitenoteError
from functions.ledger.audit.export import dump_lines
from functions.ledger.audit.export_service import export_ledger
from functions.ledger.log.service import published_key
from functions.platform.container import install_named

_OPTIONS = {
    "stage": "STAGE",
    "table": "TABLE",
    "ledger-table": "LEDGER_TABLE",
    "bucket": "CHECKPOINT_BUCKET",
    "key-id": "SIGNING_KEY_ID",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the export.

    Returns:
        0, or 1 if the deployment did not answer.
    """
    parser = argparse.ArgumentParser(prog="python -m functions.ledger.dump", description=__doc__)
    parser.add_argument("export", type=Path, help="file to write")
    parser.add_argument("--public-key", type=Path, help="also write the log's public key here, as PEM")
    for option in (*_OPTIONS, "endpoint", "region"):
        parser.add_argument(f"--{option}", default="")
    options = vars(parser.parse_args(arguments))
    named = {name: options[option.replace("-", "_")] for option, name in _OPTIONS.items()}
    install_named(named, options["endpoint"], options["region"])
    try:
        with options["export"].open("w", encoding="utf-8") as file:
            lines = sum(file.write(line) > 0 for line in dump_lines(export_ledger()))
        if options["public_key"]:
            options["public_key"].write_text(published_key()["pem"], encoding="utf-8")
    except WhitenoteError as error:
        sys.stdout.write(f"FAILED: {error}\n")
        return 1
    sys.stdout.write(f"{lines} lines written to {options['export']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
