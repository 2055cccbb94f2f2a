"""Dated versions of the API: an older one is today's, with small pure changes at the edge.

A request of an older version becomes one of today's before a view sees it, and the answer is turned back afterwards;
no slice knows that there was ever another form. So a command is the same whichever version its retries use.
Source: the scheme of Stripe's API versions, "APIs as infrastructure" (2017).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from functions.core.errors import FieldError, InvalidError
from functions.platform.web.context import CURRENT_VERSION, Call

Json = dict[str, Any]


def _as_it_is(answer: Json) -> Json:
    return answer


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a version does otherwise than the one after it.

    Args:
        says: What, for the table in docs/integration.md.
        routes: Where: "POST /v1/captures/{id}/refunds".
        renamed: Members of the request: name in this version → name in the next.
        answer: An answer of the next version → of this one.
    """

    says: str
    routes: frozenset[str]
    renamed: Mapping[str, str] = field(default_factory=dict)
    answer: Callable[[Json], Json] = _as_it_is

    def request(self, body: Json) -> Json:
        """A body of this version → of the next.

        Raises:
            InvalidError: It has a member that only the next version has.
        """
        ahead = [name for name in self.renamed.values() if name in body]
        if ahead:
            raise InvalidError(
                f"{', '.join(ahead)}: unknown in this version",
                errors=tuple(FieldError(f"/{name}", "unknown_field", "of a newer version") for name in ahead),
            )
        return {self.renamed.get(name, name): value for name, value in body.items()}


def _renamed(names: Mapping[str, str]) -> Callable[[Json], Json]:
    """Top-level members of an answer: name in the next version → name in this one."""
    return lambda answer: {names.get(name, name): value for name, value in answer.items()}


def _flat_decline(answer: Json) -> Json:
    """`decline: {code, url}` → `decline_code` and `confirm_url`, in one authorization or in a page of them."""
    if "data" in answer:
        return {**answer, "data": [_flat_decline(each) for each in answer["data"]]}
    decline = answer.get("decline") or {}
    rest = {name: value for name, value in answer.items() if name != "decline"}
    return {**rest, "decline_code": decline.get("code"), "confirm_url": decline.get("url")}


_REFUNDS = ("POST /v1/captures/{id}/refunds", "POST /v1/captures/{id}/refunds/preview", "GET /v1/refunds/{id}")
_AUTHORIZATIONS = (
    "POST /v1/authorizations", "GET /v1/authorizations", "GET /v1/authorizations/{id}",
    "POST /v1/authorizations/{id}/void", "POST /v1/authorizations/{id}/extend",
)  # fmt: skip

OLDER: Final[Mapping[str, tuple[Change, ...]]] = {
    "2026-09-01": (
        Change(
            says="a refund's `amount_minor` is called `amount`, in requests and answers",
            routes=frozenset(_REFUNDS),
            renamed={"amount": "amount_minor"},
            answer=_renamed({"amount_minor": "amount"}),
        ),
        Change(
            says="an authorization carries `decline_code` and `confirm_url` in place of `decline: {code, url}`",
            routes=frozenset(_AUTHORIZATIONS),
            answer=_flat_decline,
        ),
    ),
}
"""Version → what it does otherwise than the next one; the newest first."""


def _steps(version: str, route: str) -> list[Change]:
    """The changes between a version and today's on a route, the oldest first."""
    dates = [date for date in sorted(OLDER) if date >= version] if version in OLDER else []
    return [change for date in dates for change in OLDER[date] if route in change.routes]


def as_current(call: Call, route: str) -> Call:
    """The call as one of today's version; what is not JSON is left to the view.

    Args:
        call: As it came.
        route: Method and path template.

    Raises:
        InvalidError: It has a member that the version it asks for does not know.
    """
    steps = [step for step in _steps(asked(call), route) if step.renamed]
    if not steps or not call.raw.strip():
        return call
    try:
        body = json.loads(call.raw)
    except (ValueError, RecursionError):
        return call
    if not isinstance(body, dict):
        return call
    for step in steps:
        body = step.request(body)
    return replace(call, raw=json.dumps(body).encode())


def as_asked(body: Json, version: str, route: str) -> Json:
    """An answer of today's version as one of the version that was asked for; of an error, the pointers."""
    for step in reversed(_steps(version, route)):
        if "errors" in body and "code" in body:
            names = {f"/{new}": f"/{old}" for old, new in step.renamed.items()}
            errors = [{**each, "pointer": names.get(each["pointer"], each["pointer"])} for each in body["errors"]]
            body = {**body, "errors": errors}
        elif "request_id" not in body:
            body = step.answer(body)
    return body


def asked(call: Call) -> str:
    """The version that a call asks for, which may not exist; today's if it asks for none."""
    return call.headers.get("whitenote-version", CURRENT_VERSION)
