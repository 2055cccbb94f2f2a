"""Moving a living limit: up slowly and with consent, down at once, with a gap between so that it does not flutter.

The temporary part (a sales season) lies on top of the base limit until its last day. A cut never goes under what is
held and outstanding: that much is promised already. Every change says why, from what to what, and by which model and
policy, for the customer and for the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from functions.core.errors import InvalidError
from functions.core.money import BPS
from functions.credit.deciding.grant import installment_minor
from functions.credit.policies.policy import Policy
from functions.credit.scoring import Score, sigmoid
from functions.credit.upkeep.texts import TEXTS
from functions.credit.upkeep.values import Kind, LimitChange, LineFacts, TemporaryLimit, frozen_by


class TemporaryLimitRefusedError(InvalidError):
    code, title = "temporary_limit_refused", "A temporary limit is not possible"


def carries(line: LineFacts, grade: str, limit_minor: int, policy: Policy) -> bool | None:
    """Whether the installments of a fully used limit fit into income, and the caps hold; None if income is unknown.

    Args:
        line: For income, expenses, debts and currency.
        grade: Whose share, multiple and cap count.
        limit_minor: The limit under consideration.
        policy: In force.
    """
    if line.income_minor is None:
        return None
    tier = policy.tiers[grade]
    debts = -(-line.debts_minor * policy.debt_service_bps_month // BPS)
    disposable = line.income_minor - line.expenses_minor - debts
    monthly = installment_minor(limit_minor, tier.fee_bps_month, policy.term_months)
    within = limit_minor <= min(
        line.income_minor * tier.income_multiple_bps // BPS,
        policy.of_reference(line.currency, tier.cap_reference_bps),
    )
    return within and monthly * BPS <= disposable * tier.installment_share_bps


@dataclass(frozen=True, slots=True)
class _Review:
    line: LineFacts
    score: Score | None
    policy: Policy
    on: date

    @property
    def pd(self) -> float | None:
        if self.score is None:
            return None
        return sigmoid(self.score.logit + self.policy.offset(self.line.portfolio, "behavior"))

    def affordable(self, limit_minor: int) -> bool | None:
        """Whether income carries a limit at the score's grade; None if income or grade is unknown."""
        pd = self.pd
        grade = None if pd is None else self.policy.grade("behavior", pd)
        return None if grade is None else carries(self.line, grade, limit_minor, self.policy)

    def change(self, kind: Kind, code: str, base_minor: int, *, freezes: bool = False) -> LimitChange:
        line, pd = self.line, self.pd
        temporary = line.temporary if line.temporary and self.on <= line.temporary.until_on else None
        temporary = None if kind in {"cut", "freeze"} else temporary
        extra = temporary.extra_minor if temporary else 0
        whole = line.base_limit_minor + (line.temporary.extra_minor if line.temporary else 0)
        observed = {
            "days_past_due": line.days_past_due,
            "utilisation_bps": line.utilisation_bps,
            "on_time_streak": line.on_time_streak,
            "statements": line.statements,
            "pd_portfolio": pd,
            "income_minor": line.income_minor,
            **({} if line.alert is None else {"alert_id": line.alert.id, "alert_severity": line.alert.severity}),
        }
        return LimitChange(
            kind=kind,
            code=code,
            text_en=TEXTS[code][0],
            text_zh=TEXTS[code][1],
            before_minor=whole,
            after_minor=base_minor + extra,
            base_limit_minor=base_minor,
            temporary=temporary,
            freezes=freezes,
            effective_on=self.on,
            observed=observed,
            actor="policy",
            policy_hash=self.policy.hash,
            model_version=self.score.model_version if self.score else "",
        )


def _freeze(review: _Review) -> LimitChange | None:
    line = review.line
    if line.status != "active":
        return None
    if line.alert is not None and line.alert.freezes:
        frozen = review.change("freeze", "alert", line.base_limit_minor, freezes=True)
        return replace(
            frozen, temporary=line.temporary, after_minor=frozen.before_minor, actor=frozen_by(line.alert.case_id or "")
        )
    late = line.days_past_due > review.policy.dynamic.freeze_days_past_due
    if line.charge_off or late:
        base = _lowered(line, review.policy.dynamic.cut_bps["M2"])
        return review.change("freeze", "charged_off" if line.charge_off else "delinquency_frozen", base, freezes=True)
    return None


_LIFTED_BY_PAYING = frozenset({"delinquency_frozen", "delinquency"})


def _lift(review: _Review) -> LimitChange | None:
    """A line that was frozen for being late is free again once nothing is late; the limit stays as it was cut.

    After a debt was written off only a person lifts.
    """
    line = review.line
    paid_up = line.status == "frozen" and line.days_past_due == 0 and line.frozen_code in _LIFTED_BY_PAYING
    if not paid_up or line.written_off:
        return None
    return review.change("lift", "paid_up", line.base_limit_minor)


def _lowered(line: LineFacts, cut_bps: int) -> int:
    kept = line.base_limit_minor * (BPS - cut_bps) // BPS
    return min(line.base_limit_minor, max(kept, line.committed_minor))


def _cut_triggers(review: _Review) -> list[str]:
    """Every reason to cut that holds today, the gravest first."""
    line, rules, pd = review.line, review.policy.dynamic, review.pd
    affordable = review.affordable(line.base_limit_minor) if line.income_updated else None
    held = {
        "M2": line.days_past_due > rules.freeze_days_past_due,
        "bureau": line.bureau_worse,
        "pd": pd is not None and pd > rules.cut_pd_over,
        "income": affordable is False,
        "M1": line.days_past_due > 0,
    }
    return [code for code, holds in held.items() if holds]


def _cut(review: _Review) -> LimitChange | None:
    line, rules = review.line, review.policy.dynamic
    recent = line.last_cut_on is not None and (review.on - line.last_cut_on).days < rules.cooldown_days
    for code in _cut_triggers(review):
        if recent and code == line.last_cut_code:
            continue  # the same cause does not cut twice in one cooldown; a new one does
        base = _lowered(line, rules.cut_bps[code])
        if base < line.base_limit_minor:
            return review.change("cut", code, base)
    return None


def _temporary_end(review: _Review) -> LimitChange | None:
    line = review.line
    if line.temporary is None or review.on <= line.temporary.until_on:
        return None
    return review.change("temporary_end", "temporary_end", line.base_limit_minor)


def _days_since(on: date, day: date | None) -> float:
    return float("inf") if day is None else (on - day).days


def _raise_code(review: _Review) -> str | None:
    line, rules = review.line, review.policy.dynamic
    if line.on_time_streak >= rules.raise_streak_at_least:
        if line.utilisation_bps >= rules.raise_utilisation_bps_at_least:
            return "good_standing"
        return "income_update" if line.income_updated else None
    short = line.on_time_streak >= rules.statements_at_least
    return "income_update" if short and line.income_updated else None


def _may_rise(review: _Review) -> bool:
    line, rules, on, pd = review.line, review.policy.dynamic, review.on, review.pd
    return (
        line.status == "active"
        and line.raise_consent
        and not (line.alert_open or line.written_off or line.bureau_worse or line.days_past_due)
        and line.statements >= rules.statements_at_least
        and pd is not None
        and pd <= rules.raise_pd_at_most
        and _days_since(on, line.last_raise_on or line.opened_on) >= rules.cooldown_days
        and _days_since(on, line.last_cut_on) >= rules.hysteresis_days_after_cut
    )


def _raise(review: _Review) -> LimitChange | None:
    code = _raise_code(review)
    if code is None or not _may_rise(review):
        return None
    line, policy = review.line, review.policy
    step = max(1, policy.of_reference(line.currency, policy.dynamic.round_down_bps_of_reference))
    ceiling = line.base_limit_minor * (BPS + policy.dynamic.raise_bps_at_most) // BPS
    target = ceiling - ceiling % step
    while target > line.base_limit_minor:
        if review.affordable(target):
            return review.change("raise", code, target)
        target -= step
    return None


# Down before up: the first that applies is the change of the day.
_REVIEWS: tuple[Callable[[_Review], LimitChange | None], ...] = (_freeze, _cut, _temporary_end, _lift, _raise)


def review_limit(line_facts: LineFacts, behavior_score: Score | None, policy: Policy, on: date) -> LimitChange | None:
    """What, if anything, should happen to a limit today.

    Args:
        line_facts: The line as of the day.
        behavior_score: Of the behavior model; None with too short a history, which bars every raise.
        policy: In force.
        on: The customer's calendar day.

    Returns:
        One change, or None. A line that deserves several gets the gravest today and the next at its next review.
    """
    if line_facts.status == "closed":
        return None
    review = _Review(line_facts, behavior_score, policy, on)
    return next((change for change in (step(review) for step in _REVIEWS) if change), None)


def grant_temporary(
    line_facts: LineFacts,
    behavior_score: Score | None,
    policy: Policy,
    on: date,
    asked: TemporaryLimit,
) -> LimitChange:
    """Add a temporary limit for a season.

    Args:
        line_facts: The line as of the day.
        behavior_score: Of the behavior model; affordability needs its grade.
        policy: Largest share, longest time.
        on: The customer's calendar day.
        asked: How much, until when.

    Raises:
        TemporaryLimitRefusedError: Says which condition failed.
    """
    rules, line = policy.dynamic, line_facts
    review = _Review(line, behavior_score, policy, on)
    most = line.base_limit_minor * rules.temporary_bps_at_most // BPS
    current = line.temporary is not None and on <= line.temporary.until_on
    conditions = {
        "the line is not active": line.status != "active",
        "the customer has not agreed to raises": not line.raise_consent,
        "a payment is overdue": line.days_past_due > 0,
        "a risk alert is open": line.alert_open,
        "a debt was written off": line.written_off,
        "a temporary limit is on already": current,
        f"it may be 1 … {most}": not 0 < asked.extra_minor <= most,
        f"it may last 1 … {rules.temporary_days_at_most} days": not 0
        < (asked.until_on - on).days
        <= rules.temporary_days_at_most,
        "income does not carry it": not review.affordable(line.base_limit_minor + asked.extra_minor),
    }
    failed = [sentence for sentence, fails in conditions.items() if fails]
    if failed:
        raise TemporaryLimitRefusedError("; ".join(failed))
    return replace(
        review.change("temporary_start", "temporary_start", line.base_limit_minor),
        temporary=asked,
        before_minor=line.base_limit_minor,
        after_minor=line.base_limit_minor + asked.extra_minor,
    )


__all__ = [
    "TEXTS",
    "LimitChange",
    "LineFacts",
    "TemporaryLimit",
    "TemporaryLimitRefusedError",
    "carries",
    "grant_temporary",
    "review_limit",
]
