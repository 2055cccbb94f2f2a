"""Routes on functions, and API Gateway's own answers."""

from __future__ import annotations

import json
import re

import pytest

from functions.core.errors import WhitenoteError
from functions.platform.web.problems import problem as present
from infra.chalice_output import Declared
from infra.functions import FunctionSpec
from infra.gateway import METHODS, PROBLEM_TYPES, RouteError, body
from infra.routes import GROUPS, group_of, groups_of
from infra.template import build
from tests.infrastructure.reading import Resources, of_type

pytestmark = pytest.mark.xdist_group("template")


def test_an_api_function_answers_before_api_gateway_gives_up(resources: Resources) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    for name in ("PayApi", "CreditApi", "ConsoleApi", "Authorizer"):
        assert functions[name]["Timeout"] < 29, name


def test_every_route_is_in_exactly_one_group(declared: Declared) -> None:
    assert declared.api["paths"]
    for path in declared.api["paths"]:
        assert len(groups_of(path)) == 1, path


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/v1/quotes", "pay_api"),
        ("/v1/captures/{id}/refunds/preview", "pay_api"),
        ("/v1/credit-applications/{id}", "credit_api"),
        ("/v1/customers", "console_api"),
        ("/v1/quotesque", "console_api"),
        ("/", "console_api"),
        ("/docs", "console_api"),
    ],
)
def test_a_route_goes_to_the_group_of_its_longest_prefix(path: str, group: str) -> None:
    assert group == group_of(path)


def test_every_group_has_a_route_and_every_route_its_functions_integration(
    declared: Declared, resources: Resources
) -> None:
    document = resources["RestApi"]["Properties"]["Body"]
    used = set()
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            uri = json.dumps(item[method]["x-amazon-apigateway-integration"]["uri"])
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)
            assert function, path
            assert function.group(1) == "".join(w.capitalize() for w in group_of(path).split("_"))
            used.add(group_of(path))
    assert used == set(GROUPS)


def test_one_path_variable_name_stands_at_each_position(declared: Declared) -> None:
    document = dict(declared.api)
    path = next(p for p in document["paths"] if p.endswith("/{id}"))
    twin = path.removesuffix("{id}") + "{other}/more"
    broken = {**document, "paths": {**document["paths"], twin: {}}}
    with pytest.raises(RouteError, match="other"):
        body(broken)


def test_the_authorizers_answer_is_kept_60_seconds_and_names_our_function(resources: Resources) -> None:
    schemes = resources["RestApi"]["Properties"]["Body"]["securityDefinitions"]
    assert schemes
    for scheme in schemes.values():
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        assert authorizer["authorizerResultTtlInSeconds"] == 60
        assert "${Authorizer.Arn}" in authorizer["authorizerUri"]["Fn::Sub"]


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 503])
def test_api_gateways_own_answers_are_problem_json(resources: Resources, status: int) -> None:
    answers = [
        a for a in of_type(resources, "AWS::ApiGateway::GatewayResponse").values() if a["StatusCode"] == str(status)
    ]
    assert answers
    for answer in answers:
        content_type = answer["ResponseParameters"]["gatewayresponse.header.Content-Type"]
        assert content_type == "'application/problem+json'"
        problem = json.loads(answer["ResponseTemplates"]["application/json"])
        assert problem["status"] == status
        assert problem["type"].endswith("/" + problem["code"])
        assert problem.keys() == present(WhitenoteError(), "r")[1].keys()
        if status in {429, 503}:
            assert answer["ResponseParameters"]["gatewayresponse.header.Retry-After"]


def test_api_gateway_and_the_app_name_problems_alike() -> None:
    assert present(WhitenoteError(), "r")[1]["type"].startswith(PROBLEM_TYPES)


def test_no_answer_of_api_gateway_keeps_its_own_form(resources: Resources) -> None:
    kinds = {a["ResponseType"] for a in of_type(resources, "AWS::ApiGateway::GatewayResponse").values()}
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "MISSING_AUTHENTICATION_TOKEN"} <= kinds


def test_a_changed_route_makes_a_new_deployment(declared: Declared, specs: dict[str, FunctionSpec]) -> None:
    path = next(iter(declared.api["paths"]))
    fewer = {**declared.api, "paths": {p: i for p, i in declared.api["paths"].items() if p != path}}
    other = build(Declared(declared.handlers, declared.events, fewer), specs)["Resources"]

    def deployment(resources: Resources) -> str:
        (name,) = of_type(resources, "AWS::ApiGateway::Deployment")
        return name

    assert deployment(build(declared, specs)["Resources"]) != deployment(other)


def test_the_api_is_regional_throttled_and_logs_without_persons(resources: Resources) -> None:
    assert resources["RestApi"]["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    stage = resources["ApiStage"]["Properties"]
    (settings,) = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"]
    assert settings["DataTraceEnabled"] is False
    line = stage["AccessLogSetting"]["Format"]
    for private in ("identity", "sourceIp", "userAgent", "principalId", "$context.path", "header"):
        assert private not in line
