"""HTTP: the OpenAPI document and its page, for anyone."""

from __future__ import annotations

from typing import Final

from chalice.app import Blueprint, Response

from functions.pages.reference import service
from functions.platform.web.http import public
from functions.platform.web.operation import JSON, Document, speaks

HTML, CSS = "text/html; charset=utf-8", "text/css; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint(__name__)


def _document(body: str, media: str) -> Response:
    headers = {"Content-Type": media, "Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY}
    return Response(body=body, status_code=200, headers={**headers})


@blueprint.route("/openapi.json", methods=["GET"])
@public()
@speaks(Document, media=JSON)
def openapi_document() -> Response:
    """Read this document."""
    return _document(service.as_json(), JSON)


@blueprint.route("/docs", methods=["GET"])
@public()
@speaks(Document, media=HTML)
def read_reference() -> Response:
    """Read this document as a page."""
    return _document(service.as_page(), HTML)


@blueprint.route("/docs/reference.css", methods=["GET"])
@public()
@speaks(Document, media=CSS)
def reference_style() -> Response:
    """The page's style sheet."""
    return _document(service.style(), CSS)
