"""What the portfolio's schedule calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.risk.portfolio.service import take_snapshots

REQUEST = "portfolio"


def snapshot(event: Mapping[str, Any]) -> dict[str, int]:  # noqa: ARG001  when it was due does not matter
    """Take today's snapshots, if they are not there; called by the schedule."""
    return {"taken": take_snapshots(REQUEST)}
