"""Whom passkeys are for: the pages' own domain unless a deployment says otherwise."""

from __future__ import annotations

import pytest

from functions.customers.passkeys.ceremony import RelyingParty


@pytest.mark.parametrize(
    ("given", "party"),
    [
        (("https://pay.whitenote.example",), RelyingParty("pay.whitenote.example", ("https://pay.whitenote.example",))),
        (("http://127.0.0.1:8000",), RelyingParty("localhost", ("http://localhost:8000",))),
        (("http://[::1]:9000",), RelyingParty("localhost", ("http://localhost:9000",))),
        (
            ("https://pay.whitenote.example", "whitenote.example", "https://a.whitenote.example", "https://b.example"),
            RelyingParty("whitenote.example", ("https://a.whitenote.example", "https://b.example")),
        ),
    ],
)
def test_the_party_follows_from_where_the_pages_are(given: tuple[str, ...], party: RelyingParty) -> None:
    assert RelyingParty.of(*given) == party
