"""Use cases of credit: apply, read an application, read one's line."""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import ConflictError, ForbiddenError
from functions.core.ids import derived_id
from functions.core.money import require_currency
from functions.credit.application_store import (
    ApplicationItem,
    application_sk,
    earlier_applications,
    load_application,
    open_record,
    plan_absent,
    plan_new,
    seal_record,
)
from functions.credit.deciding.decision import CreditDecision, decide
from functions.credit.deciding.facts import ApplicationFacts, BureauResult, IdentityResult, IncomeResult, StatedFinances
from functions.credit.deciding.personas import PERSONAS, as_persona
from functions.credit.deciding.ports import ask_bureau, ask_income, ask_purchases
from functions.credit.desk.filing import new_decision
from functions.credit.desk.store import plan_new_decision
from functions.credit.models.in_force import score_batch
from functions.credit.opening import commit_opening
from functions.credit.policies.policy import Policy, load_policy
from functions.credit.reasons import Reason
from functions.credit.schemas import ApplicationRequest
from functions.customers.customer import Customer, Profile
from functions.customers.service import get_profile, sealer_of
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call, Command
from functions.platform.web.started import begin


class IdentityRequiredError(ForbiddenError):
    code, title = "identity_required", "Only a person whose identity is verified can be assessed"


class LineExistsError(ConflictError):
    code, title = "line_exists", "There is a credit line in this currency"


def apply_for_line(body: ApplicationRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Assess an applicant and, if approved, open the line: one decision, one transaction.

    Returns:
        The application with its reasons, and whether it is the same one again.

    Raises:
        IdentityRequiredError: The identity check failed.
        LineExistsError: There is a line in this currency.
        InProgressError: The same request is waiting for the bureau.
    """
    box, command = container(), call.command()
    require_currency(body.currency)
    profile = get_profile(call.who.id)
    customer = profile.customer
    application_id = derived_id("capp", box.secrets.key("ids"), command.scope)
    own: ApplicationItem | None = box.tables.get(
        ApplicationItem, customer.id, application_sk(application_id), consistent=True
    )
    if own is not None:
        same_body(own.body, command)
        return present(own), True
    if customer.status == "identity_failed":
        raise IdentityRequiredError
    if body.currency in customer.aliases:
        raise LineExistsError
    try:
        started = begin(box.tables, application_id, command, box.clock.wall(), plan_absent(customer.id, application_id))
    except ConditionFailedError as error:  # another try has finished since we looked
        return _same(error, command), True
    try:
        decision, stated = _assess(body, profile, load_policy())
        item = _item(application_id, customer, decision, stated, call)
        _commit(item, customer, decision, asked_minor=body.requested_limit_minor, call=call, done=started.done())
    except ConditionFailedError as error:
        return _same(error, command), True
    except BaseException:
        started.release()
        raise
    count(f"application_{decision.outcome}")
    return present(item), False


def _same(error: ConditionFailedError, command: Command) -> dict[str, Any]:
    """The application that this command has made already."""
    stored = ApplicationItem.from_raw_data(dict(error.item or {}))
    same_body(stored.body, command)
    return present(stored)


def _assess(body: ApplicationRequest, profile: Profile, policy: Policy) -> tuple[CreditDecision, ApplicationFacts]:
    """Ask the outside sources, then decide."""
    box, customer = container(), profile.customer
    today = local_date(box.clock.now(), customer.zone)
    facts = ApplicationFacts(
        currency=body.currency,
        requested_limit_minor=body.requested_limit_minor,
        income_minor=body.income_minor,
        expenses_minor=body.expenses_minor,
        assets_minor=body.assets_minor,
        debts_minor=body.debts_minor,
        housing=body.housing,
        job=body.job,
        seniority_years=body.seniority_years,
        age_years=customer.age,
        applied_on=today,
        order_price_minor=body.order_price_minor,
        earlier=_earlier(customer.id, body.currency),
    )
    _, document = profile.personal["document"]
    persona = None if box.settings.is_live else PERSONAS.get(customer.magic or "")
    if persona is not None:
        facts = as_persona(persona, facts, policy)
        bureau = persona.bureau or BureauResult("unavailable", source="sandbox")
    elif customer.has_consented("bureau_query"):
        bureau = ask_bureau(box.port("credit_bureau"), document, body.currency)
    else:
        # nobody is asked without consent (PIPL art. 23); what is not known caps the limit as a thin file does
        bureau = BureauResult("no_hit", source="no_consent")
    income = IncomeResult()
    ceiling = policy.of_reference(body.currency, policy.income["verify_over_reference_bps"])
    if facts.income_minor is not None and facts.income_minor > ceiling:
        income = ask_income(box.port("income_verification"), document, facts.income_minor, body.currency)
    purchases = None
    if customer.has_consented("purchase_history"):
        consent = f"{customer.id}:purchase_history"
        purchases = ask_purchases(box.port("purchase_history"), profile.personal["phone"], consent)
    return decide(facts, _identity(customer), bureau, income, purchases, score_batch, policy), facts


def _identity(customer: Customer) -> IdentityResult:
    if customer.status == "identity_pending":
        return IdentityResult(document_valid=None, name_phone="unavailable", watch_list="unavailable", source="pending")
    return IdentityResult(document_valid=True, source=customer.identity.provider)


def _earlier(customer_id: str, currency: str) -> tuple[StatedFinances, ...]:
    """What was stated before in this currency; the policy decides how far back it counts."""
    items = earlier_applications(container().tables, customer_id)
    sealer = sealer_of(customer_id) if items else None
    if sealer is None:
        return ()
    return tuple(
        StatedFinances(**{**stated, "stated_on": date.fromisoformat(stated["stated_on"])})
        for item in items
        if item.currency == currency and (stated := sealer.open("stated", item.stated)) is not None
    )


def _stated(facts: ApplicationFacts) -> dict[str, Any] | None:
    figures = (facts.income_minor, facts.expenses_minor, facts.assets_minor, facts.debts_minor, facts.seniority_years)
    if any(figure is None for figure in figures):
        return None
    return {
        "stated_on": facts.applied_on.isoformat(),
        "income_minor": facts.income_minor,
        "expenses_minor": facts.expenses_minor,
        "assets_minor": facts.assets_minor,
        "debts_minor": facts.debts_minor,
        "seniority_years": facts.seniority_years,
    }


def _item(
    application_id: str, customer: Customer, decision: CreditDecision, facts: ApplicationFacts, call: Call
) -> ApplicationItem:
    box, command = container(), call.command()
    now, sealer = box.clock.now(), sealer_of(customer.id)
    item = ApplicationItem(
        pk=customer.id,
        sk=application_sk(application_id),
        version=1,
        id=application_id,
        outcome=decision.outcome,
        currency=decision.currency,
        limit=decision.limit_minor,
        grade=decision.grade,
        terms=",".join(str(term) for term in decision.allowed_terms) or None,
        reasons=[_reason(reason) for reason in decision.reasons],
        model=decision.model_version,
        policy=decision.policy_hash,
        record_hash=bytes.fromhex(decision.record_sha256),
        record=seal_record(sealer, decision.record),
        stated=sealer.seal("stated", _stated(facts)),
        decided_at_ms=epoch_ms(now),
        key=command.key,
        body=command.body,
    )
    item.tell(now, call.request_id, Pending("credit_application.decided"))
    return item


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "text_en": reason.text_en, "text_zh": reason.text_zh}


def _commit(
    item: ApplicationItem, customer: Customer, decision: CreditDecision, *, asked_minor: int, call: Call, done: WriteSet
) -> None:
    """Write application and decision and, when approved, the line they open, all or nothing."""
    box = container()
    filed = new_decision(item, decision, asked_minor, customer.zone)
    if filed.due_on:
        item.answer_due_on = filed.due_on

    def plan() -> WriteSet:
        return plan_new(item, ConditionFailedError) + plan_new_decision(filed) + done

    if decision.outcome != "approved":
        commit(box.tables, plan())
        return
    sealer = sealer_of(customer.id)
    commit_opening(item, customer, sealer, decision.record, request_id=call.request_id, plan=plan)


def present(item: ApplicationItem) -> dict[str, Any]:
    """An application as its customer sees it, reasons included."""
    return {
        "id": item.id,
        "object": "credit_application",
        "status": item.outcome,
        "currency": item.currency,
        "limit_minor": item.limit if item.outcome == "approved" else 0,
        "grade": item.grade,
        "allowed_terms": [int(term) for term in (item.terms or "").split(",") if term],
        "reasons": item.reasons,
        "model_version": item.model,
        "policy_hash": item.policy,
        "decided_at": isoformat(from_epoch_ms(item.decided_at_ms)),
        "decided_by": item.decided_by,
        "appealed": bool(item.appealed),
        "answer_due_on": item.answer_due_on,
    }


def read_application(application_id: str, customer_id: str) -> dict[str, Any]:
    """A customer's own application.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    return present(load_application(application_id, customer_id))


def list_applications(customer_id: str) -> list[dict[str, Any]]:
    """A customer's applications, at most fifty."""
    return [present(item) for item in earlier_applications(container().tables, customer_id)]


def decision_record(application_id: str, customer_id: str) -> bytes:
    """The decision record of an application, for replay.

    Raises:
        NotFoundError: Not there.
    """
    return open_record(load_application(application_id, customer_id))
