"""docs/risk.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from functions.risk.expression import source
from functions.risk.rules import ACTIONS, SEVERITIES, SignalSchema, compile_rule
from functions.risk.signal_table import SCHEMA
from functions.risk.watch import checks

TEXT = Path("docs/risk.md").read_text()


def test_every_signal_stands_in_the_table_with_its_definition() -> None:
    for signal in SCHEMA.signals:
        windows = f" × {', '.join(signal.windows)}" if signal.windows else ""
        sync = "yes" if signal.synchronous else ""
        cells = (f"`{signal.name}`{windows}", signal.kind, signal.unit, signal.owner, sync, signal.definition)
        assert f"| {' | '.join(cells)} |" in TEXT


def test_every_action_severity_limit_and_check_is_told() -> None:
    for word in (*ACTIONS, *SEVERITIES):
        assert f"`{word}`" in TEXT
    for check in ("velocity", "bust_out", "colluding_merchant", "link_rings", "synthetic_identity", "refund_abuse"):
        assert callable(getattr(checks, check))
        assert f"| `{check}` |" in TEXT
    limits = f"{source.MAX_DEPTH} levels, {source.MAX_NODES} nodes, {source.MAX_LIST} elements in a list, "
    assert limits + f"{source.MAX_STRING} characters" in TEXT


def test_the_example_runs_as_shown() -> None:
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    names: dict[str, object] = {"SignalSchema": SignalSchema, "compile_rule": compile_rule}
    lines = code[1].splitlines()
    exec("\n".join(lines[:-2]), names)
    for line in lines[-2:]:
        expression, _, expected = line.partition("#")
        assert repr(eval(expression, names)) == expected.strip()
