"""The REST API: Chalice's routes on our functions, and API Gateway's own answers as problem+json.

Chalice has one function for all routes; `infra.routes` says which of ours answers which path. A changed API body or a
changed gateway response makes a new deployment, because a deployment is a snapshot of both.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.chalice_output import STAGE_NAME
from infra.functions import FunctionSpec, logical_id
from infra.routes import group_of

AUTHORIZER_TTL_S = 60
"""How long API Gateway trusts an authorizer's answer: a revoked key dies within this time (architecture.md)."""

PROBLEM_TYPES = "https://whitenote.example/problems/"
"""As functions.platform.web.problems has them; a test compares the two."""

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """One of API Gateway's own answers.

    Args:
        type: API Gateway's name of it.
        status: What the caller sees.
        code: Our stable problem code.
        title: For a person.
        retry_after_s: Seconds for a Retry-After header, or None.
    """

    type: str
    status: int
    code: str
    title: str
    retry_after_s: int | None = None


# An unknown path or method is MISSING_AUTHENTICATION_TOKEN (403) to API Gateway; to everyone else it is a 404.
ANSWERS = (
    GatewayAnswer("UNAUTHORIZED", 401, "unauthorized", "No valid credential"),
    GatewayAnswer("ACCESS_DENIED", 403, "forbidden", "Not allowed"),
    GatewayAnswer("WAF_FILTERED", 403, "forbidden", "Not allowed"),
    GatewayAnswer("MISSING_AUTHENTICATION_TOKEN", 404, "not_found", "No such thing"),
    GatewayAnswer("RESOURCE_NOT_FOUND", 404, "not_found", "No such thing"),
    GatewayAnswer("REQUEST_TOO_LARGE", 413, "too_large", "The body is over 64 KiB"),
    GatewayAnswer("UNSUPPORTED_MEDIA_TYPE", 415, "unsupported_media_type", "This media type can't be read"),
    GatewayAnswer("BAD_REQUEST_BODY", 400, "malformed", "The request can't be read"),
    GatewayAnswer("BAD_REQUEST_PARAMETERS", 400, "malformed", "The request can't be read"),
    GatewayAnswer("THROTTLED", 429, "rate_limited", "Too many requests", 1),
    GatewayAnswer("QUOTA_EXCEEDED", 429, "rate_limited", "Too many requests", 60),
    GatewayAnswer("AUTHORIZER_FAILURE", 503, "unavailable", "Not available right now; nothing was done", 1),
    GatewayAnswer("INTEGRATION_TIMEOUT", 503, "unavailable", "Not available right now", 2),
    GatewayAnswer("INTEGRATION_FAILURE", 503, "unavailable", "Not available right now", 2),
    GatewayAnswer("DEFAULT_4XX", 400, "malformed", "The request can't be read"),
    GatewayAnswer("DEFAULT_5XX", 503, "unavailable", "Not available right now", 2),
)

# Which request, how it ended, how long it took: enough for operations; no address, no agent, no id of a person.
_ACCESS_LOG = {
    "request_id": "$context.requestId",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "integration_ms": "$context.integration.latency",
    "integration_status": "$context.integration.status",
    "authorizer_ms": "$context.authorizer.latency",
    "error": "$context.error.responseType",
    "length": "$context.responseLength",
}

Resources = dict[str, dict[str, Any]]


class RouteError(ValueError):
    """A route that AWS would refuse, or that no function answers."""


def body(api: Mapping[str, Any]) -> dict[str, Any]:
    """Chalice's document with each route on its own function.

    Raises:
        RouteError: Two path variables with different names stand at the same place: AWS refuses siblings like that.
        LookupError: A path that no group claims.
    """
    document: dict[str, Any] = copy.deepcopy(dict(api))
    _check_variables(document["paths"])
    for path, item in document["paths"].items():
        function = logical_id(group_of(path))
        for method in METHODS & item.keys():
            integration = item[method]["x-amazon-apigateway-integration"]
            if integration["type"] == "aws_proxy":
                integration["uri"] = _invocation(function)
    for scheme in document.get("securityDefinitions", {}).values():
        authorizer = scheme.get("x-amazon-apigateway-authorizer")
        if authorizer is not None:
            authorizer["authorizerUri"] = _invocation("Authorizer")
            authorizer["authorizerResultTtlInSeconds"] = AUTHORIZER_TTL_S
    document.pop("x-amazon-apigateway-binary-media-types", None)
    return document


def _check_variables(paths: Mapping[str, Any]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        parent = ""
        for part in path.strip("/").split("/"):
            if part.startswith("{"):
                first = seen.setdefault(parent, part)
                if first != part:
                    raise RouteError(f"{path}: {part} stands where another route has {first}")
                part = "{}"  # noqa: PLW2901  siblings share one node, whatever the variable is called
            parent += "/" + part


def _invocation(function: str) -> dict[str, str]:
    return {
        "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"${{{function}.Arn}}/invocations"
    }


def resources(api: Mapping[str, Any], specs: Mapping[str, FunctionSpec]) -> Resources:
    """The API, its answers, its deployment and stage, and the right to invoke our functions."""
    answers = dict(_gateway_responses())
    document = body(api)
    digest = hashlib.sha256(json.dumps([document, answers], sort_keys=True).encode()).hexdigest()[:12]
    deployment = f"ApiDeployment{digest}"
    out: Resources = {
        "RestApi": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {
                "Name": {"Ref": "AWS::StackName"},
                "Description": "Whitenote, version 1",
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
                "BinaryMediaTypes": list(api.get("x-amazon-apigateway-binary-media-types", [])),
                "Body": document,
            },
        },
        **answers,
        deployment: {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": sorted(answers),
            "Properties": {"RestApiId": {"Ref": "RestApi"}, "Description": digest},
        },
        "ApiStage": _stage(deployment),
    }
    for name in ("pay_api", "credit_api", "console_api", "authorizer"):
        out[f"{specs[name].logical_id}Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": specs[name].logical_id},
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestApi}/*"
                },
            },
        }
    return out


def _stage(deployment: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::Stage",
        "DependsOn": "ApiAccount",  # which is what may write the access log
        "Properties": {
            "RestApiId": {"Ref": "RestApi"},
            "StageName": STAGE_NAME,
            "DeploymentId": {"Ref": deployment},
            "TracingEnabled": {"Fn::If": ["IsLive", True, False]},
            "MethodSettings": [
                {
                    "ResourcePath": "/*",
                    "HttpMethod": "*",
                    "MetricsEnabled": True,
                    "DataTraceEnabled": False,
                    "LoggingLevel": {"Fn::If": ["IsLive", "ERROR", "OFF"]},
                    "ThrottlingRateLimit": {"Fn::If": ["IsLive", 10000, 1000]},
                    "ThrottlingBurstLimit": {"Fn::If": ["IsLive", 5000, 1000]},
                }
            ],
            "AccessLogSetting": {
                "DestinationArn": {"Fn::GetAtt": ["AccessLogs", "Arn"]},
                "Format": json.dumps(_ACCESS_LOG, separators=(",", ":")),
            },
        },
    }


def _gateway_responses() -> Iterator[tuple[str, dict[str, Any]]]:
    for answer in ANSWERS:
        parameters = {
            "gatewayresponse.header.Content-Type": "'application/problem+json'",
            "gatewayresponse.header.Cache-Control": "'no-store'",
            "gatewayresponse.header.X-Request-Id": "context.requestId",
            "gatewayresponse.header.Strict-Transport-Security": "'max-age=63072000; includeSubDomains'",
        }
        if answer.retry_after_s is not None:
            parameters["gatewayresponse.header.Retry-After"] = f"'{answer.retry_after_s}'"
        if answer.status == 429:
            parameters["gatewayresponse.header.RateLimit"] = f"'\"stage\";r=0;t={answer.retry_after_s}'"
        if answer.status == 401:
            parameters["gatewayresponse.header.WWW-Authenticate"] = "'Bearer'"
        problem = {
            "type": PROBLEM_TYPES + answer.code,
            "title": answer.title,
            "status": answer.status,
            "detail": answer.title,
            "code": answer.code,
            "request_id": "$context.requestId",
        }
        camel = "".join(word.capitalize() for word in answer.type.split("_"))
        yield (
            f"GatewayResponse{camel}",
            {
                "Type": "AWS::ApiGateway::GatewayResponse",
                "Properties": {
                    "RestApiId": {"Ref": "RestApi"},
                    "ResponseType": answer.type,
                    "StatusCode": str(answer.status),
                    "ResponseParameters": parameters,
                    "ResponseTemplates": {"application/json": json.dumps(problem)},
                },
            },
        )
