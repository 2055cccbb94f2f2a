"""Backtests: a rule over the decisions that merchants' orders have left behind, with what became known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from functions.core.clock import isoformat
from functions.merchants.service import merchant_ids
from functions.payments.service import authorizations_between
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.risk.casework.labels import labels_known
from functions.risk.pack import DamagedError
from functions.risk.rule_life.backtest import StoredDecision, backtest
from functions.risk.rule_life.live import RulesetNotKeptError, read_record
from functions.risk.rules import Rule

MAX_DECISIONS: Final = 10_000
MAX_MERCHANTS: Final = 500
_NOT_RUN: Final = "not run"


@dataclass(slots=True)
class Sample:
    """What a backtest looks at, and what it could not look at.

    Args:
        since: From when on; business time.
        until: Until when.
        only: Id of a rule: decisions whose set did not run it are left out.
        unreadable: Decisions whose rule set or record format is no longer spoken.
        cut: There were more decisions than are looked at.
    """

    since: datetime
    until: datetime
    only: str = ""
    unreadable: int = 0
    cut: bool = False

    def decisions(self) -> Iterator[StoredDecision]:
        """Stored decisions of every merchant, the newest of each, no merchant having more than its share."""
        fraud = {label.authorization_id: label.fraud for label in labels_known(self.since, self.until)}
        merchants = merchant_ids(MAX_MERCHANTS)
        share = max(1, MAX_DECISIONS // max(1, len(merchants)))
        self.cut = len(merchants) == MAX_MERCHANTS
        for merchant in merchants:
            for seen, item in enumerate(authorizations_between(merchant, self.since, self.until)):
                if seen == share:
                    self.cut = True
                    break
                decision = self._decision(item, fraud.get(item.pk))
                if decision is not None:
                    yield decision

    def _decision(self, item: AuthorizationItem, fraud: bool | None) -> StoredDecision | None:  # noqa: FBT001
        if not item.decision:
            return None
        try:
            record, rules = read_record(item.decision)
        except (DamagedError, RulesetNotKeptError):
            self.unreadable += 1
            return None
        said = rules.results(record.bits)
        if self.only and said.get(self.only, _NOT_RUN) == _NOT_RUN:
            return None
        return StoredDecision(
            at_s=item.created_at_ms // 1000,
            amount_minor=item.amount,
            signals=record.signals,
            fraud=fraud,
            fired=frozenset(name for name, result in said.items() if result == "yes"),
        )


def backtest_report(rule: Rule, days: int, reviews_a_day: int, *, only_where_run: bool = False) -> dict[str, Any]:
    """What a rule would have done, or has done, as JSON.

    Args:
        rule: Compiled; need not be deployed.
        days: How far to look back.
        reviews_a_day: How many cases the reviewers can do.
        only_where_run: Look only at decisions in which the rule itself was run: in shadow, on canaries, or live.
    """
    until = container().clock.now()
    only = rule.id if only_where_run else ""
    sample = Sample(until - timedelta(days=days), until + timedelta(milliseconds=1), only)
    found = asdict(backtest(rule, sample.decisions(), reviews_a_day))
    return {
        **found,
        "since": isoformat(sample.since),
        "until": isoformat(until),
        "reviews_a_day": reviews_a_day,
        "unreadable": sample.unreadable,
        "cut": sample.cut,
    }
