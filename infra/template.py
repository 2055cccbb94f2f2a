"""The CloudFormation template: what app.py declares, on our functions, among our own resources. One for every stage.

Chalice reads app.py; here its functions become plain CloudFormation (no transform runs at deployment, so what is tested
is what is deployed). The same input gives the same bytes: code is named by parameters, never by the template.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.platform.container import SANDBOX_ADAPTERS
from infra import alarms, gateway, policies, triggers
from infra.cfn_yaml import load
from infra.chalice_output import STAGE_NAME, Declared, read_app
from infra.functions import FunctionSpec, load_specs

ROOT = Path(__file__).resolve().parent.parent
OVERRIDES = Path(__file__).with_name("overrides")
RUNTIME = "python3.13"
ZIPS = {"ml": "MlCode", "console": "ConsoleCode", "worker": "WorkerCode"}

_API_HANDLER = "APIHandler"

Resources = dict[str, dict[str, Any]]


class TemplateError(ValueError):
    """app.py and infra/ do not agree."""


def _parameter(says: str, default: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON values
    out: dict[str, Any] = {"Type": "String", "Description": says, **more}
    if default is not None:
        out["Default"] = default
    return out


PARAMETERS: dict[str, dict[str, Any]] = {
    "Stage": _parameter("local, dev, staging or live. Staging and live refuse sandbox adapters."),
    "Architecture": _parameter("What the packages were built for", "arm64", AllowedValues=["arm64", "x86_64"]),
    "CodeBucket": _parameter("Bucket of the packages"),
    **{parameter: _parameter(f"Key of the {name} package") for name, parameter in ZIPS.items()},
    "PublicUrl": _parameter("Where customers reach the API and the pages, without a slash at the end"),
    "CustomerJwks": _parameter("Public keys of customer tokens, a JSON key set"),
    "StaffIssuer": _parameter("Issuer of staff tokens; on staging and live the user pool of this stack", ""),
    "StaffAudience": _parameter("Audience of staff tokens; on staging and live the client of this stack", ""),
    "StaffJwks": _parameter("Public keys of staff tokens, a JSON key set or its https URL", ""),
    "MailFrom": _parameter("Sender of e-mail; SES must have verified it", "whitenote@example.com"),
    "AppWebhookUrl": _parameter("Back end of the customers' app, which is told their reminders; empty for none", ""),
    "Passkeys": _parameter("Their domain and the origins of pages, apart by blanks; empty for the public URL's", ""),
    "RateLimits": _parameter(
        "Requests a second and burst by principal, as merchant=200:1000; empty for defaults", "", MaxLength=64
    ),
    "AlertsEmail": _parameter("Who is mailed when an alarm goes off; empty for no one", ""),
    "LogLevel": _parameter("Level of the functions' logs", "INFO", AllowedValues=["DEBUG", "INFO", "WARNING"]),
}


def _adapter(port: str) -> str:
    """The parameter that names a port's adapter: credit_bureau → CreditBureauAdapter."""
    return "".join(word.capitalize() for word in port.split("_")) + "Adapter"


PARAMETERS |= {
    _adapter(port): _parameter(f"module:class of the {port} adapter; sandbox stages have their own", "")
    for port in SANDBOX_ADAPTERS
}

CONDITIONS: dict[str, Any] = {
    "IsLive": {
        "Fn::Or": [
            {"Fn::Equals": [{"Ref": "Stage"}, "live"]},
            {"Fn::Equals": [{"Ref": "Stage"}, "staging"]},
        ]
    },
    "IsLocal": {"Fn::Equals": [{"Ref": "Stage"}, "local"]},
    "HasAlertsEmail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlertsEmail"}, ""]}]},
}


def _when_live(live: Any, otherwise: Any) -> dict[str, Any]:  # noqa: ANN401  any template value
    return {"Fn::If": ["IsLive", live, otherwise]}


_STAFF_ISSUER = {"Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/${StaffPool}"}

ENVIRONMENT: dict[str, Any] = {
    "WHITENOTE_STAGE": {"Ref": "Stage"},
    "WHITENOTE_TABLE": {"Ref": "Table"},
    "WHITENOTE_LEDGER_TABLE": {"Ref": "LedgerTable"},
    "WHITENOTE_BUS": {"Ref": "Bus"},
    "WHITENOTE_DATA_KEY_ID": {"Ref": "DataKey"},
    "WHITENOTE_SIGNING_KEY_ID": {"Ref": "SigningKey"},
    "WHITENOTE_SECRET_ID": {"Ref": "MasterSecret"},
    "WHITENOTE_CUSTOMER_JWKS": {"Ref": "CustomerJwks"},
    "WHITENOTE_STAFF_ISSUER": _when_live(_STAFF_ISSUER, {"Ref": "StaffIssuer"}),
    "WHITENOTE_STAFF_AUDIENCE": _when_live({"Ref": "StaffClient"}, {"Ref": "StaffAudience"}),
    "WHITENOTE_STAFF_JWKS": _when_live(
        {"Fn::Sub": _STAFF_ISSUER["Fn::Sub"] + "/.well-known/jwks.json"}, {"Ref": "StaffJwks"}
    ),
    "WHITENOTE_MESSAGES_QUEUE_URL": {"Ref": "MessagesQueue"},
    "WHITENOTE_PROJECTIONS_QUEUE_URL": {"Ref": "ProjectionsQueue"},
    "WHITENOTE_SWEEP_QUEUE_URL": {"Ref": "SweepQueue"},
    "WHITENOTE_ASSESSMENTS_QUEUE_URL": {"Ref": "AssessmentsQueue"},
    "WHITENOTE_WEBHOOKS_QUEUE_URL": {"Ref": "WebhooksQueue"},
    "WHITENOTE_PARKING_QUEUE_URL": {"Ref": "ParkingQueue"},
    "WHITENOTE_TILLS_QUEUE_URL": {"Ref": "TillsQueue"},
    "WHITENOTE_ALERTS_TOPIC_ARN": {"Ref": "AlertsTopic"},
    "WHITENOTE_CHECKPOINT_BUCKET": {"Ref": "CheckpointBucket"},
    "WHITENOTE_DOCUMENT_BUCKET": {"Ref": "DocumentBucket"},
    "WHITENOTE_PUBLIC_URL": {"Ref": "PublicUrl"},
    "WHITENOTE_MAIL_FROM": {"Ref": "MailFrom"},
    "WHITENOTE_WEBHOOKS_TO_LOOPBACK": {"Fn::If": ["IsLocal", "allowed", ""]},
    "WHITENOTE_PASSKEYS": {"Ref": "Passkeys"},
    "WHITENOTE_RATE_LIMITS": {"Ref": "RateLimits"},
    "WHITENOTE_SHARDS": _when_live("64", "1"),
    **{f"WHITENOTE_ADAPTER_{port.upper()}": {"Ref": _adapter(port)} for port in SANDBOX_ADAPTERS},
    "POWERTOOLS_SERVICE_NAME": "whitenote",
    "POWERTOOLS_METRICS_NAMESPACE": alarms.METRICS_NAMESPACE,
    "POWERTOOLS_LOG_LEVEL": {"Ref": "LogLevel"},
}


_JUDGING = ("WHITENOTE_CUSTOMER_JWKS", "WHITENOTE_STAFF_ISSUER", "WHITENOTE_STAFF_AUDIENCE", "WHITENOTE_STAFF_JWKS")
_SENDER = "messenger"
"""It judges no credential, and alone sends anything to anybody."""
_SENDING: dict[str, Any] = {
    "WHITENOTE_MAIL_EVENTS": _when_live({"Ref": "MailConfiguration"}, ""),
    "WHITENOTE_APP_WEBHOOK_URL": {"Ref": "AppWebhookUrl"},
}


def literal_environment(parameters: Mapping[str, str]) -> dict[str, str]:
    """The functions' variables that parameters alone decide."""
    return {
        name: parameters.get(value["Ref"], PARAMETERS[value["Ref"]].get("Default", ""))
        for name, value in ENVIRONMENT.items()
        if isinstance(value, dict) and value.get("Ref") in PARAMETERS
    }


def build(declared: Declared, specs: Mapping[str, FunctionSpec]) -> dict[str, Any]:
    """The whole template.

    Raises:
        TemplateError: A function of app.py is not in functions.toml, or the other way round.
        UnknownSourceError: app.py names a queue or stream that does not exist.
        RouteError: Routes that AWS would refuse.
    """
    handlers = _handlers(declared, specs)
    out: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Whitenote: a consumer-credit line for merchant checkouts",
        "Parameters": PARAMETERS,
        "Conditions": CONDITIONS,
        "Resources": {},
        "Outputs": {},
    }
    for file in sorted(OVERRIDES.glob("*.yaml")):
        _merge(out, load(file), file.name)
    wirings = {n: triggers.wire(spec, declared.events.get(spec.logical_id, ())) for n, spec in specs.items()}
    streaming = [
        n for n, wiring in wirings.items() if any("FromTable" in k or "FromLedger" in k for k in wiring.resources)
    ]
    scheduled = [specs[n] for n, wiring in wirings.items() if f"{specs[n].logical_id}Schedule" in wiring.resources]
    own: Resources = {}
    for name, spec in specs.items():
        own |= _function(spec, handlers[name], policies.role(spec, wirings[name].statements))
        own |= wirings[name].resources
    own |= triggers.scheduler_role(scheduled)
    own |= gateway.resources(declared.api, specs)
    own |= alarms.alarms(specs, streaming)
    own["Dashboard"] = alarms.dashboard(specs, streaming)
    _merge(out, {"Resources": own, "Outputs": _outputs(specs)}, "app.py")
    return out


def _handlers(declared: Declared, specs: Mapping[str, FunctionSpec]) -> dict[str, str]:
    known = {spec.logical_id: spec for spec in specs.values() if not spec.is_api}
    missing = sorted((known.keys() | {_API_HANDLER}) - declared.handlers.keys())
    unknown = sorted(declared.handlers.keys() - known.keys() - {_API_HANDLER})
    if missing or unknown:
        raise TemplateError(f"not in app.py: {missing or 'none'}; not in infra/functions.toml: {unknown or 'none'}")
    return {
        name: spec.handler or declared.handlers[_API_HANDLER if spec.is_api else spec.logical_id]
        for name, spec in specs.items()
    }


_NAMED_WHERE_ALLOWED = ("Queue", "Topic", "Bucket", "Key")


def _environment(spec: FunctionSpec) -> dict[str, Any]:
    """The function's variables; a queue, topic, bucket or key is named only to those whose policy lets them use it.

    Lambda takes 4 KB in all.
    """
    allowed = json.dumps(policies.load_statements(spec))

    def is_needed(value: Any) -> bool:  # noqa: ANN401  any template value
        name = value.get("Ref", "") if isinstance(value, dict) else ""
        return not name.endswith(_NAMED_WHERE_ALLOWED) or f"${{{name}" in allowed

    found = {name: value for name, value in ENVIRONMENT.items() if is_needed(value)}
    found["WHITENOTE_ENTRANCE"] = spec.name
    if spec.name != _SENDER:
        return found
    return {name: value for name, value in found.items() if name not in _JUDGING} | _SENDING


def _function(spec: FunctionSpec, handler: str, role: dict[str, Any]) -> Resources:
    name = {"Fn::Sub": "${AWS::StackName}-" + spec.suffix}
    return {
        f"{spec.logical_id}Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": "/aws/lambda/${AWS::StackName}-" + spec.suffix},
                "RetentionInDays": _when_live(365, 14),
            },
        },
        f"{spec.logical_id}Role": role,
        spec.logical_id: {
            "Type": "AWS::Lambda::Function",
            "DependsOn": f"{spec.logical_id}Logs",
            "Properties": {
                "FunctionName": name,
                "Runtime": RUNTIME,
                "Architectures": [{"Ref": "Architecture"}],
                "Handler": handler,
                "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": ZIPS[spec.zip]}},
                "MemorySize": spec.memory,
                "Timeout": spec.timeout,
                "Role": {"Fn::GetAtt": [f"{spec.logical_id}Role", "Arn"]},
                "TracingConfig": {"Mode": _when_live("Active", "PassThrough")},
                "Environment": {"Variables": _environment(spec)},
            },
        },
    }


def _outputs(specs: Mapping[str, FunctionSpec]) -> dict[str, Any]:
    functions = {f"{spec.logical_id}Name": {"Value": {"Ref": spec.logical_id}} for spec in specs.values()}
    url = "https://${RestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/" + STAGE_NAME
    return {
        **functions,
        "ApiId": {"Value": {"Ref": "RestApi"}},
        "ApiStageName": {"Value": {"Ref": "ApiStage"}},
        "ApiUrl": {"Value": {"Fn::Sub": url}},
        "PublicUrl": {"Value": {"Ref": "PublicUrl"}},
    }


def _merge(template: dict[str, Any], part: Mapping[str, Any], where: str) -> None:
    for section, entries in part.items():
        twice = template[section].keys() & entries.keys()
        if twice:
            raise TemplateError(f"{where}: {section} {sorted(twice)} stand twice")
        template[section] |= entries


def dumps(template: Mapping[str, Any]) -> str:
    """The template as it is uploaded: sorted, compact, the same bytes for the same content."""
    return json.dumps(template, sort_keys=True, separators=(",", ":"))


def render(source: Path = ROOT) -> dict[str, Any]:
    """The template of the app at `source`."""
    return build(read_app(source), load_specs())


def main() -> None:
    """Print the template."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--app", type=Path, default=ROOT)
    print(json.dumps(render(parser.parse_args().app), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
