"""HTTP: a customer's plans and repayments, the rail's callbacks, reminders, and the sandbox's clock."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from functions.core.clock import isoformat
from functions.payments.schemas import EmptyRequest
from functions.platform.authorizer import judge
from functions.platform.web.http import accepted, created, customer, ok, public, staff, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks
from functions.servicing import clock, plan_service, rail_service, reminder_service, repayment_service
from functions.servicing.clock import Progress
from functions.servicing.hardship import deferral_service, replan_service
from functions.servicing.hardship.schemas import (
    DeferralPreviewView,
    DeferralRequest,
    ReplanQuoteRequest,
    ReplanQuoteView,
    ReplanRequest,
)
from functions.servicing.reminders import Preference
from functions.servicing.schemas import (
    AgreementView,
    ClockAdvance,
    ClockView,
    CreditBalanceView,
    PayoffQuoteView,
    PayoffRequest,
    PlanView,
    RailCallback,
    RailCallbackView,
    ReminderPreference,
    ReminderPreferenceView,
    RepaymentRequest,
    RepaymentView,
)

blueprint = Blueprint(__name__)


def present_preference(preference: Preference) -> dict[str, Any]:
    """How a customer is reminded."""
    return {"channel": preference.channel, "enabled": preference.enabled}


def present_clock(progress: Progress) -> dict[str, Any]:
    """Where the clock stands and where it is going."""
    return {
        "object": "test_clock",
        "status": "advancing" if progress.target else "idle",
        "now": isoformat(progress.now),
        "wall": isoformat(progress.wall),
        "target": isoformat(progress.target) if progress.target else None,
        "stops": progress.stops,
    }


@blueprint.route("/v1/me/plans", methods=["GET"], authorizer=judge)
@customer()
@speaks(Page[PlanView], query=PAGING)
def list_plans() -> Response:
    """List one's own plans, newest first."""
    return ok(plan_service.list_plans(this_call()))


@blueprint.route("/v1/me/plans/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(PlanView)
def get_plan(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one's own plan: the schedule as it stands, what is due and what is late."""
    return ok(plan_service.show_plan(id, this_call()))


@blueprint.route("/v1/me/plans/{id}/agreement", methods=["GET"], authorizer=judge)
@customer()
@speaks(AgreementView)
def get_agreement(id: str) -> Response:  # noqa: A002
    """Read the agreement of a plan."""
    return ok(plan_service.show_agreement(id, this_call()))


@blueprint.route("/v1/me/plans/{id}/payoff-quote", methods=["GET"], authorizer=judge)
@customer()
@speaks(PayoffQuoteView)
def get_payoff_quote(id: str) -> Response:  # noqa: A002
    """What closes a plan today; void by anything that happens to the plan."""
    return ok(plan_service.quote_payoff(id, this_call()))


@blueprint.route("/v1/me/plans/{id}/payoff", methods=["POST"], authorizer=judge)
@customer()
@speaks(RepaymentView, status=201, body=PayoffRequest)
def pay_plan_off(id: str) -> Response:  # noqa: A002
    """Close a plan early."""
    repayment, replayed = plan_service.pay_plan_off(id, PayoffRequest.parse(this_call()), this_call())
    return created(repayment, replayed=replayed)


@blueprint.route("/v1/me/plans/{id}/defer", methods=["POST"], authorizer=judge)
@customer()
@speaks(PlanView, body=DeferralRequest)
def defer_plan(id: str) -> Response:  # noqa: A002
    """Move the next due days."""
    plan, replayed = deferral_service.defer_plan(id, DeferralRequest.parse(this_call()), this_call())
    return ok(plan, replayed=replayed)


@blueprint.route("/v1/me/plans/{id}/defer/preview", methods=["POST"], authorizer=judge)
@customer()
@speaks(DeferralPreviewView, body=DeferralRequest, command=False)
def preview_deferral(id: str) -> Response:  # noqa: A002
    """See what moving the next due days costs."""
    return ok(deferral_service.preview_deferral(id, DeferralRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/me/plans/{id}/replan/preview", methods=["POST"], authorizer=judge)
@customer()
@speaks(ReplanQuoteView, body=ReplanQuoteRequest, command=False)
def preview_replan(id: str) -> Response:  # noqa: A002
    """See what is left over a new term: its cost and rate before and after, and the document to accept."""
    return ok(replan_service.quote_replan(id, ReplanQuoteRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/me/plans/{id}/replan", methods=["POST"], authorizer=judge)
@customer()
@speaks(PlanView, body=ReplanRequest)
def replan_plan(id: str) -> Response:  # noqa: A002
    """Accept a new term exactly as it was shown."""
    plan, replayed = replan_service.replan_plan(id, ReplanRequest.parse(this_call()), this_call())
    return ok(plan, replayed=replayed)


@blueprint.route("/v1/me/plans/{id}/withdraw", methods=["POST"], authorizer=judge)
@customer()
@speaks(PlanView, body=EmptyRequest)
def withdraw_plan(id: str) -> Response:  # noqa: A002
    """Undo the agreement within the legal days: fees go, principal is due."""
    EmptyRequest.parse(this_call())
    plan, replayed = plan_service.withdraw_plan(id, this_call())
    return ok(plan, replayed=replayed)


@blueprint.route("/v1/me/repayments", methods=["POST"], authorizer=judge)
@customer()
@speaks(RepaymentView, status=201, body=RepaymentRequest)
def create_repayment() -> Response:
    """Pay what is due, pay a plan ahead, or close one; a failed collection is a repayment too."""
    repayment, replayed = repayment_service.repay(RepaymentRequest.parse(this_call()), this_call())
    return created(repayment, replayed=replayed)


@blueprint.route("/v1/me/repayments/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(RepaymentView)
def get_repayment(id: str) -> Response:  # noqa: A002
    """Read one's own repayment."""
    return ok(repayment_service.read_repayment(id, this_call().who.id))


@blueprint.route("/v1/me/credit-balance", methods=["GET"], authorizer=judge)
@customer()
@speaks(CreditBalanceView, query=(Query("currency", "CNY if absent.", {"type": "string"}),))
def get_credit_balance() -> Response:
    """Read one's own credit balance."""
    return ok(plan_service.show_credit_balance(this_call(), this_call().query.get("currency", "CNY")))


@blueprint.route("/v1/rails/callbacks", methods=["POST"])
@public()
@speaks(RailCallbackView, body=RailCallback, command=False)
def take_rail_callback() -> Response:
    """Hear from the payment rail; signed by it, and taken once however often it comes."""
    return ok(rail_service.take_callback(this_call()))


@blueprint.route("/v1/me/reminders", methods=["GET"], authorizer=judge)
@customer()
@speaks(ReminderPreferenceView)
def read_reminders() -> Response:
    """How the customer is reminded."""
    return ok(present_preference(reminder_service.preference_of(this_call().who.id)))


@blueprint.route("/v1/me/reminders", methods=["PUT"], authorizer=judge)
@customer()
@speaks(ReminderPreferenceView, body=ReminderPreference, command=False)
def set_reminders() -> Response:
    """Choose the channel, or no reminders at all."""
    body = ReminderPreference.parse(this_call())
    chosen = Preference(body.channel, enabled=body.enabled)
    return ok(present_preference(reminder_service.prefer(this_call().who.id, chosen)))


@blueprint.route("/v1/test-clock", methods=["GET"], authorizer=judge)
@staff("operator", reads=True)
@speaks(ClockView)
def read_clock() -> Response:
    """Where the sandbox's clock stands."""
    return ok(present_clock(clock.progress()))


@blueprint.route("/v1/test-clock/advance", methods=["POST"], authorizer=judge)
@staff("operator")
@speaks(ClockView, status=202, body=ClockAdvance, command=False)
def advance_clock() -> Response:
    """Advance business time; work goes on after the answer."""
    return accepted(present_clock(clock.advance(ClockAdvance.parse(this_call()).at)))
