"""HTTP: staff see late debts by bucket, log contacts and take promises."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks
from functions.servicing.collections import service
from functions.servicing.collections.schemas import CollectionView, ContactRequest, PromiseRequest
from functions.servicing.collections.store import BUCKETS

blueprint = Blueprint(__name__)
_BUCKET = Query("bucket", "M1 if absent.", {"type": "string", "enum": list(BUCKETS)})


@blueprint.route("/v1/collections", methods=["GET"], authorizer=judge)
@staff("support", reads=True)
@speaks(Page[CollectionView], query=(_BUCKET, *PAGING))
def list_collections() -> Response:
    """List customers with late debts of a bucket, newest first."""
    return ok(service.list_files(this_call()))


@blueprint.route("/v1/collections/{id}", methods=["GET"], authorizer=judge)
@staff("support", reads=True)
@speaks(CollectionView)
def get_collection(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read what is late of one customer, as of now."""
    return ok(service.read_file(id))


@blueprint.route("/v1/collections/{id}/contacts", methods=["POST"], authorizer=judge)
@staff("support")
@speaks(CollectionView, body=ContactRequest)
def log_contact(id: str) -> Response:  # noqa: A002
    """Log a contact; what the caps on frequency and hours do not allow is refused."""
    item, replayed = service.log_contact(id, ContactRequest.parse(this_call()), this_call())
    return ok(item, replayed=replayed)


@blueprint.route("/v1/collections/{id}/promises", methods=["POST"], authorizer=judge)
@staff("support")
@speaks(CollectionView, body=PromiseRequest)
def take_promise(id: str) -> Response:  # noqa: A002
    """Take down a promise to pay; the sweep judges it when its day is over."""
    item, replayed = service.take_promise(id, PromiseRequest.parse(this_call()), this_call())
    return ok(item, replayed=replayed)
