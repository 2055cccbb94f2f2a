"""Forget again, after a restore, everybody who was erased since the backup.

    python -m functions.privacy.replay [--stage S --table T --ledger-table T --secret-id ID --endpoint URL --region R]

The tombstones stand in the append-only table, which is not restored with the operational one. Run it before anybody
uses a restored table. By default the deployment is the one that the environment names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from functions.core.errors import WhitenoteError
from functions.platform.container import container, install_named
from functions.privacy.erasure_service import erase_again
from functions.privacy.store import all_tombstones

_OPTIONS = {"stage": "STAGE", "table": "TABLE", "ledger-table": "LEDGER_TABLE", "secret-id": "SECRET_ID"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay every tombstone.

    Returns:
        0, or 1 if somebody could not be forgotten; run it again.
    """
    parser = argparse.ArgumentParser(prog="python -m functions.privacy.replay", description=__doc__)
    for option in (*_OPTIONS, "endpoint", "region"):
        parser.add_argument(f"--{option}", default="")
    options = vars(parser.parse_args(arguments))
    named = {name: options[option.replace("-", "_")] for option, name in _OPTIONS.items()}
    install_named(named, options["endpoint"], options["region"])
    found = failed = again = 0
    for tombstone in all_tombstones(container().tables):
        found += 1
        try:
            again += erase_again(tombstone.sk)
        except WhitenoteError as error:
            failed += 1
            sys.stdout.write(f"FAILED: {tombstone.sk}: {error}\n")
    sys.stdout.write(f"{found} tombstones, {again} people forgotten again\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
