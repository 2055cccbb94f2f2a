"""Each API function imports the routes it answers and no others; a worker imports none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

import app
from infra.manifest import ROOT
from infra.routes import GROUPS, group_of

PROGRAM = """
import json, sys, app
answers = {path: sorted(methods) for path, methods in app.app.routes.items()}
print(json.dumps([answers, sorted(name for name in sys.modules if name.startswith("functions."))]))
"""


def entered(function: str) -> tuple[dict[str, list[str]], list[str]]:
    """Routes and own modules of a function's process."""
    environ = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1", "WHITENOTE_ENTRANCE": function}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT, env=environ
    )
    routes, modules = json.loads(answer.stdout)
    return routes, modules


def owner(path: str) -> str:
    return group_of(re.sub(r"{\w+}", "{id}", path))


@pytest.mark.parametrize("group", GROUPS)
def test_an_api_function_has_every_route_that_is_sent_to_it(group: str) -> None:
    routes, _ = entered(group)
    wanted = {path: sorted(methods) for path, methods in app.app.routes.items() if owner(path) == group}
    assert {path: routes.get(path) for path in wanted} == wanted


@pytest.mark.parametrize("group", GROUPS)
def test_an_api_function_loads_no_module_of_routes_that_are_all_others(group: str) -> None:
    mine = {view.view_function.__module__ for path, methods in app.app.routes.items() if owner(path) == group
            for view in methods.values()}  # fmt: skip
    listed = {module for module, groups in app.BLUEPRINTS.items() if group in groups}
    assert listed - {"functions.platform.authorizer"} == mine


def test_a_worker_serves_nothing_and_loads_no_slice_before_its_first_event() -> None:
    routes, modules = entered("publisher")
    assert routes == {}
    assert not [name for name in modules if name.endswith(".api")]
    assert {name.split(".")[1] for name in modules} <= {"platform", "core"}
