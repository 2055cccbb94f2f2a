"""The decision record: everything a decision was made from and came to, as canonical JSON.

It carries its inputs and the policy whole, so that a replay needs nothing but the record and the model of that version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from functions.core.errors import InvalidError
from functions.credit.deciding.application import CountedFinances
from functions.credit.deciding.facts import (
    ApplicationFacts,
    BureauResult,
    IdentityResult,
    IncomeResult,
    PurchaseHistory,
    StatedFinances,
)
from functions.credit.deciding.grant import Candidate
from functions.credit.policies.policy import Policy, canonical
from functions.credit.policies.rules import RuleResult

SCHEMA_NUMBER = 1


class UnreadableRecordError(InvalidError):
    code, title = "unreadable_record", "This is not a decision record of a known schema"


@dataclass(frozen=True, slots=True)
class DecisionInputs:
    """The arguments of `decide`, but for scorer and policy."""

    application: ApplicationFacts
    identity: IdentityResult
    bureau: BureauResult
    income: IncomeResult
    purchase_history: PurchaseHistory | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; days as ISO text."""
        return json.loads(json.dumps(asdict(self), default=date.isoformat))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> DecisionInputs:
        """Inverse of `to_dict`."""
        application = dict(value["application"])
        application["applied_on"] = date.fromisoformat(application["applied_on"])
        application["earlier"] = tuple(
            StatedFinances(**{**one, "stated_on": date.fromisoformat(one["stated_on"])})
            for one in application["earlier"]
        )
        history = value["purchase_history"]
        return cls(
            ApplicationFacts(**application),
            IdentityResult(**value["identity"]),
            BureauResult(**value["bureau"]),
            IncomeResult(**value["income"]),
            PurchaseHistory(**history) if history else None,
        )


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "limit_minor": one.limit_minor,
        "logit": one.score.logit,
        "pd": one.pd,
        "grade": one.grade,
        "installment_minor": one.installment_minor,
        "affordable": one.affordable,
        "cap_minor": one.cap_minor,
        "passes": one.passes,
    }


def write_record(
    inputs: DecisionInputs,
    policy: Policy,
    *,
    counted: CountedFinances,
    results: tuple[RuleResult, ...],
    candidates: tuple[Candidate, ...],
    shown: Candidate | None,
    findings: Mapping[str, Any],
) -> bytes:
    """The record's bytes.

    Args:
        inputs: What the decision was made from.
        policy: In force; recorded whole.
        counted: The finances that counted.
        results: Every rule's result.
        candidates: Every limit judged.
        shown: The one whose score the decision shows.
        findings: Outcome, limit, grade, reason codes.
    """
    given = inputs.to_dict()
    return canonical(
        {
            "schema": SCHEMA_NUMBER,
            "inputs": given,
            "inputs_sha256": hashlib.sha256(canonical(given)).hexdigest(),
            "policy": policy.source,
            "policy_hash": policy.hash,
            "model_version": shown.score.model_version if shown else "",
            "counted": asdict(counted),
            "rules": [asdict(one) for one in results],
            "limits": [_candidate(one) for one in candidates],
            "contributions": shown.score.contributions if shown else {},
            "decision": dict(findings),
        }
    )


def read_record(record: bytes) -> dict[str, Any]:
    """The record as JSON values.

    Raises:
        UnreadableRecordError: Not JSON, not of this schema, or its inputs do not have the hash it states.
    """
    try:
        value = json.loads(record)
        known = value["schema"] == SCHEMA_NUMBER
        sound = known and hashlib.sha256(canonical(value["inputs"])).hexdigest() == value["inputs_sha256"]
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableRecordError from error
    if not known:
        raise UnreadableRecordError(f"schema {value['schema']!r}, this code reads {SCHEMA_NUMBER}")
    if not sound:
        raise UnreadableRecordError("the inputs do not have the hash that the record states")
    return value  # type: ignore[no-any-return]


__all__ = ["DecisionInputs", "UnreadableRecordError", "read_record", "write_record"]
