"""One command, one effect, in process: the whole story again, each command of a merchant or customer from twenty hands.

What follows a command in the story shows what it has done: every answer must be the one that a single hand got.
tests/e2e/test_one_effect.py does the same to the running platform.
"""

from __future__ import annotations

import json

import pytest

from infra.openapi import EXAMPLES, views
from tests.builders.platform import Platform
from tests.builders.story import CHAPTERS, shape, tell
from tests.builders.story.recording import is_copied

COPIES = 20
COPIED = {view.__name__ for _, method, view in views() if method == "POST" and is_copied(view)}
TOLD = json.loads(EXAMPLES.read_text(encoding="utf-8"))
PLAYED = [chapter for chapter in CHAPTERS if COPIED & set(TOLD[chapter]["exchanges"])]
NOT_COPIED = {
    "take_rail_callback": "the rail's word, signed; said twice it is taken once (test_rail_callbacks.py)",
    "create_quote": "moves nothing", "preview_refund": "moves nothing", "preview_deferral": "moves nothing",
    "preview_replan": "moves nothing",
    "make_qr": "moves nothing", "begin_confirmation": "shows a plan; the last one shown counts",
    "request_code": "a ceremony: each asking is a message of its own, and they are counted",
    "verify_code": "a ceremony: a code is good once", "refresh": "a ceremony: a refresh token is good once",
    "sign_out": "a ceremony: the second finds nothing to end",
    "begin_registration": "a ceremony: each challenge is a new one", "finish_registration": "a ceremony: good once",
    "begin_sign_in": "a ceremony: each challenge is a new one", "finish_sign_in": "a ceremony: good once",
}  # fmt: skip


@pytest.mark.pain(16)
@pytest.mark.pain(23)
@pytest.mark.parametrize("chapter", PLAYED)
def test_twenty_copies_of_each_command_do_what_one_does(platform: Platform, chapter: str) -> None:
    told = tell(chapter, platform, COPIES)
    assert told.copied == COPIED & set(told.exchanges)
    for name, exchange in told.exchanges.items():
        assert shape(exchange) == shape(TOLD[chapter]["exchanges"][name]), name


def test_every_post_of_merchants_and_customers_is_copied_or_says_why_not() -> None:
    theirs = {
        view.__name__
        for _, method, view in views()
        if method == "POST" and {each.kind for each in view.access.each} != {"staff"}
    }
    assert theirs == COPIED | set(NOT_COPIED)
    assert not COPIED & set(NOT_COPIED)
