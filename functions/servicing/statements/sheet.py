"""A statement in words: what stands on the page, in the customer's language, whoever prints it. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from functions.core.money import format_money
from functions.messaging.templates import catalog_of

TEXTS: Final = Path(__file__).with_name("texts")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page to print.

    Args:
        language: Catalog that its words are from.
        product: Who speaks.
        title: Of the page.
        subtitle: Whose it is, and of which day.
        facts: Label and value, the most important first.
        heading: Over the table.
        columns: Of the table.
        rows: Of the table, as wide as the columns.
        notes: Below it.
    """

    language: str
    product: str
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def sheet_of(statement: Mapping[str, Any], *, language: str, name: str, merchants: Mapping[str, str]) -> Sheet:
    """The page of a statement.

    Args:
        statement: As its customer reads it.
        language: BCP 47 tag of the reader.
        name: The customer's.
        merchants: What to call each plan's purchase, by plan id.
    """
    words = _Words(catalog_of(language), str(statement["currency"]), statement)
    say = words.say
    late = (say("note_late"),) if statement["late_minor"] else ()
    rows = words.rows(merchants)
    return Sheet(
        language=words.catalog,
        product=say("product"),
        title=say("title"),
        subtitle=say("of", name=name),
        facts=words.facts(),
        heading=say("plans"),
        columns=tuple([say(f"column_{each}") for each in _COLUMNS]),
        rows=rows,
        notes=(*(() if rows else (say("no_installment"),)), say("note_rate"), *late, say("note_only")),
    )


_COLUMNS: Final = ("purchase", "number", "due_on", "principal", "fee", "late", "total")
_MONEY: Final = ("principal_minor", "fee_minor", "late_minor", "total_minor")


@dataclass(frozen=True, slots=True)
class _Words:
    catalog: str
    currency: str
    statement: Mapping[str, Any]

    def say(self, text: str, **more: str) -> str:
        days = {each: self.day(self.statement[each]) for each in ("cut_on", "previous_cut_on", "next_cut_on")}
        return _texts(self.catalog)[text].format(**days, **more)

    def day(self, text: str | None) -> str:
        from babel.dates import format_date

        if text is None:
            return _texts(self.catalog)["nothing_due"]
        return str(format_date(date.fromisoformat(text), "long", locale=self.catalog.replace("-", "_")))

    def money(self, amount_minor: int) -> str:
        return format_money(amount_minor, self.currency, self.catalog)

    def facts(self) -> tuple[tuple[str, str], ...]:
        of = self.statement
        found: list[tuple[str, str]] = []
        if of["apr_bps"] is not None:  # more prominent than any amount: PBoC Announcement 2021 No. 3
            found.append((self.say("row_apr"), f"{Decimal(of['apr_bps']).scaleb(-2):.2f} %"))
        found.append((self.say("row_due"), self.money(of["due_minor"])))
        found += [
            (self.say(f"row_{each}"), self.money(of[f"{each}_minor"]))
            for each in ("past_due", "late")
            if of[f"{each}_minor"]
        ]
        found.append((self.say("row_minimum"), self.money(of["minimum_minor"])))
        found.append((self.say("row_due_on"), self.day(of["due_on"])))
        found += [(self.say(f"row_{each}"), self.money(of[f"{each}_minor"])) for each in ("paid", "bill")]
        if of["credit_balance_minor"]:
            found.append((self.say("row_credit"), self.money(of["credit_balance_minor"])))
        found.append((self.say("row_limit"), self.money(of["limit_minor"])))
        found.append((self.say("row_period"), self.say("period")))
        return tuple(found)

    def rows(self, merchants: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            [
                (
                    merchants.get(plan["plan_id"]) or plan["product_id"],
                    str(each["number"]),
                    self.day(each["due_on"]),
                    *[self.money(each[name]) for name in _MONEY],
                )
                for plan in self.statement["plans"]
                for each in plan["installments"]
            ]
        )


@lru_cache(maxsize=2)
def _texts(catalog: str) -> dict[str, str]:
    texts: dict[str, str] = tomllib.loads((TEXTS / f"{catalog}.toml").read_text(encoding="utf-8"))
    return texts
