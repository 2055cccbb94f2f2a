"""What decides: rule sets of both passes and named lists, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from functions.risk.named_lists.lists import NamedLists
from functions.risk.ruling.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides now.

    Args:
        sync: Inside the authorization.
        stream: After it.
        lists: Who is blocked, watched, trusted.
        release: Of the shipped rules that were published; 0 before anything was.
    """

    sync: RuleSet
    stream: RuleSet
    lists: NamedLists
    release: int = 0
