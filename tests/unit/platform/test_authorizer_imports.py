"""What the authorizer's process loads: nothing of the models, nothing of the app, AWS only when it looks a key up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.builders.tokens import STAFF_ISSUER, signing_key, staff_token

ROOT = Path(__file__).parents[3]

PROGRAM = """
import json, sys
{setup}
print(json.dumps(sorted(name for name in sys.modules)))
"""

JUDGE_A_TOKEN = """
import os
os.environ.update(json.loads(sys.argv[1]))
from functions.platform.authorizer import identify
assert identify("Bearer " + sys.argv[2])["kind"] == "staff"
"""

HEAVY = {"numpy", "onnxruntime", "app", "pydantic", "aws_lambda_powertools", "jinja2", "babel"}
AWS = {"botocore", "boto3", "pynamodb"}


def loaded(setup: str, *arguments: str) -> set[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "AWS_DEFAULT_REGION": "eu-central-1"}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(setup=setup), *arguments],
        capture_output=True, text=True, check=True, cwd=ROOT, env=environ,
    )  # fmt: skip
    return {name.partition(".")[0] for name in json.loads(answer.stdout)} | set(json.loads(answer.stdout))


def test_importing_it_loads_neither_models_nor_app_nor_the_aws_client():
    modules = loaded("import functions.platform.authorizer")
    assert not modules & (HEAVY | AWS)
    assert "functions.platform.authorizer" in modules


def test_judging_a_token_needs_no_aws_client():
    environ = {"WHITENOTE_STAFF_ISSUER": STAFF_ISSUER, "WHITENOTE_STAFF_JWKS": signing_key("staff-1").jwks}
    token = staff_token("finance", at=datetime.now(UTC))
    assert not loaded(JUDGE_A_TOKEN, json.dumps(environ), token) & (HEAVY | AWS)
