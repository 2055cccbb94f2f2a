"""The layered indicators over HTTP, for staff."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import ok, staff, this_call
from functions.platform.web.operation import speaks
from functions.risk.portfolio import service
from functions.risk.portfolio.schemas import CURRENCY, HISTORY, ON, HistoryView, PortfolioView

blueprint = Blueprint(__name__)


@blueprint.route("/v1/portfolio", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", "modeller", "finance", reads=True)
@speaks(PortfolioView, query=(CURRENCY, ON))
def get_portfolio() -> Response:
    """Read a day's indicators in five layers, with the tables behind them."""
    return ok(service.read_portfolio(this_call()))


@blueprint.route("/v1/portfolio/history", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", "modeller", "finance", reads=True)
@speaks(HistoryView, query=HISTORY)
def get_portfolio_history() -> Response:
    """Read one indicator over time."""
    return ok(service.read_history(this_call()))
