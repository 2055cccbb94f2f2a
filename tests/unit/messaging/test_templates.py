"""Texts: complete in both languages, exact in their figures, harmless whatever a name contains."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from jinja2.exceptions import SecurityError, UndefinedError

from functions.core.money import format_money
from functions.messaging.message import CHANNELS, EMAIL, SMS, TEMPLATES, Money, Sentence
from functions.messaging.templates import LANGUAGES, FactsMismatchError, _environment, _texts, catalog_of, render
from tests.builders.messaging import facts

GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
SAMPLES: dict[str, Any] = {
    "number": 3,
    "count": 6,
    "amount": Money(59980, "CNY"),
    "due_on": date(2027, 2, 1),
    "merchant": "Lotus Books",
    "url": "https://pay.example.com/me",
    "days": 7,
    "paid_on": date(2027, 2, 1),
    "code": "482913",
    "minutes": 10,
    "last4": "2051",
    "effective_on": date(2027, 2, 1),
    "hours": 48,
    "why": Sentence("The limit was raised after a person looked at it"),
    "before": Money(59980, "CNY"),
    "after": Money(59980, "CNY"),
    "limit": Money(59980, "CNY"),
}
WHY = {"why": "The limit was raised after a person looked at it"}
SHOWN = {
    "en": {
        **dict.fromkeys(("amount", "before", "after", "limit"), "CN¥599.80"),
        **dict.fromkeys(("due_on", "effective_on", "paid_on"), "February 1, 2027"),
        **WHY,
    },
    "zh-Hans": {
        **dict.fromkeys(("amount", "before", "after", "limit"), "¥599.80"),
        **dict.fromkeys(("due_on", "effective_on", "paid_on"), "2027年2月1日"),
        **WHY,
    },
}


def sample(template: str, **changed: Any) -> dict[str, Any]:
    return {**{name: SAMPLES[name] for name in TEMPLATES[template].facts}, **changed}


def test_every_catalog_holds_the_same_texts_and_they_are_those_the_templates_need():
    needed = {f"{name}.{part}" for name in TEMPLATES for part in ("subject", "text", "sms")}
    for catalog in LANGUAGES.values():
        assert set(_texts(catalog)) == needed | {"product.name", "product.footer"}


@pytest.mark.parametrize("catalog", LANGUAGES.values())
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_fact_is_shown_in_every_language_on_every_channel(template: str, channel: str, catalog: str):
    text = render(template, channel, catalog, sample(template))
    everything = text.subject + text.body
    for name, value in sample(template).items():
        if template == "reminder_overdue" and channel == SMS and name == "days":
            continue  # a short message says "overdue", and not by how much
        if template == "reminder_upcoming" and channel == SMS and name == "days":
            continue  # it gives the day itself
        assert SHOWN[catalog].get(name, str(value)) in everything, name
    assert "{{" not in everything
    assert "{%" not in everything


@pytest.mark.parametrize("catalog", LANGUAGES.values())
@pytest.mark.parametrize("template", ["reminder_upcoming", "reminder_due", "reminder_overdue"])
def test_without_a_merchant_the_text_still_reads_and_has_no_empty_place(template: str, catalog: str):
    for channel in CHANNELS:
        text = render(template, channel, catalog, sample(template, merchant=""))
        assert "  " not in text.body.replace("-- \n", "")
        assert "()" not in text.body
        assert "在  的" not in text.body


@pytest.mark.parametrize(
    ("currency", "amount_minor", "english", "chinese"),
    [("CNY", 1, "CN¥0.01", "¥0.01"), ("JPY", 123456, "¥123,456", "JP¥123,456"), ("KWD", 12345, "KWD", "KWD")],
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, amount_minor: int, english: str, chinese: str):
    for catalog, expected in (("en", english), ("zh-Hans", chinese)):
        body = render("reminder_due", SMS, catalog, sample("reminder_due", amount=Money(amount_minor, currency))).body
        assert format_money(amount_minor, currency, catalog) in body
        assert expected in body


@pytest.mark.parametrize(
    ("days", "expected"), [(1, "due on February 1, 2027, tomorrow."), (2, "due on February 1, 2027, in 2 days.")]
)
def test_one_day_is_tomorrow_and_more_are_counted(days: int, expected: str):
    assert expected in render("reminder_upcoming", EMAIL, "en", sample("reminder_upcoming", days=days)).body


def test_one_day_overdue_is_a_day_and_not_days():
    assert "1 day ago" in render("reminder_overdue", EMAIL, "en", sample("reminder_overdue", days=1)).body
    assert "2 days ago" in render("reminder_overdue", EMAIL, "en", sample("reminder_overdue", days=2)).body


@pytest.mark.parametrize(
    ("tag", "catalog"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh_Hans_CN", "zh-Hans"),
        ("ZH-hans", "zh-Hans"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_a_language_tag_finds_its_catalog_by_primary_language(tag: str, catalog: str):
    assert catalog_of(tag) == catalog


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "3"},
        {"amount": 59980},
        {"due_on": "2027-02-01"},
        {"extra": 1},
        {"number": True},
    ],
)
def test_facts_of_another_type_or_name_are_refused(wrong: dict[str, Any]):
    with pytest.raises(FactsMismatchError, match=next(iter(wrong))):
        render("reminder_due", EMAIL, "en", facts(**wrong))


def test_a_missing_fact_is_refused_by_name():
    incomplete = facts()
    del incomplete["merchant"]
    with pytest.raises(FactsMismatchError, match="merchant"):
        render("reminder_due", EMAIL, "en", incomplete)


def test_a_name_is_text_and_never_markup_template_or_header():
    name = "A & B <script>alert(1)</script>\r\nBcc: x"
    text = render("reminder_due", EMAIL, "en", facts(merchant=name))
    assert "<script>" not in text.html
    assert "A &amp; B &lt;script&gt;" in text.html
    assert "\nBcc" not in text.body
    assert "\n" not in text.subject
    assert "{{ 7*7 }}" in render("reminder_due", SMS, "en", facts(merchant="{{ 7*7 }}")).body


def test_a_long_name_is_cut_to_forty_characters():
    body = render("reminder_due", SMS, "en", facts(merchant="x" * 200)).body
    assert "x" * 39 + "…" in body
    assert "x" * 40 not in body


def test_the_page_links_the_address_and_carries_its_language():
    text = render("reminder_due", EMAIL, "zh-CN", facts())
    assert '<a href="https://pay.example.com/me"' in text.html
    assert '<html lang="zh-Hans">' in text.html
    assert "<script" not in text.html


@pytest.mark.parametrize("template", TEMPLATES)
def test_english_short_messages_stay_in_the_gsm_alphabet_and_within_two_segments(template: str):
    body = render(template, SMS, "en", sample(template)).body
    assert not set(body) - GSM_7
    assert len(body) <= 2 * 153


def test_a_text_can_reach_nothing_but_its_facts():
    environment = _environment("en")
    with pytest.raises(SecurityError):
        environment.from_string("{{ ''.__class__.__mro__ }}").render()
    with pytest.raises(UndefinedError):
        environment.from_string("{{ customer }}").render()
