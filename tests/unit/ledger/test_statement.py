"""A statement out of an export: the owner's postings in order, with the balance after each, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from functions.ledger.audit.export import dump_lines
from functions.ledger.balances import Balances
from functions.ledger.statement import main
from tests.builders.ledger import CUSTOMER, MERCHANT, export_of, some_entries

ENTRIES = [replace(entry, effective_on=date(2026, 11, 1 + number)) for number, entry in enumerate(some_entries(12))]


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_text("".join(dump_lines(export_of(ENTRIES))), encoding="utf-8")
    return path


def printed(capsys, *arguments):
    assert main([str(each) for each in arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def closing(lines):
    return {(line["currency"], line["account"]): line["balance_minor"] for line in lines if line["type"] == "closing"}


def postings(lines):
    return [line for line in lines if line["type"] == "posting"]


@pytest.mark.parametrize("owner", [CUSTOMER, MERCHANT])
def test_the_closing_balances_are_those_of_the_books(export, capsys, owner):
    lines = printed(capsys, export, owner)
    books = {(currency, account.slug): own for currency, account, own in Balances.after(ENTRIES).owned(owner)}
    assert closing(lines) == books
    assert any(books.values())


def test_each_line_carries_the_balance_after_it(export, capsys):
    running: dict[tuple[str, str], int] = {}
    for line in postings(printed(capsys, export, CUSTOMER)):
        key = (line["currency"], line["account"])
        running[key] = running.get(key, 0) + line["change_minor"]
        assert line["balance_minor"] == running[key]


def test_a_part_of_the_year_begins_with_the_balance_before_it(export, capsys):
    whole = postings(printed(capsys, export, MERCHANT))
    part = printed(capsys, export, MERCHANT, "--from", "2026-11-05", "--to", "2026-11-09")
    assert postings(part) == [line for line in whole if "2026-11-05" <= line["effective_on"] <= "2026-11-09"]
    assert closing(part) == {
        (w["currency"], w["account"]): w["balance_minor"] for w in whole if w["effective_on"] <= "2026-11-09"
    }


def test_a_stranger_has_no_lines(export, capsys):
    assert printed(capsys, export, "cus_stranger") == []


def test_an_entry_that_is_none_is_told_of(export, capsys):
    text = export.read_text().splitlines(keepends=True)
    broken = next(n for n, line in enumerate(text) if '"type":"entry"' in line)
    line = json.loads(text[broken])
    line["entry"]["postings"] = []
    text[broken] = json.dumps(line) + "\n"
    export.write_text("".join(text))
    assert main([str(export), CUSTOMER]) == 1
    assert f"FAILED: {ENTRIES[0].id} is no entry" in capsys.readouterr().out
