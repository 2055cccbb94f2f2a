"""The challenger decides every case that the champion has decided, beside it and off the hot path; nobody is told.

An application is decided whole again from its record (`decide` is pure), so the comparison shows what would have become
of it: outcome, limit, grade. A review's row is scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from functions.core.clock import parse_instant
from functions.credit.application_store import load_application, open_record
from functions.credit.deciding.decision import CreditDecision, decide
from functions.credit.deciding.record import DecisionInputs, read_record
from functions.credit.inputs.columns import Model
from functions.credit.models.artifacts import loaded
from functions.credit.models.store import ShadowItem, plan_shadow, read_registry
from functions.credit.models.watch import week_of
from functions.credit.policies.policy import load_policy, parse_policy
from functions.credit.scoring import Score, sigmoid
from functions.credit.upkeep.review import Reviewed
from functions.credit.upkeep.store import file_id
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit


def decide_again(record: bytes, version: str) -> CreditDecision:
    """A recorded decision as another model would have made it, under the policy of that day.

    Args:
        record: `CreditDecision.record`.
        version: Of a model of this package.
    """
    value = read_record(record)
    inputs = DecisionInputs.from_dict(value["inputs"])
    model = loaded(version)

    def scorer(_: str, rows: Sequence[Mapping[str, Any]]) -> list[Score]:
        return model.scores(rows)

    return decide(
        inputs.application,
        inputs.identity,
        inputs.bureau,
        inputs.income,
        inputs.purchase_history,
        scorer,
        parse_policy(value["policy"]),
    )


def shadow_application(event: Mapping[str, Any]) -> None:
    """Let the challenger decide an application that was just decided; the same event twice writes the same.

    Args:
        event: Our envelope of `credit_application.decided`.
    """
    challenger = read_registry("application")[0].challenger
    if challenger is None:
        return
    application = load_application(event["object_id"], event["customer_id"])
    record = open_record(application)
    recorded = read_record(record)
    if not recorded["contributions"]:
        return  # a hard stop: no model had a say
    ours = recorded["decision"]
    theirs = decide_again(record, challenger)
    shown = _shown_logit(recorded)
    figures = {
        "week": week_of(parse_instant(event["occurred_at"])),
        "champion": _decided(ours["outcome"], ours["limit_minor"], ours["grade"], shown),
        "challenger": _decided(
            theirs.outcome, theirs.limit_minor, theirs.grade, _shown_logit(read_record(theirs.record))
        ),
    }
    subject = file_id(application.customer_id, application.currency) if ours["outcome"] == "approved" else ""
    _write(challenger, application.id, recorded["model_version"], figures, subject)


def _decided(outcome: str, limit_minor: int, grade: str | None, logit: float) -> dict[str, Any]:
    return {"outcome": outcome, "limit_minor": limit_minor, "grade": grade, "logit": logit}


def _shown_logit(record: Mapping[str, Any]) -> float:
    """The logit a record shows: of the limit that was given, else of the smallest judged."""
    wanted = record["decision"]["limit_minor"]
    judged = record["limits"]
    return float(next((one for one in judged if one["limit_minor"] == wanted), judged[0])["logit"])


def shadow_review(reviewed: Reviewed, case: str, subject: str, at: datetime) -> None:
    """Let the challenger score the row of a review.

    Args:
        reviewed: With row and champion's score, or without where there were too few statements.
        case: Names the row: limit file and day of the cut.
        subject: The limit file's id.
        at: When its statement was issued.
    """
    if reviewed.row is None or reviewed.score is None:
        return
    challenger = read_registry("behavior")[0].challenger
    if challenger is None:
        return
    figures = {
        "week": week_of(at),
        "champion": _graded("behavior", reviewed.score.logit),
        "challenger": _graded("behavior", loaded(challenger).scores((reviewed.row,))[0].logit),
    }
    _write(challenger, case, reviewed.score.model_version, figures, subject)


def _graded(model: str, logit: float) -> dict[str, Any]:
    policy = load_policy()
    grade = policy.grade(model, sigmoid(logit + policy.offset("default", cast("Model", model))))
    return {"outcome": "scored", "limit_minor": 0, "grade": grade, "logit": logit}


def _write(challenger: str, case: str, champion: str, figures: dict[str, Any], subject: str) -> None:
    item = ShadowItem(pk=keys.shadow(challenger), sk=case, champion=champion, figures=figures, subject=subject)
    commit(container().tables, plan_shadow(item))
    count("shadow_scores")
