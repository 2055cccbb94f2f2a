"""`python -m infra.openapi [--check]`: openapi.yaml, generated from the routes and the models declared beside them."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import app
from functions.platform.web.context import CURRENT_VERSION
from functions.platform.web.http import Access
from functions.platform.web.operation import JSON, Document, Operation
from infra.manifest import ROOT

FILE: Final = ROOT / "openapi.yaml"
EXAMPLES: Final = ROOT / "infra" / "examples.json"
"""Chapter → what each operation was asked and answered in a story that a test plays (tests/builders/story)."""
_REF: Final = "#/components/schemas/{model}"
_SECURITY: Final = {"merchant": "merchantKey", "customer": "customerToken", "staff": "staffToken"}
_TAGS: Final = {
    "risk-rules": "Risk", "risk-lists": "Risk", "risk-decisions": "Risk",
    "unmatched-receipts": "Servicing", "adjustments": "Servicing", "complaints": "Servicing",
    "collections": "Servicing",
    "quotes": "Checkout", "checkouts": "Checkout", "authorizations": "Payments", "captures": "Payments",
    "refunds": "Payments", "disputes": "Payments", "fulfilments": "Payments", "rails": "Payments",
    "in-store": "In store",
    "products": "Products",
    "customers": "Customers", "sign-in": "Customers", "sign-out": "Customers", "me": "Customers",
    "passkeys": "Customers",
    "credit-applications": "Credit", "decisions": "Credit", "models": "Credit",
    "merchants": "Merchants", "api-keys": "Merchants", "reviews": "Risk",
    "alerts": "Risk", "portfolio": "Risk", "ledger": "Ledger", "test-clock": "Sandbox", "dead-letters": "Operations",
    "webhook-endpoints": "Webhooks", "events": "Webhooks", "docs": "Reference", "openapi.json": "Reference",
}  # fmt: skip
_PROBLEMS: Final = {
    "400": "Malformed", "401": "No valid credential", "403": "Scope missing", "404": "No such thing",
    "409": "The state does not allow this", "413": "Body over 64 KiB", "415": "Content-Type is not application/json",
    "422": "Invalid", "429": "Too many requests",
    "503": "Not available right now; nothing was done",
}  # fmt: skip
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
    "additionalProperties": True,
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "The same key and body again: the same resource. Kept at least 7 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_VERSION: Final = {
    "name": "Whitenote-Version",
    "in": "header",
    "description": "Pins a dated version; the answer carries it back. This document is of the newest: what older ones "
    "do otherwise stands in docs/integration.md.",
    "schema": {"type": "string", "enum": [CURRENT_VERSION]},
}


def views() -> Iterator[tuple[str, str, Any]]:
    """Path, method and view of every route."""
    for path, methods in sorted(app.app.routes.items()):
        for method, entry in sorted(methods.items()):
            yield path, method, entry.view_function


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document.

    Raises:
        SystemExit: A view declares nothing.
    """
    undeclared = [f"{method} {path}" for path, method, view in views() if not hasattr(view, "operation")]
    if undeclared:
        sys.exit(f"no operation is declared for {', '.join(undeclared)}")
    refs, schemas = _schemas()
    told: dict[str, dict[str, Any]] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    examples = {
        name: {kind: {chapter: {"value": value}} for kind, value in exchange.items()}
        for chapter, happened in told.items()
        for name, exchange in happened["exchanges"].items()
    }
    problems = {status: each for happened in told.values() for status, each in happened["problems"].items()}
    paths: dict[str, dict[str, Any]] = {}
    for path, method, view in views():
        paths.setdefault(path, {})[method.lower()] = _operation(path, view, refs, examples.get(view.__name__, {}))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Whitenote",
            "version": CURRENT_VERSION,
            "summary": "A consumer-credit line for merchant checkouts.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8000", "description": "make run"}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM_SCHEMA},
            "responses": {status: _problem(text, problems.get(status)) for status, text in _PROBLEMS.items()},
            "parameters": {"IdempotencyKey": _KEY, "Version": _VERSION},
            "securitySchemes": {
                "merchantKey": {"type": "http", "scheme": "bearer", "description": "sk_test_… or sk_live_…"},
                "customerToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "staffToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    models: dict[tuple[type[BaseModel], Any], None] = {}
    for _, _, view in views():
        operation: Operation = view.operation
        if operation.body:
            models[operation.body, "validation"] = None
        if operation.answer is not Document:
            models[operation.answer, "serialization"] = None
    refs, definitions = models_json_schema(list(models), ref_template=_REF)
    return {model: schema for (model, _), schema in refs.items()}, definitions.get("$defs", {})


def _operation(
    path: str,
    view: Any,  # noqa: ANN401  a view
    refs: Mapping[Any, Any],
    example: Mapping[str, Any],
) -> dict[str, Any]:
    operation: Operation = view.operation
    access: Access = view.access
    answered = {"examples": example["answer"]} if "answer" in example else {}
    summary, _, rest = (view.__doc__ or "").strip().partition("\n")
    out: dict[str, Any] = {
        "operationId": view.__name__,
        "summary": summary.rstrip("."),
        "tags": [_TAGS[path.removeprefix("/v1").split("/")[1]]],
        "parameters": _parameters(path, operation),
        "responses": {
            str(operation.status): {
                "description": inspect.getdoc(operation.answer) or "Done.",
                "content": {
                    operation.media: {"schema": refs.get(operation.answer, _document_schema(operation)), **answered}
                },
            },
            **{
                status: {"$ref": f"#/components/responses/{status}"}
                for status in _PROBLEMS
                if _can(status, path, access, operation)
            },
        },
        "security": [{_SECURITY[each.kind]: []} for each in access.each if each.kind in _SECURITY],
    }
    if rest.strip():
        out["description"] = " ".join(rest.split())
    if access.scopes:
        out["x-scopes"] = list(access.scopes)
    if operation.body:
        shown = {"examples": example["request"]} if "request" in example else {}
        content = {"application/json": {"schema": refs[operation.body], **shown}}
        out["requestBody"] = {"required": True, "content": content}
    return out


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for part in path.split("/")
        if part.startswith("{")
    ]
    found += [{"name": q.name, "in": "query", "description": q.says, "schema": q.schema} for q in operation.query]
    if operation.command:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    found.append({"$ref": "#/components/parameters/Version"})
    return found


def _document_schema(operation: Operation) -> dict[str, Any]:
    """Of an answer that is none of our objects: text, or JSON of a form of its own."""
    return {"type": "object" if operation.media == JSON else "string"}


def _can(status: str, path: str, access: Access, operation: Operation) -> bool:
    """Whether an operation may answer with this status."""
    if status in {"401", "403"}:
        return access.kind != "public" or status == "401"
    if status == "409":
        return access.kind != "public" or operation.body is not None or operation.command
    if status == "413":
        return operation.body is not None or operation.command
    return status != "404" or "{" in path or access.kind != "merchant" or operation.body is not None


def _problem(text: str, example: Mapping[str, Any] | None) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Problem")}
    shown = {"examples": {str(example["code"]): {"value": example}}} if example else {}
    return {"description": text, "content": {"application/problem+json": {"schema": schema, **shown}}}


def render() -> str:
    """The document as YAML, the same bytes for the same code."""
    text: str = yaml.dump(document(), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120)
    return f"# Generated by `make openapi`; a test fails when it is stale.\n{text}"


def main() -> None:
    """Write the document, or check that it is fresh."""
    parser = argparse.ArgumentParser(description="Generate openapi.yaml.")
    parser.add_argument("--check", action="store_true", help="fail if the file is stale")
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args()
    text = render()
    if given.check:
        sys.exit(0 if given.out.read_text() == text else "openapi.yaml is stale: run `make openapi`")
    given.out.write_text(text)


if __name__ == "__main__":
    main()
