"""`make bench`: our speed beside its peers, interleaved; writes build/bench.json; fails where one falls short.

`python -m tests.benchmarks cost_bench` runs one alone and writes nothing.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from tests.builders.environment import stand_apart

BENCHES = (
    "authorization_bench",
    "handler_bench",
    "scoring_bench",
    "rules_bench",
    "schedule_bench",
    "merkle_bench",
    "sweep_bench",
    "platform_bench",
    "cost_bench",
)
OUT = Path("build/bench.json")


def main() -> None:
    """Run every bench, or those named, print one table, write the rows of all, exit 1 if a reach is missed."""
    stand_apart()
    rows: list[dict[str, Any]] = []
    named = sys.argv[1:]
    for name in named or BENCHES:
        rows += importlib.import_module(f"tests.benchmarks.{name}").measure()
    rows.sort(key=lambda row: (row["id"], row["name"]))
    if not named:
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        print(
            f"{row['id']:>3}  {row['name']:<52} {_figure(row['ours']):>12} {_figure(row['peer']):>12} {row['unit']:<10}"
            f" {_figure(row['ratio']):>8}  reach {row['reach']!s:<8} {'ok' if row['ok'] else 'SHORT'}"
        )
    short = [row["name"] for row in rows if not row["ok"]]
    if short:
        sys.exit(f"bench: short of its reach: {', '.join(short)}")
    print(f"bench: {len(rows)} rows, all reached")


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:,.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
