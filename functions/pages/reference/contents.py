"""The OpenAPI document in the order in which people read it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_WHO: Final = {
    "merchantKey": "Merchant: Bearer sk_…",
    "customerToken": "Customer: Bearer JWT",
    "staffToken": "Staff: Bearer JWT",
}
_REF: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, or a parameter.

    Args:
        schema: Name of the schema it is made of, "" for a plain one.
    """

    name: str
    kind: str
    required: bool
    says: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One status that an operation may answer with."""

    status: str
    says: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation.

    Args:
        who: Whose credential, "" where none is needed.
        body: Name of the request's schema, "" where there is none.
        example: A request body, and the answer to it, as text; "" where there is none.
    """

    id: str
    method: str
    path: str
    title: str
    says: str
    who: str
    scopes: tuple[str, ...]
    parameters: tuple[Member, ...]
    body: str
    replies: tuple[Reply, ...]
    request_example: str = ""
    answer_example: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One schema."""

    name: str
    says: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The whole reference: operations by tag, and the schemas they name."""

    version: str
    tags: Mapping[str, tuple[Entry, ...]]
    models: tuple[Model, ...]


def contents_of(document: Mapping[str, Any]) -> Contents:
    """The document, arranged."""
    tags: dict[str, list[Entry]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append(_entry(document, path, method, operation))
    schemas = document["components"]["schemas"]
    return Contents(
        document["info"]["version"],
        {tag: tuple(entries) for tag, entries in sorted(tags.items())},
        tuple(_model(name, schema) for name, schema in sorted(schemas.items())),
    )


def _entry(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Entry:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    replies = {status: _resolved(document, reply) for status, reply in operation["responses"].items()}
    good = next((r for status, r in replies.items() if status.startswith("2")), {})
    answer: Mapping[str, Any] = next(iter(good.get("content", {}).values()), {})
    return Entry(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        title=operation["summary"],
        says=operation.get("description", ""),
        who=next((_WHO[name] for each in operation["security"] for name in each), ""),
        scopes=tuple(operation.get("x-scopes", ())),
        parameters=tuple(_parameter(_resolved(document, each)) for each in operation["parameters"]),
        body=_name(content.get("schema", {})),
        replies=tuple(_reply(status, reply) for status, reply in replies.items()),
        request_example=_example(content),
        answer_example=_example(answer),
    )


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Any = document
    for part in str(reference).removeprefix("#/").split("/"):
        found = found[part]
    result: Mapping[str, Any] = found
    return result


def _parameter(parameter: Mapping[str, Any]) -> Member:
    return Member(
        parameter["name"],
        f"{parameter['in']}, {_kind(parameter['schema'])}",
        bool(parameter.get("required")),
        parameter.get("description", ""),
    )


def _reply(status: str, reply: Mapping[str, Any]) -> Reply:
    schema: Mapping[str, Any] = next((each.get("schema", {}) for each in reply.get("content", {}).values()), {})
    return Reply(status, reply.get("description", ""), _name(schema))


def _model(name: str, schema: Mapping[str, Any]) -> Model:
    required = set(schema.get("required", ()))
    members = tuple(
        Member(each, _kind(inner), each in required, inner.get("description", ""), _name(inner))
        for each, inner in schema.get("properties", {}).items()
    )
    return Model(name, schema.get("description", ""), members)


def _name(schema: Mapping[str, Any]) -> str:
    """The schema that a value, or an item or alternative of it, is made of."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    inner = [schema.get("items", {}), *schema.get("anyOf", ())]
    return next((name for name in map(_name, filter(None, inner)) if name), "")


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    words = [str(schema.get("type", "any"))]
    words += [str(schema["format"])] if "format" in schema else []
    words += [f"{word} {schema[name]}" for name, word in _LIMITS.items() if name in schema]
    return ", ".join(words)


_LIMITS: Final = {
    "pattern": "matching", "minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "minLength": "length ≥",
    "maxLength": "length ≤", "minItems": "items ≥", "maxItems": "items ≤",
}  # fmt: skip


def _example(content: Mapping[str, Any]) -> str:
    """The first one as text."""
    for example in content.get("examples", {}).values():
        value = example["value"]
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return ""
