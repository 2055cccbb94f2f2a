"""docs/integration.md says what the code does, and leads where it says."""

from __future__ import annotations

import re

import pytest

from functions.payments.authorization import Status
from infra.guide import FILE, PARTS, render
from infra.manifest import ROOT
from tests.builders.contract import checked_in

GUIDES = ("quickstart.md", "integration.md", "webhooks.md")


def test_every_part_that_the_code_decides_is_fresh() -> None:
    text = FILE.read_text()
    assert text == render(text), "run `make openapi`"
    assert all(f"<!-- from the code: {name} -->" in text for name in PARTS)


def test_every_state_of_an_authorization_is_in_its_diagram() -> None:
    diagram = PARTS["authorization"]()
    assert all(f" {state}" in diagram for state in Status)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_leads_to_a_file(guide: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "docs" / guide).read_text())
    missing = [link for link in links if not (ROOT / "docs" / link).exists()]
    assert missing == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_in_a_guide_is_one_of_the_contract(guide: str) -> None:
    known = {re.sub(r"{\w+}", "{}", path) for path in checked_in()["paths"]}
    text = (ROOT / "docs" / guide).read_text()
    for found in re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) (/v1/[\w/{}…-]+)", text):
        path = re.sub(r"{[^}]*}", "{}", found.rstrip("/"))
        assert "…" in path or path in known, found
