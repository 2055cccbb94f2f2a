"""What decides: rule sets of both passes, named lists and the fraud model, as one value."""

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
        fraud_model: Version of the champion; "" where people have chosen none, and the package's release scores.
        fraud_challenger: Version of the model that scores in its shadow; "" if none does.
    """

    sync: RuleSet
    stream: RuleSet
    lists: NamedLists
    release: int = 0
    fraud_model: str = ""
    fraud_challenger: str = ""
