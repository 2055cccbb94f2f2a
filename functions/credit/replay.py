"""Make a recorded decision again and prove that it comes out the same, byte for byte.

`python -m functions.credit.replay DECISION_ID` does it for a stored one, in the environment of the platform's
functions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from functions.core.errors import ConflictError, WhitenoteError
from functions.credit.deciding.decision import CreditDecision, decide
from functions.credit.deciding.grant import Scorer
from functions.credit.deciding.record import DecisionInputs, read_record
from functions.credit.policies.policy import parse_policy
from functions.credit.scoring import score_batch


class ReplayMismatchError(ConflictError):
    code, title = "replay_mismatch", "The decision does not come out as it was recorded"


def _first_difference(recorded: dict[str, Any], again: dict[str, Any]) -> str:
    return next((name for name in sorted({*recorded, *again}) if recorded.get(name) != again.get(name)), "bytes")


def replay(record: bytes, scorer: Scorer = score_batch) -> CreditDecision:
    """The decision made again from its record.

    Args:
        record: `CreditDecision.record`.
        scorer: Scores with the model of the record's version; by default the one in force.

    Returns:
        A decision whose record equals the given one byte for byte.

    Raises:
        UnreadableRecordError: Not a record, or of an unknown schema, or altered.
        ReplayMismatchError: Names the first part that differs; where the model in force is another version, it is
            `model_version`.
    """
    recorded = read_record(record)
    inputs = DecisionInputs.from_dict(recorded["inputs"])
    policy = parse_policy(recorded["policy"])
    decision = decide(
        inputs.application,
        inputs.identity,
        inputs.bureau,
        inputs.income,
        inputs.purchase_history,
        scorer,
        policy,
    )
    again = read_record(decision.record)
    if again["model_version"] != recorded["model_version"]:
        raise ReplayMismatchError(
            f"scored by {recorded['model_version']}, the model here is {again['model_version']}",
            part="model_version",
        )
    if decision.record != record:
        part = _first_difference(recorded, again)
        raise ReplayMismatchError(f"{part} differs from the record", part=part)
    return decision


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay a stored decision; 0 if it came out the same, 1 if it did not or is not there."""
    from functions.credit.desk.service import replay_decision

    parser = argparse.ArgumentParser(prog="python -m functions.credit.replay", description=__doc__)
    parser.add_argument("decision_id", help="capp_…: the application's id")
    wanted = parser.parse_args(arguments).decision_id
    try:
        found = replay_decision(wanted)
    except WhitenoteError as error:
        sys.stdout.write(json.dumps({"id": wanted, "code": error.code, "detail": error.detail, **error.extra}) + "\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
