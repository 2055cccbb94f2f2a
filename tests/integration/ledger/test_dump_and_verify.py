"""R10 on the real tables: tamper with any ledger item of any kind, and dump and verify name it."""

from __future__ import annotations

import re
from datetime import date

import pytest

from functions.ledger import service, store
from functions.ledger.audit import export_service
from functions.ledger.dump import main as dump
from functions.ledger.encoding import entry_bytes, entry_from_bytes
from functions.ledger.entries import reverse
from functions.ledger.log.service import write_checkpoint
from functions.ledger.verify import main as verify
from functions.platform.storage import keys
from tests.builders.ledger import AT, CUSTOMER, an_entry, an_id, capture_postings, some_entries
from tests.builders.shop import all_api

COUNT = 18


@pytest.fixture
def verdict(books, tmp_path, capsys):
    """Exit code and lines of dump and verify, as an auditor runs them."""

    def run() -> tuple[int, str]:
        export, key = tmp_path / "export.jsonl", tmp_path / "key.pem"
        assert dump([str(export), "--public-key", str(key)]) == 0
        capsys.readouterr()
        code = verify([str(export), "--public-key", str(key)])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def full(books, monkeypatch):
    """A ledger with every kind of item: entries, a reversal, a closed month, three checkpoints."""
    monkeypatch.setattr("functions.ledger.audit.export_service._RECHECK_S", 0.0)
    entries = some_entries(COUNT)
    books.log(*entries[:6])
    write_checkpoint()
    books.log(*entries[6:])
    write_checkpoint()
    books.post(reverse(entries[3], occurred_at=AT.replace(day=23), effective_on=date(2026, 11, 23), command_id="ab"))
    close = {"reason": "x", "exposures": [{"currency": "CNY", "days_past_due": 0, "outstanding_minor": 1_000}]}
    token = books.platform.staff_token("finance")
    assert all_api().post("/v1/ledger/periods/2026-10/close", close, token=token).status == 201
    books.sequence()
    write_checkpoint()
    return entries


def test_an_honest_ledger_is_whole(books, full, verdict):
    code, out = verdict()
    assert out.endswith("OK: the ledger is whole\n")
    assert code == 0
    assert f"{COUNT + 2} entries, 3 checkpoints, signed up to {COUNT + 2}" in out


def test_an_empty_ledger_is_whole(books, verdict):
    assert verdict()[0] == 0


def test_every_item_that_is_dropped_is_missed(books, full, verdict):
    for item in books.items():
        books.delete_raw(item)
        code, out = verdict()
        assert code == 1, item
        if item["sk"]["S"].startswith("txn_"):
            assert f"DROPPED {item['sk']['S']} (log index" in out
        elif item["sk"]["S"] == keys.LEAF:
            assert re.search(f"^(LEAF|INSERTED) {item['pk']['S']}", out, re.MULTILINE)
        books.put_raw(item)
    assert verdict()[0] == 0


def _changes(item):
    """Every attribute of an item, changed one at a time."""
    for name, value in item.items():
        if name in {"pk", "sk"}:
            continue
        ((kind, inner),) = value.items()
        changed = {"N": lambda v: str(int(v) + 1), "S": lambda v: f"{v}x", "B": lambda v: v[:-1] + b"\0\1"}[kind](inner)
        yield name, {**item, name: {kind: changed}}
        yield name, {key: each for key, each in item.items() if key != name}


_UNHASHED = {"t", "by", "re", "al", "ib", "ok", "o"}
"""Times, names and pointers beside the proof: not part of what the log swears to (docs/ledger.md)."""


def test_every_changed_attribute_is_noticed(books, full, verdict):
    kinds = {}
    for item in books.items():
        kinds.setdefault(re.sub(r"[0-9A-Z]{26}|\d+", "", item["pk"]["S"] + item["sk"]["S"]), item)
    assert len(kinds) >= 7
    for item in kinds.values():
        for name, changed in _changes(item):
            if name in _UNHASHED:
                continue
            books.put_raw(changed)
            code, out = verdict()
            assert code == 1, (item["pk"], item["sk"], name)
            if item["sk"]["S"].startswith("txn_"):
                assert item["sk"]["S"] in out
        books.put_raw(item)
    assert verdict()[0] == 0


def test_a_changed_amount_is_named(books, full, verdict):
    victim = full[17]
    [item] = [item for item in books.items() if item["sk"]["S"] == victim.id]
    forged = an_entry(18, postings=capture_postings(1_000_000))
    books.put_raw({**item, "b": {"B": entry_bytes(forged)}})
    code, out = verdict()
    assert code == 1
    assert f"CHANGED {victim.id} (log index 17)" in out


def test_entries_that_change_places_are_named(books, full, verdict):
    """Swapping the bytes of two stored entries, or the indexes of two leaves."""
    by_key = {(item["pk"]["S"], item["sk"]["S"]): item for item in books.items()}
    one, other = (by_key[full[n].id, keys.LEAF] for n in (2, 15))
    books.put_raw({**one, "i": other["i"]})
    books.put_raw({**other, "i": one["i"]})
    code, out = verdict()
    assert code == 1
    assert f"REORDERED {full[2].id}" in out
    assert f"REORDERED {full[15].id}" in out


def test_an_entry_slipped_in_is_named_though_the_sequencer_logs_it(books, full, verdict):
    ghost = an_entry(777, command_id="dead", explains=full[0].explains)
    books.put_raw({"pk": {"S": CUSTOMER}, "sk": {"S": ghost.id}, "b": {"B": entry_bytes(ghost)}})
    code, out = verdict()
    assert code == 1
    assert f"INSERTED {ghost.id}" in out
    books.sequence()
    write_checkpoint()
    code, out = verdict()
    assert code == 1
    assert f"STATE {ghost.id}" in out
    assert "INSERTED" not in out


def test_an_entry_without_state_item_is_named(books, full, verdict):
    ghost = an_entry(778, explains=(an_id("plan", 99),))
    books.put_raw({"pk": {"S": CUSTOMER}, "sk": {"S": ghost.id}, "b": {"B": entry_bytes(ghost)}})
    books.sequence()
    write_checkpoint()
    assert f"STATE {ghost.id}: there is no state item {an_id('plan', 99)}" in verdict()[1]


def test_bytes_without_balanced_legs_are_named_though_the_sequencer_logs_them(books, full, verdict):
    data = entry_bytes(an_entry(779))[:-1] + b"\0"  # the last amount becomes zero
    name = an_id("txn", 779)
    books.put_raw({"pk": {"S": CUSTOMER}, "sk": {"S": name}, "b": {"B": data}})
    books.sequence()
    write_checkpoint()
    assert f"LEGS {name}" in verdict()[1]


def test_a_stray_item_is_named(books, full, verdict):
    books.put_raw({"pk": {"S": "mer_1"}, "sk": {"S": "note"}, "x": {"S": "?"}})
    assert "INSERTED mer_1 note: the ledger has no such items" in verdict()[1]


def test_a_rewritten_log_does_not_fit_what_lies_under_object_lock(books, full, verdict):
    """Someone with every right on the table rewrites an entry, its leaf, the pages and the head: the lock tells."""
    victim = full[10]
    kept = {(item["pk"]["S"], item["sk"]["S"]): item for item in books.items()}
    honest = [entry_from_bytes(item["b"]["B"]) for (_, sk), item in kept.items() if sk.startswith("txn_")]
    order = sorted(honest, key=lambda entry: int(kept[entry.id, keys.LEAF]["i"]["N"]))
    for (pk, sk), item in kept.items():
        if sk == keys.LEAF or (pk.startswith("log#0") and "checkpoint" not in pk):
            books.delete_raw(item)
    forged = an_entry(11, postings=capture_postings(999), explains=victim.explains, command_id=victim.command_id)
    books.put_raw({**kept[store.home_of(victim), victim.id], "b": {"B": entry_bytes(forged)}})
    from functions.ledger.log.service import append_entries

    append_entries(
        [store.Waiting(e.id, store.home_of(e), entry_bytes(forged if e.id == victim.id else e)) for e in order]
    )
    code, out = verdict()
    assert code == 1
    assert f"CHANGED {victim.id} (log index 10)" in out
    assert out.count("CHANGED") == 1
    assert "DROPPED" not in out


def test_what_is_logged_while_the_export_is_made_belongs_to_the_next(books, full, verdict, monkeypatch):
    """The head is read first; entries posted after it neither appear nor accuse."""
    read = export_service._read_head
    calls = []

    def read_and_go_on(tables):
        head = read(tables)
        calls.append(head.size)
        if len(calls) == 1:
            books.log(*[an_entry(number, explains=full[0].explains) for number in range(900, 905)])
            write_checkpoint()
        return head

    monkeypatch.setattr(export_service, "_read_head", read_and_go_on)
    code, out = verdict()
    assert code == 0, out
    assert f"{COUNT + 2} entries" in out


def test_a_deployment_that_is_away_is_said_to_be(books, tmp_path, capsys):
    with books.platform.failing("Scan"):
        assert dump([str(tmp_path / "x")]) == 1
    assert "FAILED" in capsys.readouterr().out
    service.forget()
