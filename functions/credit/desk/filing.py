"""A fresh decision is filed for staff; one that was referred waits for a person from that moment."""

from __future__ import annotations

from functions.core.clock import from_epoch_ms, local_date
from functions.core.ids import id_bytes
from functions.credit.application_store import ApplicationItem
from functions.credit.deciding.decision import CreditDecision
from functions.credit.desk.reconsideration import Kind, open_work
from functions.credit.desk.store import DecisionItem, put_work
from functions.credit.policies.policy import load_policy


def new_decision(application: ApplicationItem, decision: CreditDecision, asked_minor: int, zone: str) -> DecisionItem:
    """The decision of an application, as staff will find it.

    Args:
        application: About to be written.
        decision: What the policy decided.
        asked_minor: Limit that was asked for.
        zone: The applicant's.
    """
    item = DecisionItem(
        pk=application.id,
        version=1,
        customer=id_bytes(application.customer_id),
        currency=application.currency,
        asked=asked_minor,
        outcome=decision.outcome,
        first=decision.outcome,
        suggested=decision.limit_minor,
        granted=decision.limit_minor if decision.outcome == "approved" else 0,
        codes=[reason.code for reason in decision.reasons],
        model=decision.model_version,
        policy=decision.policy_hash,
        record_hash=bytes.fromhex(decision.record_sha256),
        decided_at_ms=application.decided_at_ms,
        zone=zone,
    )
    if decision.outcome == "referred":
        now, people = from_epoch_ms(application.decided_at_ms), load_policy().people
        days, calendar = people.referral_answer_working_days, people.working_calendar
        put_work(item, open_work(Kind.REFERRAL, now, local_date(now, zone), days=days, calendar=calendar))
    return item
