"""What app.py declares, as Chalice understands it: its handlers, their triggers, and the API with every route.

Chalice only writes the template here: the packages are made by infra.package, because Chalice leaves `functions/` out
of its zips and drops what has no wheel for its old idea of the platform with nothing but a warning.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAGE_NAME = "api"
"""The API stage's name. It never shows: a custom domain, and locally the front, map onto it."""

AUTHORIZER = "Authorizer"
_AUTHORIZER_URI = re.compile(r"functions/\$\{(\w+)\.Arn\}/invocations")

_CONFIG = {
    "version": "2.0",
    "app_name": "whitenote",
    "autogen_policy": False,
    "stages": {STAGE_NAME: {"api_gateway_stage": STAGE_NAME, "api_gateway_endpoint_type": "REGIONAL"}},
}
_RUN = "import sys; from chalice.cli import main; sys.exit(main())"
_POLICY = {"Version": "2012-10-17", "Statement": []}


class ChaliceFailedError(RuntimeError):
    """Chalice could not read app.py; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the app declares.

    Args:
        handlers: Handler string by logical id, for example "Publisher" → "app.publisher".
        events: SAM events by logical id.
        api: The OpenAPI 2 document of all routes.
    """

    handlers: Mapping[str, str]
    events: Mapping[str, tuple[Mapping[str, Any], ...]]
    api: Mapping[str, Any]


def read_app(source: Path) -> Declared:
    """Run Chalice on a stage directory of `source` and read what it wrote.

    Args:
        source: Directory with app.py and functions/.

    Raises:
        ChaliceFailedError: app.py does not load, or Chalice refuses it.
    """
    with tempfile.TemporaryDirectory(prefix="whitenote-chalice-") as folder:
        stage, out = Path(folder, "stage"), Path(folder, "out")
        config = stage / ".chalice"
        config.mkdir(parents=True)
        for name in ("app.py", "functions", "model_artifacts"):
            if (source / name).exists():
                (stage / name).symlink_to(source / name)
        (stage / "requirements.txt").write_text("")
        (config / "config.json").write_text(json.dumps(_CONFIG))
        (config / f"policy-{STAGE_NAME}.json").write_text(json.dumps(_POLICY))
        done = subprocess.run(
            [sys.executable, "-c", _RUN, "package", "--stage", STAGE_NAME, str(out)],
            cwd=stage,
            env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(stage)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ChaliceFailedError(done.stdout + done.stderr)
        return parse(json.loads((out / "sam.json").read_text()))


def parse(sam: Mapping[str, Any]) -> Declared:
    """The parts of Chalice's SAM template that we build on."""
    api = sam["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    judge = _authorizer(api)
    functions = {
        AUTHORIZER if logical == judge else logical: resource["Properties"]
        for logical, resource in sam["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return Declared(
        handlers={logical: str(properties["Handler"]) for logical, properties in functions.items()},
        events={logical: tuple(properties.get("Events", {}).values()) for logical, properties in functions.items()},
        api=api,
    )


def _authorizer(api: Mapping[str, Any]) -> str:
    """Chalice's id of the one function that judges who is asking, whatever it is called in the code."""
    found = set(_AUTHORIZER_URI.findall(json.dumps(api.get("securityDefinitions", {}))))
    if len(found) != 1:
        raise ChaliceFailedError(f"the app has {len(found)} authorizers, we build on one")
    return str(found.pop())
