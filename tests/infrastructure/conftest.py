"""The template is rendered once for all tests of this folder: Chalice takes two seconds to read app.py."""

from __future__ import annotations

from typing import Any

import pytest

from infra.chalice_output import Declared, read_app
from infra.functions import FunctionSpec, load_specs
from infra.manifest import ROOT
from infra.template import build


@pytest.fixture(scope="session")
def declared() -> Declared:
    return read_app(ROOT)


@pytest.fixture(scope="session")
def specs() -> dict[str, FunctionSpec]:
    return load_specs()


@pytest.fixture(scope="session")
def template(declared: Declared, specs: dict[str, FunctionSpec]) -> dict[str, Any]:
    return build(declared, specs)


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return template["Resources"]
