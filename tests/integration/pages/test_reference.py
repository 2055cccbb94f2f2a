"""The OpenAPI document as served, and its page: whole, for anyone, without scripts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from functions.pages.reference.service import page_of
from tests.builders.api import Reply
from tests.builders.contract import checked_in
from tests.builders.platform import Platform
from tests.builders.shop import all_api


class Page(HTMLParser):
    """What a page links to, loads, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in {"href", "src"}:
                self.links.append(str(value))
            if name == "style" or name.startswith("on"):
                self.inline.append(name)


@pytest.fixture
def page(platform: Platform) -> Reply:
    return all_api().get("/docs")


def test_the_served_document_is_the_checked_in_one(platform: Platform) -> None:
    served = all_api().get("/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.body == checked_in()


def test_the_page_shows_every_operation_and_every_schema(page: Reply) -> None:
    document = checked_in()
    ids = set(Page(page.body).ids)
    operations = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert operations | document["components"]["schemas"].keys() <= ids


def test_every_link_of_the_page_leads_somewhere(page: Reply, platform: Platform) -> None:
    found = Page(page.body)
    assert len(found.ids) == len(set(found.ids))
    for link in set(found.links):
        if link.startswith("#"):
            assert link[1:] in found.ids, link
        else:
            assert all_api().get(f"/{link}").status == 200, link


def test_the_page_needs_no_script_and_nothing_from_elsewhere(page: Reply) -> None:
    found = Page(page.body)
    assert not found.tags & {"script", "style", "iframe", "object", "form"}
    assert found.inline == []
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"https?://(?!www\.standardwebhooks)", " ".join(found.links))


def test_what_the_document_says_can_not_become_markup(page: Reply) -> None:
    document = {
        "info": {"version": "1"}, "components": {"schemas": {}},
        "paths": {"/x": {"get": {"operationId": "x", "summary": "<script>", "tags": ["T"], "security": [],
                                 "parameters": [], "responses": {"200": {"description": "<b>"}}}}},
    }  # fmt: skip
    made = page_of(document)
    assert "<script>" not in made
    assert "<b>" not in made


def test_what_is_marked_as_code_is_shown_as_code(page: Reply) -> None:
    assert "<code>next_cursor</code>" in page.body
    assert not re.search(r"<(?:p|td)>[^<]*`", page.body)
