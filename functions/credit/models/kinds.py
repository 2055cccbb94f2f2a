"""What the registry asks of each model that it keeps: how a version is loaded and proved, and how its cases ended.

The fraud model belongs to a slice above this one, so that kinds are named, and imported when first asked, as the
consumers of events are (functions/platform/bus/registry.py).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.credit.models.artifacts import Managed
from functions.credit.models.store import ShadowItem


@dataclass(frozen=True, slots=True)
class Kind:
    """A model that people let in, compare and promote.

    Args:
        load: Loads a version of this package and proves that it is what its manifest says; raises if it is not.
        forget: Drops what this process remembers of who is champion; for whoever has just changed it.
        offset: Log-odds from the training sample's world to ours.
        ended: A challenger's version, and a sample of its cases → those of its cases whose end is known, with whether
            it was bad; cases of the sample and, where ends are few among many, others.
    """

    load: Callable[[str], object]
    forget: Callable[[], None]
    offset: Callable[[], float]
    ended: Callable[[str, Sequence[ShadowItem]], list[tuple[ShadowItem, bool]]]


_KINDS: Final[Mapping[Managed, str]] = {
    "application": "functions.credit.models.ended:APPLICATION",
    "behavior": "functions.credit.models.ended:BEHAVIOR",
    "fraud": "functions.risk.fraud.kind:FRAUD",
}


def kind_of(model: Managed) -> Kind:
    """What is asked of a model."""
    module, _, name = _KINDS[model].partition(":")
    found: Kind = getattr(importlib.import_module(module), name)
    return found
