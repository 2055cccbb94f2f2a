"""The challenger of the fraud model judges orders that were decided, beside the champion; nobody is told.

It is given what the decision stored: the inputs that the champion saw, and the rules and signals of that instant, among
which only the score is another. So both are compared where it counts, in what becomes of the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from functions.core.clock import from_epoch_ms
from functions.credit.models.store import ShadowItem, plan_shadow, read_registry
from functions.credit.models.watch import week_of
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from functions.risk.fraud.score import FraudModel, ModelNotKeptError, model_of
from functions.risk.pack import DamagedError
from functions.risk.record import DecisionRecord
from functions.risk.rule_life.live import RulesetNotKeptError, read_record
from functions.risk.ruling.outcomes import Outcome, combined
from functions.risk.ruling.ruleset import RuleSet

SCORE: Final = "fraud_score_bps"
KEPT: Final = timedelta(days=180)
"""How long a case is kept, wall time: longer than a dispute takes, and no longer than a challenger is of interest."""
_WORDS: Final = {
    Outcome.APPROVE: "approved",
    Outcome.STEP_UP: "step_up",
    Outcome.HOLD: "held",
    Outcome.DECLINE: "declined",
}


def outcome_with(record: DecisionRecord, rules: RuleSet, score_bps: int) -> Outcome:
    """What a decision would have been, had the model said something else.

    Args:
        record: As stored.
        rules: The very set that decided.
        score_bps: The other model's probability. Where no rule read the score it changes nothing.
    """
    if SCORE not in record.signals:
        return record.outcome
    signals = {**record.signals, SCORE: score_bps}
    return combined(
        credit=Outcome.APPROVE,  # or there were no record
        deny_listed=record.listed.blocked,
        allow_listed=record.listed.trusted,
        rules=rules.evaluate(signals, record.bucket).outcome,
    )


def shadow_orders(body: Mapping[str, Any]) -> None:
    """Score decided orders with the challenger; the same message twice makes the same cases.

    Args:
        body: As `asking.ask_challenger` puts it, the orders of one batch of the stream.
    """
    challenger = read_registry("fraud")[0].challenger
    if challenger is None:
        return  # withdrawn, or promoted, since it was asked
    try:
        box, model = container(), model_of(challenger)
    except ModelNotKeptError:  # an older package is back: no dead letter a batch for as long as it stays
        count("shadow_orders_missed", len(body["authorizations"]))
        return
    wanted = [(AuthorizationItem, each, keys.SELF) for each in body["authorizations"]]
    orders = box.tables.batch_get(wanted, consistent=True)
    judged = (_case(item, model) for item in orders if isinstance(item, AuthorizationItem))
    cases = [case for case in judged if case is not None]
    commit(box.tables, *map(plan_shadow, cases))
    count("shadow_scores", len(cases))


def _case(item: AuthorizationItem, model: FraudModel) -> ShadowItem | None:
    """Both scores of an order; None where the model had no say, or can't be asked again."""
    try:
        record, rules = read_record(item.decision or b"")
        scored = record.scored
        if scored is None:
            return None
        champion = model_of(scored.model_version)
    except (DamagedError, RulesetNotKeptError, ModelNotKeptError):
        count("decision_of_other_rules")
        return None
    ours, theirs = champion.score(scored.inputs), model.score(scored.inputs)
    figures = {
        "week": week_of(from_epoch_ms(item.created_at_ms)),
        "amount_minor": item.amount,
        "currency": item.currency,
        "champion": _opinion(record.outcome, ours.logit),
        "challenger": _opinion(outcome_with(record, rules, theirs.bps), theirs.logit),
    }
    return ShadowItem(
        pk=keys.shadow(model.version),
        sk=item.pk,
        champion=champion.version,
        figures=figures,
        subject=item.pk,
        ttl=int((container().clock.wall() + KEPT).timestamp()),
    )


def _opinion(outcome: Outcome, logit: float) -> dict[str, Any]:
    return {"outcome": _WORDS[outcome], "limit_minor": 0, "logit": logit}
