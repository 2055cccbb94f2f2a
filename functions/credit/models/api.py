"""Models over HTTP, for staff: cards, drift, comparison; challenge, promote by two persons, roll back."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.credit.models import monitoring, service, watch
from functions.credit.models.report import comparison
from functions.credit.models.schemas import (
    ComparisonView,
    DriftView,
    ModelCommand,
    ModelList,
    ModelView,
    MonitoringView,
)
from functions.platform.authorizer import judge
from functions.platform.web.http import ok, staff, this_call
from functions.platform.web.operation import speaks

blueprint = Blueprint(__name__)


@blueprint.route("/v1/models", methods=["GET"], authorizer=judge)
@staff("modeller", "risk_admin", reads=True)
@speaks(ModelList)
def list_models() -> Response:
    """List the models of this deployment with their roles."""
    return ok(service.list_models())


@blueprint.route("/v1/models/monitoring", methods=["GET"], authorizer=judge)
@staff("modeller", "risk_admin", reads=True)
@speaks(MonitoringView)
def get_monitoring() -> Response:
    """Read vintage curves and override rates."""
    shown = {"vintages": monitoring.vintages(), "overrides": monitoring.overrides()}
    return ok({"object": "credit_monitoring", **shown})


@blueprint.route("/v1/models/{id}", methods=["GET"], authorizer=judge)
@staff("modeller", "risk_admin", reads=True)
@speaks(ModelView)
def get_model(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read a model with its card."""
    return ok(service.read_model(id))


@blueprint.route("/v1/models/{id}/drift", methods=["GET"], authorizer=judge)
@staff("modeller", "risk_admin", reads=True)
@speaks(DriftView)
def get_drift(id: str) -> Response:  # noqa: A002
    """Read how far the people who are scored have moved, this week and by week."""
    return ok(watch.drift(id))


@blueprint.route("/v1/models/{id}/compare", methods=["GET"], authorizer=judge)
@staff("modeller", "risk_admin", reads=True)
@speaks(ComparisonView)
def get_comparison(id: str) -> Response:  # noqa: A002
    """Compare a challenger with the champion on the cases that both judged."""
    return ok(comparison(id))


@blueprint.route("/v1/models/{id}/challenge", methods=["POST"], authorizer=judge)
@staff("modeller")
@speaks(ModelView, body=ModelCommand)
def challenge_model(id: str) -> Response:  # noqa: A002
    """Let a model score in the champion's shadow."""
    return _act(id, "challenge")


@blueprint.route("/v1/models/{id}/withdraw", methods=["POST"], authorizer=judge)
@staff("modeller")
@speaks(ModelView, body=ModelCommand)
def withdraw_model(id: str) -> Response:  # noqa: A002
    """Take a challenger out of the shadow."""
    return _act(id, "withdraw")


@blueprint.route("/v1/models/{id}/propose", methods=["POST"], authorizer=judge)
@staff("modeller", "risk_admin")
@speaks(ModelView, body=ModelCommand)
def propose_model(id: str) -> Response:  # noqa: A002
    """Ask a second person to make the challenger the champion."""
    return _act(id, "propose")


@blueprint.route("/v1/models/{id}/promote", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(ModelView, body=ModelCommand)
def promote_model(id: str) -> Response:  # noqa: A002
    """Make the challenger the champion, as the second person."""
    return _act(id, "promote")


@blueprint.route("/v1/models/{id}/roll-back", methods=["POST"], authorizer=judge)
@staff("modeller", "risk_admin")
@speaks(ModelView, body=ModelCommand)
def roll_back_model(id: str) -> Response:  # noqa: A002
    """Make the champion before this one champion again."""
    return _act(id, "roll_back")


def _act(version: str, what: str) -> Response:
    body = ModelCommand.parse(this_call())
    model, replayed = service.act(version, what, body.reason, this_call())
    return ok(model, replayed=replayed)
