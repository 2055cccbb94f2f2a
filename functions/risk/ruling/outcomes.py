"""What a decision can come to, and how several opinions become one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Outcome(IntEnum):
    """Ordered: the worst wins. Spelled in lower case outside (`text`)."""

    APPROVE = 0
    STEP_UP = 1
    HOLD = 2
    DECLINE = 3

    @property
    def text(self) -> str:
        """As it stands in rules, records and events."""
        return self.name.lower()

    @classmethod
    def of(cls, text: str) -> Outcome:
        """Inverse of `text`.

        Raises:
            KeyError: No such outcome.
        """
        return _BY_TEXT[text]


_BY_TEXT = {outcome.text: outcome for outcome in Outcome}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of them; approve if there are none."""
    return max(outcomes, default=Outcome.APPROVE)


def combined(
    *,
    credit: Outcome,
    deny_listed: bool,
    allow_listed: bool,
    rules: Outcome,
) -> Outcome:
    """One outcome from every opinion.

    Args:
        credit: Of the credit line (status, amount available, delinquency); nothing softens it.
        deny_listed: A party of the order is on a deny list: declined, whatever else is said.
        allow_listed: The customer is on an allow list: rules (and so the fraud score, which speaks through rules) are
            overruled, credit and deny lists are not.
        rules: The worst of the live rules that fired.
    """
    if deny_listed:
        return Outcome.DECLINE
    return credit if allow_listed else worst((credit, rules))
