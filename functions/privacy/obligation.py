"""What stands against erasing a person: as long as either side owes the other something, both need to know whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

FINAL_STATES: Final = frozenset({"paid_off", "refunded"})
"""A plan in one of these is settled; what was charged off is still owed."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing that is not settled.

    Args:
        code: Stable: "held", "outstanding", "plan_open", "credit_balance", "claim".
        about: Currency or plan.
    """

    code: str
    about: str


@dataclass(frozen=True, slots=True)
class LineStanding:
    """A credit line as far as it matters here, in minor units."""

    currency: str
    held_minor: int
    outstanding_minor: int


def obligations(
    lines: Iterable[LineStanding],
    plans: Mapping[str, str],
    balances: Mapping[str, int],
    claims: Mapping[str, int] = MappingProxyType({}),
) -> tuple[Obligation, ...]:
    """Everything that is not settled, in a stable order; nothing means that the person may be forgotten.

    Args:
        lines: All lines of the customer.
        plans: Plan id → state.
        balances: Currency → credit balance in minor units.
        claims: Currency → what their bank took back and nothing was left to take it from, in minor units.

    Source: Regulation (EU) 2016/679 art. 17 (3) (b) and (e): no erasure of what is needed for a legal obligation or for
    claims; PIPL art. 47: erasure when the purpose is achieved.
    """
    found = [
        *(Obligation("held", line.currency) for line in lines if line.held_minor),
        *(Obligation("outstanding", line.currency) for line in lines if line.outstanding_minor),
        *(Obligation("plan_open", plan) for plan, state in plans.items() if state not in FINAL_STATES),
        *(Obligation("credit_balance", currency) for currency, owed in balances.items() if owed),
        *(Obligation("claim", currency) for currency, owed in claims.items() if owed > 0),
    ]
    return tuple(sorted(found, key=lambda each: (each.code, each.about)))
