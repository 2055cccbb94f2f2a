"""What functions.toml says, as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.routes import GROUPS

SPEC_FILE = Path(__file__).with_name("functions.toml")


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One Lambda function.

    Args:
        name: Handler name, for example "risk_checks".
        zip: Package it runs from.
        memory: MB.
        timeout: Seconds.
        handler: Overrides Chalice's handler string; None keeps it.
        sources: Further queues it reads.
        concurrency: Most batches of a queue at once on a live stage.
        parallel: Batches of one stream shard at once on a live stage.
        filters: Event patterns of a stream consumer.
    """

    name: str
    zip: str
    memory: int
    timeout: int
    handler: str | None = None
    sources: tuple[str, ...] = ()
    concurrency: int = 10
    parallel: int = 1
    filters: tuple[str, ...] = ()

    @property
    def logical_id(self) -> str:
        return logical_id(self.name)

    @property
    def suffix(self) -> str:
        """What follows the stack's name in the function's physical name."""
        return self.name.replace("_", "-")

    @property
    def is_api(self) -> bool:
        return self.name in GROUPS


def logical_id(name: str) -> str:
    """CloudFormation's id of a function, as Chalice makes it: risk_checks → RiskChecks, dead-letters → DeadLetters."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("-", "_").split("_"))


def load_specs(path: Path = SPEC_FILE) -> dict[str, FunctionSpec]:
    """Every function by name.

    Raises:
        TypeError: A key that FunctionSpec does not know, or one missing.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _spec(name, fields) for name, fields in table.items()}


def _spec(name: str, fields: Mapping[str, Any]) -> FunctionSpec:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return FunctionSpec(name=name, **values)
