"""Dead letters over HTTP, for operators."""

from __future__ import annotations

from typing import Literal

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.bus import replaying
from functions.platform.web.http import ok, staff, this_call
from functions.platform.web.operation import PAGING, Instant, Page, Query, speaks
from functions.platform.web.schema import Answer, Body

blueprint = Blueprint(__name__)


class ReplayRequest(Body):
    """`POST /v1/dead-letters/{id}/replay`; needs no more than its path."""


class DeadLetterView(Answer):
    """Something that no consumer could handle."""

    id: str
    object: Literal["dead_letter"]
    status: Literal["waiting", "replayed"]
    source: str
    consumer: str | None
    reason: str | None
    event_type: str | None
    event_id: str | None
    at: Instant
    replayed_by: str | None
    replayed_at: Instant | None


_STATUS = Query("status", "In one state.", {"type": "string", "enum": ["waiting", "replayed"]})


@blueprint.route("/v1/dead-letters", methods=["GET"], authorizer=judge)
@staff("operator", reads=True)
@speaks(Page[DeadLetterView], query=(*PAGING, _STATUS))
def list_dead_letters() -> Response:
    """List what no consumer could handle, newest first."""
    return ok(replaying.list_letters(this_call()))


@blueprint.route("/v1/dead-letters/{id}", methods=["GET"], authorizer=judge)
@staff("operator", reads=True)
@speaks(DeadLetterView)
def get_dead_letter(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read a dead letter."""
    return ok(replaying.present(replaying.read_letter(id)))


@blueprint.route("/v1/dead-letters/{id}/replay", methods=["POST"], authorizer=judge)
@staff("operator")
@speaks(DeadLetterView, body=ReplayRequest)
def replay_dead_letter(id: str) -> Response:  # noqa: A002
    """Hand it once more to whoever could not take it."""
    ReplayRequest.parse(this_call())
    letter, replayed = replaying.replay(id, this_call())
    return ok(letter, replayed=replayed)
