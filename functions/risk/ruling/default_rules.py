"""The rules that ship with the platform; staff change copies of them, never this file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from functions.risk.ruling.ruleset import RuleSet
from functions.risk.signal_table import SCHEMA, SYNC_SCHEMA

_PACK: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("rules_default.json").read_text("utf-8"))

RELEASE: Final[int] = _PACK["release"]
"""Grows with every change of the shipped rules: a later release replaces an earlier one, never the other way round."""


def default_sources() -> tuple[dict[str, Any], ...]:
    """The rules as JSON, in the grammar of rule_schema.json."""
    return tuple(_PACK["rules"])


@cache
def default_ruleset(*, synchronous: bool) -> RuleSet:
    """The rules of one pass, all live; compiled once per container.

    Args:
        synchronous: Those that run inside the authorization; else those of the stream.
    """
    wanted = "sync" if synchronous else "stream"
    return RuleSet.compile(
        [source for source in default_sources() if source["pass"] == wanted], SYNC_SCHEMA if synchronous else SCHEMA
    )
