"""From template and facts to a text in the reader's language: amounts and dates as people of that language write them.

The texts stand in one catalog per language (catalogs/*.toml), so that a translator opens one file. They run in Jinja2's
sandbox with strict variables: a text that names a fact it is not given fails here and not in someone's inbox.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.core.money import format_money
from functions.messaging.message import EMAIL, TEMPLATES, Fact, Money, Sentence

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment
    from markupsafe import Markup

CATALOGS: Final = Path(__file__).with_name("catalogs")
LANGUAGES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-Hans"}
"""Catalog by primary language subtag."""
DEFAULT_LANGUAGE: Final = "en"
_LONGEST_NAME = 40
_ADDRESS = re.compile(r"(https?://[^\s<>\"']+)")


class FactsMismatchError(ValueError):
    """The facts given are not the facts that the template needs."""


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message.

    Args:
        language: The catalog it came from.
        subject: One line; "" for SMS.
        html: "" for SMS.
    """

    language: str
    subject: str = field(repr=False)
    body: str = field(repr=False)
    html: str = field(repr=False)


def catalog_of(language: str) -> str:
    """The catalog for a reader's BCP 47 tag, by its primary language; English where we have none of it.

    Source: RFC 4647 section 3.4 (lookup with a default).
    """
    return LANGUAGES.get(language.replace("_", "-").partition("-")[0].lower(), DEFAULT_LANGUAGE)


def render(template: str, channel: str, language: str, facts: Mapping[str, Fact]) -> Text:
    """A message's text for one channel.

    Args:
        template: Name in `TEMPLATES`.
        channel: "email" or "sms".
        language: BCP 47 tag.
        facts: What the template needs, neither more nor less.

    Raises:
        FactsMismatchError: Facts are missing, too many, or of another type.
    """
    _require_facts(template, facts)
    catalog = catalog_of(language)
    words = {name: _worded(value, catalog) for name, value in facts.items()}
    if channel != EMAIL:
        return Text(catalog, "", _filled(catalog, f"{template}.sms", words), "")
    texts = _texts(catalog)
    subject = _filled(catalog, f"{template}.subject", words)
    body = _filled(catalog, f"{template}.text", words)
    page = (
        _layout()
        .get_template("layout.html")
        .render(
            language=catalog,
            subject=subject,
            product=texts["product.name"],
            paragraphs=body.split("\n\n"),
            footer=texts["product.footer"],
        )
    )
    return Text(catalog, subject, f"{body}\n\n-- \n{texts['product.footer']}\n", page)


def _require_facts(template: str, facts: Mapping[str, Fact]) -> None:
    needed = TEMPLATES[template].facts
    if set(facts) != set(needed):
        raise FactsMismatchError(f"{template}: facts differ by {', '.join(sorted(set(facts) ^ set(needed)))}")
    wrong = sorted(name for name, kind in needed.items() if type(facts[name]) is not kind)
    if wrong:
        raise FactsMismatchError(f"{template}: facts of another type: {', '.join(wrong)}")


def _worded(value: Fact, catalog: str) -> int | str:
    if isinstance(value, Money):
        return format_money(value.amount_minor, value.currency, catalog)
    if isinstance(value, date):
        from babel.dates import format_date

        return format_date(value, "long", locale=catalog.replace("-", "_"))
    if isinstance(value, Sentence):
        return value.text
    if isinstance(value, str):
        return _one_line(value)
    return value


def _one_line(text: str) -> str:
    """A name cut to what a message has room for; no line breaks, which would be new headers or paragraphs."""
    if text.startswith(("https://", "http://")):
        return text
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"


def _filled(catalog: str, name: str, words: Mapping[str, int | str]) -> str:
    return _environment(catalog).get_template(name).render(words).strip()


@lru_cache(maxsize=len(LANGUAGES))
def _texts(catalog: str) -> dict[str, str]:
    """Every text of a catalog as "section.name"."""
    tree: dict[str, dict[str, str]] = tomllib.loads((CATALOGS / f"{catalog}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, texts in tree.items() for name, text in texts.items()}


@lru_cache(maxsize=len(LANGUAGES))
def _environment(catalog: str) -> SandboxedEnvironment:
    from jinja2 import DictLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=DictLoader(_texts(catalog)),
        undefined=StrictUndefined,
        autoescape=False,  # plain text; the HTML page escapes what it shows
    )


@lru_cache(maxsize=1)
def _layout() -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(CATALOGS), undefined=StrictUndefined, autoescape=True
    )
    environment.filters["link"] = _link
    return environment


def _link(paragraph: str) -> Markup:
    """The paragraph escaped, with its addresses as links; Chinese sets no space before an address."""
    from markupsafe import Markup

    link = Markup('<a href="{0}" rel="noopener">{0}</a>')
    parts = _ADDRESS.split(paragraph)
    return Markup("").join(link.format(part) if place % 2 else part for place, part in enumerate(parts))
