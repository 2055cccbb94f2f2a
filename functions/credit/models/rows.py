"""The row behind a recorded decision's score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.credit.deciding.application import count_finances, model_row
from functions.credit.deciding.record import DecisionInputs
from functions.credit.policies.policy import parse_policy


@dataclass(frozen=True, slots=True)
class ShownRow:
    """What the shown score was made from.

    Args:
        row: The application model's columns at the shown limit.
        logit: The score.
        limit_minor: That limit.
    """

    row: Mapping[str, Any]
    logit: float
    limit_minor: int


def shown_row(record: Mapping[str, Any]) -> ShownRow | None:
    """The row of the limit that was given or suggested, else of the smallest judged; None where nothing was scored.

    Args:
        record: As `read_record` gives it.
    """
    judged = record["limits"]
    if not judged:
        return None
    wanted = record["decision"]["limit_minor"]
    shown = next((one for one in judged if one["limit_minor"] == wanted), judged[0])
    inputs, policy = DecisionInputs.from_dict(record["inputs"]), parse_policy(record["policy"])
    counted = count_finances(inputs.application, inputs.bureau, inputs.income, policy)
    row = model_row(inputs.application, counted, inputs.bureau, shown["limit_minor"], policy)
    return ShownRow(row, float(shown["logit"]), shown["limit_minor"])
