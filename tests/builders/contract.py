"""The checked-in contract, read once in a process.

checked_in()["paths"]["/v1/quotes"]["post"]
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

from infra.openapi import FILE


@lru_cache(maxsize=1)
def checked_in() -> dict[str, Any]:
    """openapi.yaml; nobody changes what is read."""
    found: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return found
