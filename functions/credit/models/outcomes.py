"""The platform's own labelled outcomes, for training: what was known at the decision, and what became of it.

Point in time: an application's row is made from its decision record, a review's row from cuts that were frozen when
they were made; nothing learned later enters. Reject-aware: who was turned down is exported too, without an outcome, so
that training can account for them instead of forgetting them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.core.errors import NotFoundError
from functions.credit.application_store import load_application, open_record
from functions.credit.deciding.grant import Scorer
from functions.credit.deciding.record import read_record
from functions.credit.desk.store import DECISIONS, DecisionItem, DecisionRow, row_key
from functions.credit.inputs.columns import Model
from functions.credit.models.ended import outcome_of
from functions.credit.models.in_force import score_batch
from functions.credit.models.rows import shown_row
from functions.credit.policies.policy import Policy, load_policy
from functions.credit.upkeep.review import row_of_cuts
from functions.credit.upkeep.store import Cut, LimitFileItem, file_id
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import RawItem, Tables

LATE_MONTHS: Final = 2
"""A reviewed line is bad when the next cut finds it more than 30 days late."""
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row to learn from.

    Args:
        row: Columns of the training files.
        bad: What became of it; None for a rejected applicant: nobody knows.
        logit: What the champion says of it: of an application as it was recorded, of a review by the champion of today;
            the basis of reject inference, and what a challenger is compared with.
        subject: Whose row it is; rows of one subject are never parted between training and judging.
    """

    row: Mapping[str, Any]
    bad: bool | None
    logit: float
    subject: str


def labelled(model: Model) -> Iterator[Labelled]:
    """Every row of a model that can be learned from today.

    Args:
        model: "application": decisions whose line has matured or gone bad, and rejected applicants; "behavior":
            every reviewed cut that has a cut after it.
    """
    policy = load_policy()
    for decision in _decisions():
        try:
            if model == "application":
                yield from _application(decision)
            else:
                yield from _behavior(decision, policy)
        except NotFoundError:
            continue  # erased since: nothing of a person who asked to be forgotten is learned from


def _decisions() -> Iterator[DecisionItem]:
    tables: Tables = container().tables
    start: RawItem | None = None
    while True:
        rows, start = tables.query(DecisionRow, row_key(DECISIONS, 0, "")[0], limit=_PAGE, start=start)
        found = tables.batch_get([(DecisionItem, row.subject, keys.SELF) for row in rows])
        yield from (item for item in found if isinstance(item, DecisionItem))
        if start is None:
            return


def _file(decision: DecisionItem) -> LimitFileItem | None:
    item: LimitFileItem | None = container().tables.get(LimitFileItem, file_id(decision.customer_id, decision.currency))
    return item


def _application(decision: DecisionItem) -> Iterator[Labelled]:
    record = read_record(open_record(load_application(decision.pk, decision.customer_id)))
    shown = shown_row(record)
    if shown is None:
        return
    if decision.outcome != "approved":
        yield Labelled(shown.row, None, shown.logit, decision.pk)
        return
    file = _file(decision)
    bad = outcome_of(file) if file is not None else None
    if bad is not None:
        yield Labelled(shown.row, bad, shown.logit, decision.pk)


def _behavior(decision: DecisionItem, policy: Policy) -> Iterator[Labelled]:
    file = _file(decision) if decision.outcome == "approved" else None
    cuts = file.cuts if file is not None else ()
    yield from reviewed_cuts(cuts, decision.currency, policy, score_batch, decision.pk)


def reviewed_cuts(
    cuts: Sequence[Cut], currency: str, policy: Policy, scorer: Scorer, subject: str
) -> Iterator[Labelled]:
    """Every cut that has a cut after it, as the review saw it then, with what the next one found.

    Args:
        cuts: Of one line, oldest first.
        currency: Of the line.
        policy: Least number of statements, reference income.
        scorer: The champion.
        subject: Whose line.
    """
    for end in range(policy.dynamic.statements_at_least, len(cuts)):
        row = row_of_cuts(cuts[:end], currency, 0, policy)
        if row is not None:
            logit = scorer("behavior", (row,))[0].logit
            yield Labelled(row, cuts[end].months_late >= LATE_MONTHS, logit, subject)
