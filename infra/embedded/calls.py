"""Which function made which AWS call on what: the record that least privilege is measured by.

Every emulated function signs with its own name as session token; the gate reads it from the requests that pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

Call = tuple[str, str, str]
"""Function, IAM action, name of the resource."""

TOKEN_PREFIX = "function:"  # noqa: S105  not a secret
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
    "AWSEvents": "events",
    "AmazonSNS": "sns",
}
_NAMED_BY = {"sqs": "QueueUrl", "kms": "KeyId", "secretsmanager": "SecretId"}
_BATCHES = {"SendMessageBatch": "SendMessage", "DeleteMessageBatch": "DeleteMessage", "PublishBatch": "Publish"}


class CallLog:
    """The calls of all functions, each once."""

    def __init__(self) -> None:
        self._seen: set[Call] = set()

    def note(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Record a request if it is a function's."""
        token = headers.get("x-amz-security-token", "")
        if token.startswith(TOKEN_PREFIX):
            function = token.removeprefix(TOKEN_PREFIX)
            self._seen.update((function, action, name) for action, name in calls_of(method, path, headers, body))

    def dump(self) -> bytes:
        """As a JSON list."""
        return json.dumps(sorted(self._seen)).encode()


def calls_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Iterable[tuple[str, str]]:
    """IAM actions of one request, and the names of what they touch.

    Args:
        method: HTTP method.
        path: Without the query.
        headers: By lower-case name.
        body: As sent.
    """
    service, _, operation = headers.get("x-amz-target", "").partition(".")
    if service in _SERVICES:
        return _json_calls(_SERVICES[service], operation, json.loads(body or b"{}"))
    if path.startswith("/v2/email/"):
        return [("ses:SendEmail", "")]
    form = parse_qs(body.decode("latin-1")) if b"Action=" in body[:4096] else {}
    if form:
        signed = re.search(r"/([a-z0-9]+)/aws4_request", headers.get("authorization", ""))
        return [(f"{signed.group(1) if signed else 'unknown'}:{form['Action'][0]}", form.get("TopicArn", [""])[0])]
    return _s3_calls(method, path, headers)


def _json_calls(service: str, operation: str, sent: Mapping[str, Any]) -> list[tuple[str, str]]:
    if service == "dynamodb":
        return _dynamodb_calls(operation, sent)
    if service == "events":
        return [("events:PutEvents", str(entry.get("EventBusName", ""))) for entry in sent.get("Entries", [])]
    name = str(sent.get(_NAMED_BY.get(service, ""), sent.get("TopicArn", "")))
    return [(f"{service}:{_BATCHES.get(operation, operation)}", name.rpartition("/")[2] if service == "sqs" else name)]


def _dynamodb_calls(operation: str, sent: Mapping[str, Any]) -> list[tuple[str, str]]:
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        return [
            (f"dynamodb:{_TRANSACTION[kind]}", str(part["TableName"]))
            for item in sent["TransactItems"]
            for kind, part in item.items()
        ]
    if "RequestItems" in sent:
        return [(f"dynamodb:{operation}", str(table)) for table in sent["RequestItems"]]
    index = f"/index/{sent['IndexName']}" if "IndexName" in sent else ""
    return [(f"dynamodb:{operation}", f"{sent.get('TableName', '')}{index}")]


def _s3_calls(method: str, path: str, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    bucket, _, key = urlsplit(path).path.lstrip("/").partition("/")
    if method == "PUT" and key:
        locked = "x-amz-object-lock-mode" in headers
        return [("s3:PutObject", f"{bucket}/*"), *([("s3:PutObjectRetention", f"{bucket}/*")] if locked else [])]
    action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}.get(method, f"s3:{method}")
    return [(action, f"{bucket}/*")] if key else [("s3:ListBucket", bucket)]
