"""Plan products over HTTP, for staff: one person proposes a version, another approves it."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.lending.products import service as product_service
from functions.lending.products.schemas import ApprovalRequest, ProductRequest, ProductView
from functions.platform.authorizer import judge
from functions.platform.web.http import created, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, speaks

blueprint = Blueprint(__name__)


@blueprint.route("/v1/products", methods=["GET"], authorizer=judge)
@staff("risk_admin", "finance", reads=True)
@speaks(Page[ProductView], query=PAGING)
def list_products() -> Response:
    """List every version of every product, by name."""
    return ok(product_service.list_products(this_call()))


@blueprint.route("/v1/products", methods=["POST"], authorizer=judge)
@staff("risk_admin", "finance")
@speaks(ProductView, status=201, body=ProductRequest)
def propose_product() -> Response:
    """Set up the next version of a product; it counts once another person has approved it."""
    product, replayed = product_service.propose_product(ProductRequest.parse(this_call()), this_call())
    return created(product, replayed=replayed)


@blueprint.route("/v1/products/{id}/approve", methods=["POST"], authorizer=judge)
@staff("risk_admin", "finance")
@speaks(ProductView, body=ApprovalRequest)
def approve_product(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Let a proposed version count from its first day on."""
    ApprovalRequest.parse(this_call())
    product, replayed = product_service.approve_product(id, this_call())
    return ok(product, replayed=replayed)
