"""Rules, named lists and risk decisions over HTTP, for staff."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import created, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks
from functions.risk.fraud.score import prove
from functions.risk.named_lists import service as lists
from functions.risk.rule_life import replay_service, service
from functions.risk.rule_life.schemas import (
    ActivateRequest,
    BacktestRequest,
    BacktestView,
    CanaryRequest,
    EntryView,
    ListAddRequest,
    ListRemoveRequest,
    ListsView,
    ReplayView,
    RiskDecisionView,
    RuleCommand,
    RuleRequest,
    RuleView,
    SnoozeRequest,
)
from functions.risk.rule_life.service import Order

prove()  # a container with a fraud model that was tampered with does not start
blueprint = Blueprint(__name__)

_LOOKING_BACK = (
    Query("days", "How far to look back.", {"type": "integer", "minimum": 1, "maximum": 90, "default": 30}),
    Query(
        "reviews_a_day",
        "How many cases the reviewers can do.",
        {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 50},
    ),
)


@blueprint.route("/v1/risk-rules", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(Page[RuleView], query=(*PAGING, Query("status", "Rules in one state.", {"type": "string"})))
def list_rules() -> Response:
    """List every version of every rule, by name."""
    return ok(service.list_rules(this_call()))


@blueprint.route("/v1/risk-rules", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, status=201, body=RuleRequest)
def draft_rule() -> Response:
    """Write the next version of a rule."""
    body = RuleRequest.parse(this_call())
    rule, replayed = service.draft(body.rule, body.reason, this_call())
    return created(rule, replayed=replayed)


@blueprint.route("/v1/risk-rules/{id}", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(RuleView)
def get_rule(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read a version of a rule with its history and its last backtest."""
    return ok(service.read_rule(id))


@blueprint.route("/v1/risk-rules/{id}/results", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(BacktestView, query=_LOOKING_BACK)
def get_rule_results(id: str) -> Response:  # noqa: A002
    """See what the rule has done where it was run: in shadow, on canaries or live."""
    return ok(service.results(id, this_call()))


@blueprint.route("/v1/risk-rules/{id}/validate", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=RuleCommand)
def validate_rule(id: str) -> Response:  # noqa: A002
    """Check that the rule and those that decide now fit one decision together."""
    return _carried_on(id, "validate")


@blueprint.route("/v1/risk-rules/{id}/backtest", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=BacktestRequest)
def backtest_rule(id: str) -> Response:  # noqa: A002
    """See what the rule would have done with the decisions of the last days."""
    body = BacktestRequest.parse(this_call())
    rule, replayed = service.run_backtest(id, body.days, body.reviews_a_day, this_call())
    return ok(rule, replayed=replayed)


@blueprint.route("/v1/risk-rules/{id}/shadow", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=RuleCommand)
def shadow_rule(id: str) -> Response:  # noqa: A002
    """Let the rule be recorded, never counted."""
    return _carried_on(id, "shadow")


@blueprint.route("/v1/risk-rules/{id}/canary", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=CanaryRequest)
def canary_rule(id: str) -> Response:  # noqa: A002
    """Let another's rule count for a share of customers."""
    body = CanaryRequest.parse(this_call())
    order = Order(body.reason, share_bps=body.share_bps)
    rule, replayed = service.command_rule(id, "canary", order, this_call())
    return ok(rule, replayed=replayed)


@blueprint.route("/v1/risk-rules/{id}/activate", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=ActivateRequest)
def activate_rule(id: str) -> Response:  # noqa: A002
    """Let another's rule decide, in place of its earlier versions."""
    body = ActivateRequest.parse(this_call())
    rule, replayed = service.command_rule(id, "activate", Order(body.reason, until=body.until), this_call())
    return ok(rule, replayed=replayed)


@blueprint.route("/v1/risk-rules/{id}/snooze", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=SnoozeRequest)
def snooze_rule(id: str) -> Response:  # noqa: A002
    """Take the rule out until a time."""
    body = SnoozeRequest.parse(this_call())
    rule, replayed = service.command_rule(id, "snooze", Order(body.reason, until=body.until), this_call())
    return ok(rule, replayed=replayed)


@blueprint.route("/v1/risk-rules/{id}/retire", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(RuleView, body=RuleCommand)
def retire_rule(id: str) -> Response:  # noqa: A002
    """Take the rule out for good."""
    return _carried_on(id, "retire")


def _carried_on(rule_id: str, verb: str) -> Response:
    body = RuleCommand.parse(this_call())
    rule, replayed = service.command_rule(rule_id, verb, Order(body.reason), this_call())
    return ok(rule, replayed=replayed)


@blueprint.route("/v1/risk-lists", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(ListsView)
def list_lists() -> Response:
    """Every named list and how many stand on it."""
    return ok({"data": lists.summaries()})


@blueprint.route("/v1/risk-lists/{id}", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(Page[EntryView], query=PAGING)
def get_list(id: str) -> Response:  # noqa: A002
    """Who stands, or stood, on a list, and why."""
    return ok(lists.entries(id, this_call()))


@blueprint.route("/v1/risk-lists/{id}/add", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(EntryView, body=ListAddRequest)
def add_to_list(id: str) -> Response:  # noqa: A002
    """Put someone or something on a list."""
    body = ListAddRequest.parse(this_call())
    entry, replayed = lists.add(id, body.value, body.reason, body.until, this_call())
    return ok(entry, replayed=replayed)


@blueprint.route("/v1/risk-lists/{id}/remove", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(EntryView, body=ListRemoveRequest)
def remove_from_list(id: str) -> Response:  # noqa: A002
    """Take it off the list; the entry stays with its history."""
    body = ListRemoveRequest.parse(this_call())
    entry, replayed = lists.remove(id, body.value, body.reason, this_call())
    return ok(entry, replayed=replayed)


@blueprint.route("/v1/risk-decisions/{id}", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", "modeller", reads=True)
@speaks(RiskDecisionView)
def get_risk_decision(id: str) -> Response:  # noqa: A002
    """Why the risk checks decided so on an authorization."""
    return ok(replay_service.explain_decision(id))


@blueprint.route("/v1/risk-decisions/{id}/replay", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", "modeller", reads=True)
@speaks(ReplayView)
def replay_risk_decision(id: str) -> Response:  # noqa: A002
    """Make the decision again from its record, with its own rules and model."""
    return ok(replay_service.replay_decision(id))
