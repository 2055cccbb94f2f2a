"""Between Chalice and the slices: who may call a view, what it may assume, how it answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec

from chalice.app import MultiDict, Request, Response

from functions.core.errors import MalformedError, NotFoundError, UnavailableError, WhitenoteError
from functions.core.ids import id_bytes
from functions.platform.container import container
from functions.platform.observability import flush, log
from functions.platform.storage.outbox import acting
from functions.platform.web import versions
from functions.platform.web.context import CURRENT_VERSION, Call, Principal
from functions.platform.web.problems import CONTENT_TYPE, problem
from functions.platform.web.rate_limit import Spent, spend

if TYPE_CHECKING:
    from functions.platform.web.operation import Operation

P = ParamSpec("P")
_call: ContextVar[Call] = ContextVar("call")

SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a view; a test compares this with openapi.yaml and with the table of credentials.

    Args:
        kind: "merchant", "customer", "staff" or "public".
        scopes: One of them is enough; none means that the kind is enough.
        also: Another kind of principal for whom the same path reads.
    """

    kind: str
    scopes: tuple[str, ...] = ()
    also: Access | None = None

    @property
    def each(self) -> tuple[Access, ...]:
        """One for each kind of principal that may use the view."""
        return (self, *self.also.each) if self.also else (self,)

    def of(self, kind: str) -> Access:
        """What is asked of a principal of this kind; of another kind, what is asked of the first."""
        return next((each for each in self.each if each.kind == kind), self)


def call_of(request: Request) -> Call:
    """The request as values."""
    context = request.context
    path = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", value)
    raw = request.raw_body
    query = request.query_params or MultiDict({})
    return Call(
        request_id=str(context.get("requestId") or "local"),
        method=request.method,
        path=path,
        principal=_principal(context.get("authorizer")),
        headers={name.lower(): value for name, value in (request.headers or {}).items()},
        query={name: query.getlist(name)[0] for name in query},
        raw=raw if isinstance(raw, bytes) else raw.encode(),
        commands_key=container().secrets.key("commands"),
    )


def _principal(judged: Mapping[str, Any] | None) -> Principal | None:
    if not judged or "kind" not in judged:
        return None
    return Principal(
        kind=judged["kind"],
        id=judged["id"],
        scopes=frozenset(judged.get("scopes", "").split()),
        key_id=judged.get("key_id", ""),
        keys_version=int(judged.get("keys_version", 0)),
        session=judged.get("session", ""),
        authenticated_s=int(judged.get("auth_time", 0)),
    )


def _actor(who: Principal | None) -> bytes | None:
    return id_bytes(who.id) + id_bytes(who.key_id) if who is not None and who.key_id else None


def this_call() -> Call:
    """The call that the running view serves."""
    return _call.get()


def enter(call: Call) -> None:
    """Make a call the current one."""
    _call.set(call)
    log().append_keys(request_id=call.request_id)


def present(error: WhitenoteError, request_id: str) -> Response:
    """An error as an answer."""
    status, body, headers = problem(error, request_id)
    # Chalice serialises a dict itself, but only Content-Type application/json passes its binary check unharmed
    return Response(body=json.dumps(body, ensure_ascii=False), status_code=status, headers={**headers})


def _guarded(access: Access) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
        operation: Operation | None = getattr(view, "operation", None)
        is_command = operation is not None and operation.command

        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            call = this_call()
            spent: Spent | None = None
            try:
                if access.kind != "public":
                    asked = access.of(call.who.kind)
                    who = call.require(asked.kind, *asked.scopes)
                    spent = spend(who)
                    spent.require_allowed()
                call.api_version()
                if is_command:
                    call.idempotency_key()  # told before anything that is wrong with the body
                response = view(*args, **kwargs)
            except WhitenoteError as error:
                response = present(error, call.request_id)
            except Exception:  # noqa: BLE001  the caller never sees a stack trace
                log().exception("unhandled")
                response = present(WhitenoteError(), call.request_id)
            if spent is not None:
                # a narrower limit that refused the request (too many codes, too many purchases) keeps its own word
                own = {} if not spent.allowed else response.headers
                response.headers.update({**spent.headers, **own})
            return response

        guarded.access = access  # type: ignore[attr-defined]
        return guarded

    return decorate


def merchant_scope(*scopes: str) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """A view for merchants whose key has one of these scopes."""
    return _guarded(Access("merchant", scopes))


def merchant_or_staff(
    scopes: tuple[str, ...], roles: tuple[str, ...]
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """A view that reads for merchants with one of these scopes and for staff with one of these roles."""
    return _guarded(Access("merchant", scopes, Access("staff", (*roles, "auditor"))))


def customer() -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """A view for the signed-in customer."""
    return _guarded(Access("customer"))


def staff(*roles: str, reads: bool = False) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """A view for staff with one of these roles; an auditor may read everything and write nothing."""
    return _guarded(Access("staff", (*roles, "auditor") if reads else roles))


def public() -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """A view for anyone."""
    return _guarded(Access("public"))


def ok(body: Any, *, replayed: bool = False) -> Response:  # noqa: ANN401  any JSON value
    """200 with a body."""
    return _answer(body, 200, replayed=replayed)


def created(body: Any, *, replayed: bool = False) -> Response:  # noqa: ANN401  any JSON value
    """201 with the new resource, or with the same one again."""
    return _answer(body, 201, replayed=replayed)


def accepted(body: Any, *, replayed: bool = False) -> Response:  # noqa: ANN401  any JSON value
    """202: work goes on after the answer."""
    return _answer(body, 202, replayed=replayed)


def _answer(body: Any, status: int, *, replayed: bool) -> Response:  # noqa: ANN401
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body=body, status_code=status, headers={**headers})


class MethodNotAllowedError(WhitenoteError):
    status, code, title = 405, "method_not_allowed", "This path has no such method"


class UnsupportedMediaTypeError(WhitenoteError):
    status, code, title = 415, "unsupported_media_type", "The body is not application/json"


_CHALICE_ERRORS: Mapping[int, type[WhitenoteError]] = {
    error.status: error for error in (MalformedError, NotFoundError, MethodNotAllowedError, UnsupportedMediaTypeError)
}


def http_edge(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """App-wide middleware: begins the call, ends every answer with its headers, gives Chalice's own errors our form."""
    request_id = str(request.context.get("requestId") or "local")
    version, route = CURRENT_VERSION, f"{request.method} {request.path}"
    try:
        call = call_of(request)
        version = versions.asked(call)
        enter(call)
        call = versions.as_current(call, route)
        enter(call)
        with acting(_actor(call.principal)):
            response = get_response(request)
    except WhitenoteError as error:
        response = present(error, request_id)
    except Exception:  # noqa: BLE001  what fails before the view is reached is a part of ours that did not answer
        log().exception("not begun")
        response = present(UnavailableError(retry_after_s=1), request_id)
    content_type = str(response.headers.get("Content-Type", ""))
    if response.status_code >= 400 and CONTENT_TYPE not in content_type:  # noqa: PLR2004
        response = _chalice_problem(response, request_id)
    if version != CURRENT_VERSION:
        response.body = _in_version(response.body, version, route)
    response.headers.update(SECURITY_HEADERS)
    response.headers["X-Request-Id"] = request_id
    response.headers["Whitenote-Version"] = version
    flush()
    return response


def _in_version(body: Any, version: str, route: str) -> Any:  # noqa: ANN401  any JSON value, or a problem as text
    if isinstance(body, str) and body.startswith("{"):
        return json.dumps(versions.as_asked(json.loads(body), version, route), ensure_ascii=False)
    return versions.as_asked(body, version, route) if isinstance(body, dict) else body


def _chalice_problem(response: Response, request_id: str) -> Response:
    said = response.body.get("Message", "") if isinstance(response.body, dict) else ""
    answer = present(_CHALICE_ERRORS.get(response.status_code, WhitenoteError)(str(said)), request_id)
    answer.headers.update({k: v for k, v in response.headers.items() if k == "Allow"})
    return answer
