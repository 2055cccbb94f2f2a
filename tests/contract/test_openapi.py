"""openapi.yaml is what the code says, and every route says who may call it."""

from __future__ import annotations

import re

import pytest

import app
from functions.platform.web.http import Access
from infra.openapi import FILE, document, render, views
from tests.builders.contract import checked_in

_VIEWS = [pytest.param(path, method, view, id=f"{method} {path}") for path, method, view in views()]


def test_the_checked_in_document_is_fresh() -> None:
    assert FILE.read_text() == render(), "run `make openapi`"


def test_the_document_is_valid_against_the_metaschema() -> None:
    from jsonschema import Draft202012Validator

    for schema in checked_in()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    text = FILE.read_text()
    loaded = checked_in()
    for reference in set(re.findall(r"#/components/[\w/.\-]+", text)):
        node = loaded
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


@pytest.mark.parametrize(("path", "method", "view"), _VIEWS)
def test_every_route_has_an_access_and_only_public_ones_have_no_authorizer(
    path: str, method: str, view: object
) -> None:
    access = view.access
    assert isinstance(access, Access)
    entry = app.app.routes[path][method]
    assert (entry.authorizer is None) == (access.kind == "public")


@pytest.mark.parametrize(("path", "method", "view"), _VIEWS)
def test_a_path_variable_has_the_one_name_of_its_place(path: str, method: str, view: object) -> None:
    names = re.findall(r"{(\w+)}", path)
    assert names == ["id", "sub"][: len(names)]


def test_operation_ids_are_unique() -> None:
    ids = [op["operationId"] for path in document()["paths"].values() for op in path.values()]
    assert len(set(ids)) == len(ids)


def test_every_post_that_creates_or_moves_something_needs_an_idempotency_key() -> None:
    exempt = {"make_qr", "create_quote", "request_code", "verify_code", "refresh", "sign_out", "advance_clock"}
    exempt |= {"preview_refund", "preview_deferral", "take_rail_callback", "replay_decision"}
    exempt |= {"preview_replan"}
    exempt |= {"begin_registration", "finish_registration", "begin_sign_in", "finish_sign_in", "begin_confirmation"}
    without = {view.__name__ for _, method, view in views() if method == "POST" and not view.operation.command}
    assert without == exempt
