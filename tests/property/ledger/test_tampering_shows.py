"""R10: change, drop, insert or reorder anything in the ledger, and the verifier names it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ledger.audit.export import ClosedPeriod, dump_lines, entry_line, leaf_line, period_line
from functions.ledger.audit.fault import FaultKind
from functions.ledger.audit.judge import audit
from functions.ledger.audit.reading import read_checkpoints, read_export
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_bytes, entry_from_dict
from functions.ledger.entries import EntryKind
from functions.ledger.periods import Period
from functions.ledger.verify import main
from tests.builders.effort import effort
from tests.builders.ledger import ORIGIN, SIGNER, LocalSigner, an_id, export_of, leaves_of, notes_of, some_entries

COUNT, SIZES = 24, [1, 9, 16, 24]
ENTRIES = some_entries(COUNT, seed=10)
HONEST = export_of(ENTRIES, SIZES)


def judged(lines, kept=(), key=SIGNER.pem):
    return audit(read_export(dump_lines(lines)), kept, key)


def named(lines, kept=()):
    """(kind, subject) of every fault but the head's, whose sums every change of an entry upsets too."""
    return {(f.kind, f.subject) for f in judged(lines, kept).faults if f.kind is not FaultKind.HEAD}


def places(lines, kind):
    return [at for at, line in enumerate(lines) if line["type"] == kind]


def kept_notes():
    """What an auditor copied in good time: notes alone."""
    notes = notes_of(leaves_of(ENTRIES), SIZES)
    return read_checkpoints(b"\n".join(notes).decode())


def test_an_honest_export_is_whole():
    report = judged(HONEST, kept_notes())
    assert report.faults == []
    assert report.notes == [f"{COUNT} entries, 4 checkpoints, signed up to {COUNT}"]


@given(st.integers(0, COUNT - 1), st.data())
@settings(max_examples=effort(50))
def test_a_changed_entry_is_named(index, data):
    lines = copy.deepcopy(HONEST)
    inner = lines[places(lines, "entry")[index]]["entry"]
    member = data.draw(st.sampled_from(["amount", "currency", "kind", "day", "command", "owner", "explains"]))
    leg = data.draw(st.sampled_from(inner["postings"]))
    match member:
        case "amount":
            leg["amount_minor"] += data.draw(
                st.sampled_from([1, -1, 10**6]).filter(lambda d: leg["amount_minor"] + d > 0)
            )
        case "currency":
            inner["currency"] = "EUR"
        case "kind":
            inner["kind"] = "waiver"
        case "day":
            inner["effective_on"] = "2026-12-01"
        case "command":
            inner["command_id"] = "another"
        case "owner":
            leg["debit"], leg["credit"] = leg["credit"], leg["debit"]
        case "explains":
            inner["explains"] = [*inner["explains"], an_id("plan", 77)]
    faults = named(lines)
    assert (FaultKind.CHANGED, ENTRIES[index].id) in faults
    assert {subject for kind, subject in faults if kind in {"CHANGED", "DROPPED", "INSERTED", "REORDERED"}} == {
        ENTRIES[index].id
    }


@given(st.integers(0, COUNT - 1))
@settings(max_examples=effort(12))
def test_a_changed_entry_is_named_even_if_its_leaf_was_rewritten(index):
    """The leaves kept with the checkpoints under Object Lock still tell which one."""
    lines = copy.deepcopy(HONEST)
    place = places(lines, "entry")[index]
    lines[place]["entry"]["postings"][0]["amount_minor"] += 1
    forged = entry_from_dict(lines[place]["entry"])
    [leaf] = leaves_of([forged])
    lines[places(lines, "leaf")[index]] = leaf_line(replace(leaf, index=index))
    assert {(FaultKind.CHANGED, forged.id), (FaultKind.LEAF, forged.id)} == named(lines)


@given(st.integers(0, COUNT - 1))
@settings(max_examples=effort(12))
def test_a_rewritten_log_is_placed_between_two_kept_notes(index):
    """With nothing but signed notes the fault is placed in the minute in which the entry was logged."""
    entries = [*ENTRIES]
    first, *rest = entries[index].postings
    entries[index] = replace(entries[index], postings=(replace(first, amount_minor=first.amount_minor + 1), *rest))
    report = judged(export_of(entries, SIZES, kept_leaves=False), kept_notes())
    start, end = next((a, b) for a, b in zip([0, *SIZES], SIZES, strict=False) if a <= index < b)
    log = [fault for fault in report.faults if fault.kind is FaultKind.LOG]
    assert [fault.subject for fault in log] == [f"index {start} to {end - 1}"]
    assert entries[index].id in log[0].detail
    twice = [fault for fault in report.faults if fault.kind is FaultKind.CHECKPOINT]
    assert len(twice) == sum(size > index for size in SIZES)


@given(st.integers(0, COUNT - 1))
@settings(max_examples=effort(30))
def test_a_dropped_entry_is_named(index):
    lines = copy.deepcopy(HONEST)
    del lines[places(lines, "entry")[index]]
    assert {(FaultKind.DROPPED, ENTRIES[index].id)} <= named(lines)
    assert {kind for kind, _ in named(lines)} <= {FaultKind.DROPPED, FaultKind.STATE}


@given(st.integers(0, COUNT - 1))
@settings(max_examples=effort(30))
def test_an_entry_dropped_with_its_leaf_and_everything_renumbered_is_named(index):
    entries = [entry for entry in ENTRIES if entry is not ENTRIES[index]]
    lines = export_of(entries, [])
    lines += [line for line in HONEST if line["type"] == "checkpoint"]
    faults = judged(lines).faults
    assert [f.subject for f in faults if f.kind is FaultKind.DROPPED] == [ENTRIES[index].id]
    assert not [f for f in faults if f.kind in {FaultKind.CHANGED, FaultKind.INSERTED, FaultKind.REORDERED}]


@given(st.integers(0, COUNT), st.booleans())
@settings(max_examples=effort(30))
def test_an_inserted_entry_is_named(place, renumber):
    stranger = replace(ENTRIES[0], id=an_id("txn", 999), command_id="forged")
    lines = copy.deepcopy(HONEST)
    at = places(lines, "entry")[0] + place
    lines.insert(at, entry_line(place, entry_bytes(stranger)))
    if renumber:
        for index, position in enumerate(places(lines, "entry")):
            lines[position]["index"] = index
    faults = named(lines)
    assert (FaultKind.INSERTED, stranger.id) in faults
    assert (FaultKind.COMMAND, stranger.id) in faults
    assert not [fault for fault in faults if fault[0] in {"CHANGED", "DROPPED", "REORDERED"}]


@given(st.integers(0, COUNT - 1))
@settings(max_examples=effort(30))
def test_an_entry_that_stands_twice_is_named(index):
    lines = [*HONEST, HONEST[places(HONEST, "entry")[index]]]
    assert (FaultKind.INSERTED, ENTRIES[index].id) in named(lines)


@given(st.integers(0, COUNT - 1), st.integers(0, COUNT - 2), st.booleans())
@settings(max_examples=effort(30))
def test_a_moved_entry_is_named(source, target, renumber):
    lines = copy.deepcopy(HONEST)
    at = places(lines, "entry")
    moved = lines.pop(at[source])
    lines.insert(at[target], moved)
    if renumber:
        for index, position in enumerate(places(lines, "entry")):
            lines[position]["index"] = index
    faults = named(lines)
    if source == target:
        assert faults == set()
    else:
        assert {kind for kind, _ in faults} == {FaultKind.REORDERED}
        subjects = {subject for _, subject in faults}
        neighbours = {ENTRIES[min(source, target)].id, ENTRIES[max(source, target)].id}
        assert len(subjects) == 1
        assert subjects == {ENTRIES[source].id} or (abs(source - target) == 1 and subjects <= neighbours)


@given(st.lists(st.integers(0, COUNT - 1), min_size=2, max_size=4, unique=True))
@settings(max_examples=effort(30))
def test_several_faults_are_all_named(indexes):
    lines = copy.deepcopy(HONEST)
    dropped, *changed = indexes
    at = places(lines, "entry")
    for index in changed:
        lines[at[index]]["entry"]["command_id"] += "x"
    del lines[at[dropped]]
    faults = named(lines)
    assert {subject for kind, subject in faults if kind is FaultKind.CHANGED} == {ENTRIES[i].id for i in changed}
    assert {subject for kind, subject in faults if kind is FaultKind.DROPPED} == {ENTRIES[dropped].id}


@pytest.mark.parametrize("index", [0, 8, 23])
def test_a_leaf_item_that_is_gone_or_false_is_named(index):
    lines = copy.deepcopy(HONEST)
    place = places(lines, "leaf")[index]
    gone = [line for at, line in enumerate(lines) if at != place]
    assert named(gone) == {(FaultKind.LEAF, ENTRIES[index].id)}
    lines[place]["hash"] = "00" * 32
    assert named(lines) == {(FaultKind.LEAF, ENTRIES[index].id)}
    lines[place] |= {"hash": HONEST[place]["hash"], "entry_id": an_id("txn", 500)}
    assert named(lines) == {(FaultKind.LEAF, ENTRIES[index].id)}


@pytest.mark.parametrize("number", range(5))
def test_a_page_that_is_gone_or_false_is_named(number):
    place = places(HONEST, "page")[number]
    first = HONEST[place]["first"]
    gone = [line for at, line in enumerate(HONEST) if at != place]
    assert named(gone) == {(FaultKind.PAGE, f"page {first}")}
    for change in ({"hashes": HONEST[place]["hashes"][:-2] + "00"}, {"entry_ids": HONEST[place]["entry_ids"][::-1]}):
        lines = [*HONEST]
        lines[place] = HONEST[place] | change
        if lines[place] != HONEST[place]:
            assert named(lines) == {(FaultKind.PAGE, f"page {first}")}
    assert (FaultKind.PAGE, "page 99") in named([*HONEST, HONEST[place] | {"first": 99}])


@pytest.mark.parametrize("change", [{"size": COUNT - 1}, {"frontier": ""}, {"frontier": "00" * 72}])
def test_a_false_head_is_named(change):
    lines = [HONEST[0], HONEST[1] | change, *HONEST[2:]]
    assert {(fault.kind, fault.subject) for fault in judged(lines).faults} == {(FaultKind.HEAD, "the log's head")}


def test_a_checkpoint_item_that_differs_from_what_is_locked_away_is_named():
    place = places(HONEST, "checkpoint_item")[2]
    fault = {(FaultKind.CHECKPOINT, f"checkpoint {SIZES[2]}")}
    assert named([line for at, line in enumerate(HONEST) if at != place]) == fault
    assert named([line | {"note": "x"} if at == place else line for at, line in enumerate(HONEST)]) == fault
    invented = HONEST[place] | {"size": 5}
    assert named([*HONEST, invented]) == {(FaultKind.CHECKPOINT, "checkpoint 5")}


def test_an_entry_into_a_closed_month_is_named():
    closed = ClosedPeriod(Period(2026, 11), 20, Totals.of(ENTRIES[:20]))
    late = {(FaultKind.PERIOD, entry.id) for entry in ENTRIES[20:]}
    assert named([*HONEST, period_line(closed)]) == late
    assert named([*HONEST, period_line(replace(closed, period=Period(2026, 10)))]) == set()


def test_a_closed_month_that_was_rewritten_is_named():
    closed = ClosedPeriod(Period(2026, 10), 20, Totals.of(ENTRIES[:19]))
    assert named([*HONEST, period_line(closed)]) == {(FaultKind.PERIOD, "period 2026-10")}


def test_a_logged_entry_that_no_state_item_explains_is_named():
    """Written past the services and logged like any other: the log is whole, the books are not."""
    ghost = replace(ENTRIES[3], id=an_id("txn", 900), explains=(an_id("plan", 900),), command_id="ghost")
    lines = [line for line in export_of([*ENTRIES, ghost]) if line.get("id") != ghost.explains[0]]
    assert named(lines) == {(FaultKind.STATE, ghost.id)}


def test_a_logged_entry_whose_command_no_one_knows_is_named():
    ghost = replace(ENTRIES[3], id=an_id("txn", 900), command_id="ghost")
    lines = export_of([*ENTRIES, ghost])
    for line in lines:
        if line["type"] == "state":
            line["commands"] = [command for command in line["commands"] if command != "ghost"]
            line["explained"] = None
    assert named(lines) == {(FaultKind.COMMAND, ghost.id)}


def test_a_logged_entry_that_borrows_a_command_is_named():
    ghost = replace(ENTRIES[3], id=an_id("txn", 900))
    honest = {line["id"]: line for line in HONEST if line["type"] == "state"}
    lines = [honest.get(line.get("id"), line) for line in export_of([*ENTRIES, ghost])]
    assert named(lines) == {(FaultKind.COMMAND, ghost.id), (FaultKind.STATE, ghost.id)}


def test_a_logged_entry_that_its_item_does_not_remember_is_named_by_the_items_memory():
    ghost = replace(ENTRIES[3], id=an_id("txn", 900), kind=EntryKind.WAIVER, command_id="old")
    honest = {line["id"]: {**line, "commands_forgotten": True} for line in HONEST if line["type"] == "state"}
    lines = [honest.get(line.get("id"), line) for line in export_of([*ENTRIES, ghost])]
    report = judged(lines)
    assert {(f.kind, f.subject) for f in report.faults} == {(FaultKind.STATE, ghost.id)}
    assert "older than the commands" in report.notes[0]


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"amount_minor": 1.5},
        {"debit": {"account": "cash_at_rail", "owner": None}, "credit": {"account": "cash_at_rail", "owner": None}},
        {"credit": {"account": "cash_at_rail"}},
        {"extra": 1},
    ],
)
def test_legs_that_do_not_balance_are_named(change):
    lines = copy.deepcopy(HONEST)
    lines[places(lines, "entry")[5]]["entry"]["postings"][0].update(change)
    assert {(FaultKind.CHANGED, ENTRIES[5].id), (FaultKind.LEGS, ENTRIES[5].id)} <= named(lines)


def test_stored_bytes_that_are_no_entry_are_named_by_their_key():
    lines = copy.deepcopy(HONEST)
    raw = entry_bytes(ENTRIES[5])[:-1]
    lines[places(lines, "entry")[5]] = entry_line(5, raw, key=ENTRIES[5].id)
    assert {(FaultKind.CHANGED, ENTRIES[5].id), (FaultKind.LEGS, ENTRIES[5].id)} <= named(lines)


def test_a_checkpoint_signed_by_another_key_is_named_and_not_believed():
    lines = copy.deepcopy(HONEST)
    note = notes_of(leaves_of(ENTRIES), SIZES, LocalSigner())[3]
    lines[places(lines, "checkpoint")[3]]["note"] = note.decode()
    report = judged(lines)
    assert {fault.kind for fault in report.faults} == {FaultKind.CHECKPOINT}
    assert "signed up to 16" in report.notes[-1]


def test_an_export_cut_short_is_measured_against_what_the_auditor_kept():
    lines = export_of(ENTRIES[:12], SIZES[:2])
    report = judged(lines, kept_notes())
    assert FaultKind.LOG in {fault.kind for fault in report.faults}
    assert "index 12" in "".join(fault.detail for fault in report.faults)


def test_an_export_without_checkpoints_or_states_proves_nothing():
    bare = [line for line in HONEST if line["type"] not in {"checkpoint", "checkpoint_item", "state"}]
    assert named(bare) == {(FaultKind.CHECKPOINT, "the export"), (FaultKind.STATE, "the export")}


def test_a_false_trial_balance_in_the_head_is_named():
    lines = copy.deepcopy(HONEST)
    lines[1]["totals"] = Totals.of(ENTRIES[1:]).to_dict()
    assert {fault.kind for fault in judged(lines).faults} == {FaultKind.HEAD}


def test_forged_sizes_do_not_keep_the_verifier_busy():
    lines = copy.deepcopy(HONEST)
    lines[1]["size"] = 10**15
    lines.append({"type": "leaf", "index": 10**15, "entry_id": an_id("txn", 1), "hash": "00" * 32})
    lines.append({"type": "entry", "index": 10**15, "key": "x", "raw": ""})
    assert {FaultKind.HEAD, FaultKind.LEAF, FaultKind.INSERTED} <= {fault.kind for fault in judged(lines).faults}


@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(HONEST).map(json.dumps)), max_size=6), st.data())
@settings(max_examples=effort(30))
def test_no_garbage_crashes_the_verifier(tmp_path_factory, texts, data):
    file = tmp_path_factory.mktemp("export") / "export.jsonl"
    file.write_text("\n".join(text.replace("\n", " ") for text in texts), encoding="utf-8", errors="replace")
    assert main([str(file)]) == 1


def test_the_command_line_proves_and_accuses(tmp_path, capsys):
    export, key, notes = tmp_path / "export.jsonl", tmp_path / "key.pem", tmp_path / "notes.txt"
    key.write_bytes(SIGNER.pem)
    notes.write_bytes(b"\n".join(notes_of(leaves_of(ENTRIES), SIZES)))
    export.write_text("".join(dump_lines(HONEST)))
    arguments = [str(export), "--public-key", str(key), "--checkpoints", str(notes)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.endswith("OK: the ledger is whole\n")
    export.write_text("".join(dump_lines(line for line in HONEST if line.get("index") != 4 or line["type"] != "entry")))
    assert main(arguments) == 1
    out = capsys.readouterr().out
    assert f"DROPPED {ENTRIES[4].id} (log index 4)" in out
    assert "FAILED: " in out
    assert main([str(tmp_path / "absent")]) == 1
    notes.write_text("not a note\n")
    assert main(arguments) == 1
    key.write_text("no key")
    assert main([str(export), "--public-key", str(key)]) == 1


def test_the_verifier_needs_nothing_of_the_platform():
    """An auditor runs it with Python and the cryptography library alone."""
    code = "import sys, functions.ledger.verify; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "botocore", "pynamodb", "chalice", "pydantic", "aws_lambda_powertools"} & {*loaded}


def test_without_a_key_the_verifier_says_what_it_did_not_check(tmp_path, capsys):
    export = tmp_path / "export.jsonl"
    export.write_text("".join(dump_lines(HONEST)))
    assert main([str(export)]) == 0
    assert "signatures were not checked" in capsys.readouterr().out


def test_a_checkpoint_of_another_log_is_named():
    foreign = copy.deepcopy(HONEST)
    foreign[0]["origin"] = f"{ORIGIN}-two"
    assert FaultKind.CHECKPOINT in {fault.kind for fault in judged(foreign).faults}
