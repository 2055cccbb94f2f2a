"""The books over HTTP: what staff read, and what a proof is worth to someone who has only the key."""

from __future__ import annotations

import base64
from datetime import date, timedelta

import pytest

from functions.ledger.encoding import entry_bytes, entry_from_bytes, entry_to_dict
from functions.ledger.entries import reverse
from functions.ledger.log.checkpoint import parse_note, verify_note
from functions.ledger.log.service import append_entries, write_checkpoint
from functions.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from functions.ledger.periods import PeriodLockedError
from functions.ledger.service import (
    AlreadyReversedError,
    EntryExistsError,
    accounting_day,
    entry_id,
    plan_entry,
)
from functions.ledger.store import Waiting, home_of
from functions.platform.storage.transactions import commit
from tests.builders.ledger import AT, CUSTOMER, PLAN, a_repayment, an_entry, an_id, some_entries
from tests.builders.shop import all_api

READS = [
    "/v1/ledger/accounts",
    f"/v1/ledger/accounts?owner={CUSTOMER}",
    "/v1/ledger/entries",
    f"/v1/ledger/entries?owner={CUSTOMER}",
    f"/v1/ledger/entries/{an_id('txn', 1)}",
    "/v1/ledger/trial-balance",
    "/v1/ledger/periods",
    f"/v1/ledger/proofs?entry_id={an_id('txn', 1)}",
    "/v1/ledger/proofs?old_size=1",
    "/v1/ledger/checkpoints",
    "/v1/ledger/public-key",
]


@pytest.fixture
def api(books):
    return all_api()


@pytest.fixture
def staff(books):
    return books.platform.staff_token("auditor")


@pytest.mark.parametrize("path", READS)
def test_staff_and_auditors_read_and_no_one_else(books, api, path):
    books.log(an_entry(1))
    for role in ("finance", "operator", "support", "auditor"):
        assert api.get(path, token=books.platform.staff_token(role)).status == 200
    assert api.get(path, token=books.platform.staff_token("modeller")).status == 403
    assert api.get(path, token=books.platform.customer_token(CUSTOMER)).status == 401
    assert api.get(path, token="no-token").status == 401


def test_the_trial_balance_is_zero_and_tells_its_size(books, api, staff):
    assert api.get("/v1/ledger/trial-balance", token=staff).body["currencies"] == []
    books.log(*some_entries(30), an_entry(99, currency="EUR"))
    body = api.get("/v1/ledger/trial-balance", token=staff).body
    assert body["size"] == 31
    assert [(each["currency"], each["difference_minor"]) for each in body["currencies"]] == [("CNY", 0), ("EUR", 0)]
    for each in body["currencies"]:
        assert each["debit_minor"] == sum(row["debit_minor"] for row in each["accounts"]) > 0


def test_accounts_show_the_chart_and_a_customers_own(books, api, staff):
    books.log(an_entry(1), a_repayment(2))
    rows = api.get("/v1/ledger/accounts", token=staff)["data"]
    row = next(row for row in rows if row["account"] == "customer_principal")
    assert row == {
        "account": "customer_principal",
        "code": 1110,
        "title": "Customer principal receivable",
        "class": "asset",
        "side": "debit",
        "scope": "customer",
        "balances": [{"currency": "CNY", "balance_minor": 110_000}],
    }
    own = api.get(f"/v1/ledger/accounts?owner={CUSTOMER}", token=staff)["data"]
    assert own[0] == row
    assert [(each["account"], each["balances"]) for each in own] == [
        ("customer_principal", [{"currency": "CNY", "balance_minor": 110_000}]),
        ("customer_fee", [{"currency": "CNY", "balance_minor": 3_001}]),
    ]
    assert api.get("/v1/ledger/accounts?owner=mer_1", token=staff).status == 404


def test_entries_are_listed_newest_first_to_the_end(books, api, staff):
    entries = some_entries(45)
    books.log(*entries)
    seen, cursor = [], ""
    while cursor is not None:
        path = f"/v1/ledger/entries?limit=20{f'&cursor={cursor}' if cursor else ''}"
        reply = api.get(path, token=staff)
        seen += reply["data"]
        cursor = reply["next_cursor"]
    assert [row["id"] for row in seen] == [entry.id for entry in reversed(entries)]
    assert [row["log"]["index"] for row in seen] == list(range(44, -1, -1))
    assert {k: v for k, v in seen[0].items() if k != "log"} == entry_to_dict(entries[-1])


def test_an_owners_entries_are_listed_even_before_they_are_logged(books, api, staff):
    books.log(an_entry(1))
    books.post(a_repayment(2))
    rows = api.get(f"/v1/ledger/entries?owner={an_id('cus', 1)}", token=staff)["data"]
    assert [(row["id"], row["log"] is not None) for row in rows] == [(an_id("txn", 1), True), (an_id("txn", 2), False)]


@pytest.mark.parametrize("size", [1, 2, 39, 40, 41, 83])
def test_a_proof_convinces_someone_who_has_only_the_public_key(books, api, staff, size):
    entries = some_entries(size)
    books.log(*entries)
    write_checkpoint()
    pem = api.get("/v1/ledger/public-key", token=staff)["pem"].encode()
    for entry in {entries[0], entries[size // 2], entries[-1]}:
        proof = api.get(f"/v1/ledger/proofs?entry_id={entry.id}", token=staff).body
        data = base64.b64decode(proof["entry_bytes"])
        assert entry_from_bytes(data) == entry
        assert verify_note(proof["checkpoint"].encode(), pem)
        checkpoint = parse_note(proof["checkpoint"].encode()).checkpoint
        steps = [bytes.fromhex(each) for each in proof["proof"]]
        assert verify_inclusion(leaf_hash(data), proof["index"], checkpoint.size, steps, checkpoint.root)


def test_a_proof_of_an_entry_no_checkpoint_covers_is_against_the_head(books, api, staff):
    books.log(*some_entries(3))
    proof = api.get(f"/v1/ledger/proofs?entry_id={an_id('txn', 2)}", token=staff).body
    assert (proof["size"], proof["checkpoint"]) == (3, None)


def test_any_two_sizes_are_proven_consistent(books, api, staff):
    books.log(*some_entries(45))
    for old, new in ((0, 45), (1, 45), (33, 44), (40, 41), (45, 45)):
        body = api.get(f"/v1/ledger/proofs?old_size={old}&new_size={new}", token=staff).body
        roots = [bytes.fromhex(body[name]) for name in ("old_root", "new_root")]
        assert verify_consistency(old, roots[0], new, roots[1], [bytes.fromhex(each) for each in body["proof"]])


def test_a_proof_reads_a_logarithm_of_the_pages(books, api, staff):
    entries = some_entries(150)
    append_entries([Waiting(entry.id, home_of(entry), entry_bytes(entry)) for entry in entries])
    with books.platform.metered() as meter:
        api.get(f"/v1/ledger/proofs?entry_id={an_id('txn', 3)}&size=149", token=staff)
    assert len(meter.requests) <= 2 * (149).bit_length()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("entry_id=txn_1", 404),
        (f"entry_id={an_id('txn', 9)}", 404),
        (f"entry_id={an_id('txn', 1)}&size=0", 422),
        (f"entry_id={an_id('txn', 1)}&size=99", 422),
        (f"entry_id={an_id('txn', 1)}&size=x", 422),
        ("old_size=-1", 422),
        ("old_size=5", 422),
        ("old_size=2&new_size=1", 422),
        ("old_size=9999999999999999", 422),
    ],
)
def test_impossible_proofs_are_refused(books, api, staff, query, status):
    books.log(*some_entries(3))
    assert api.get(f"/v1/ledger/proofs?{query}", token=staff).status == status


@pytest.mark.parametrize(
    "path", ["entries/txn_1", f"entries/{an_id('txn', 5)}", "entries?owner=x", "entries?owner=mer_"]
)
def test_what_is_not_there_is_404(books, api, staff, path):
    assert api.get(f"/v1/ledger/{path}", token=staff).status == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x"])
def test_bad_pages_are_refused(books, api, staff, query):
    assert api.get(f"/v1/ledger/entries?{query}", token=staff).status == 422


def test_checkpoints_are_listed_newest_first(books, api, staff):
    for number, entry in enumerate(some_entries(3), start=1):
        books.log(entry)
        books.platform.clock.advance(timedelta(minutes=1))
        assert write_checkpoint().size == number
    reply = api.get("/v1/ledger/checkpoints?limit=2", token=staff)
    assert [row["size"] for row in reply["data"]] == [3, 2]
    rest = api.get(f"/v1/ledger/checkpoints?limit=2&cursor={reply['next_cursor']}", token=staff)
    assert [row["size"] for row in rest["data"]] == [1]
    assert rest["next_cursor"] is None


def test_an_entry_is_posted_once(books):
    books.post(an_entry(1))
    with pytest.raises(EntryExistsError):
        commit(books.platform.tables, plan_entry(an_entry(1)))


def test_an_entry_is_reversed_once(books):
    entry = an_entry(1)
    first = reverse(entry, occurred_at=AT + timedelta(days=1), effective_on=date(2026, 11, 23), command_id="01")
    again = reverse(entry, occurred_at=AT + timedelta(days=2), effective_on=date(2026, 11, 24), command_id="02")
    books.post(entry, first)
    with pytest.raises(AlreadyReversedError):
        commit(books.platform.tables, plan_entry(again))


def test_an_entrys_id_is_the_same_at_every_retry(books):
    assert entry_id(PLAN, 3) == entry_id(PLAN, 3) != entry_id(PLAN, 4)


CLOSE = {
    "reason": "month end",
    "exposures": [
        {"currency": "CNY", "days_past_due": 0, "outstanding_minor": 100_000},
        {"currency": "CNY", "days_past_due": 45, "outstanding_minor": 10_000},
    ],
}


def test_a_closed_month_is_locked_and_its_allowance_booked(books, api):
    token = books.platform.staff_token("finance")
    books.log(an_entry(1, effective_on=date(2026, 10, 31)))
    reply = api.post("/v1/ledger/periods/2026-10/close", CLOSE, token=token, key="one")
    assert reply.status == 201
    assert {row["bucket"]: row["allowance_minor"] for row in reply["allowance"]["CNY"]} == {
        "current": 1_000,
        "M1": 0,
        "M2": 3_000,
        "M3": 0,
        "M4+": 0,
    }
    books.sequence()
    rows = api.get("/v1/ledger/accounts", token=token)["data"]
    reserve = next(row for row in rows if row["account"] == "loss_allowance")
    assert reserve["balances"] == [{"currency": "CNY", "balance_minor": 4_000}]
    with pytest.raises(PeriodLockedError, match="2026-11-01"):
        plan_entry(an_entry(2, effective_on=date(2026, 10, 31)))
    assert accounting_day(date(2026, 10, 15)) == date(2026, 11, 1)
    assert plan_entry(an_entry(2, effective_on=accounting_day(date(2026, 10, 15))))


def test_closing_again_with_the_same_key_is_the_same_and_with_another_is_refused(books, api):
    token = books.platform.staff_token("finance")
    first = api.post("/v1/ledger/periods/2026-10/close", CLOSE, token=token, key="one")
    again = api.post("/v1/ledger/periods/2026-10/close", CLOSE, token=token, key="one")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
    other = api.post("/v1/ledger/periods/2026-10/close", {**CLOSE, "reason": "x"}, token=token, key="one")
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")
    late = api.post("/v1/ledger/periods/2026-10/close", CLOSE, token=token, key="two")
    assert (late.status, late["code"]) == (409, "period_not_closable")
    assert [row["period"] for row in api.get("/v1/ledger/periods", token=token)["data"]] == ["2026-10"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("2026-11", CLOSE, 409),
        ("2026-13", CLOSE, 422),
        ("2026-10", {}, 422),
        ("2026-10", {**CLOSE, "extra": 1}, 422),
        ("2026-10", {**CLOSE, "exposures": [{"currency": "CNY", "days_past_due": 0, "outstanding_minor": -1}]}, 422),
    ],
)
def test_months_that_can_not_be_closed_are_refused(books, api, path, body, status):
    token = books.platform.staff_token("finance")
    assert api.post(f"/v1/ledger/periods/{path}/close", body, token=token).status == status


def test_only_finance_closes(books, api):
    for role in ("auditor", "operator", "support"):
        token = books.platform.staff_token(role)
        assert api.post("/v1/ledger/periods/2026-10/close", CLOSE, token=token).status == 403
    token = books.platform.staff_token("finance")
    assert api.post("/v1/ledger/periods/2026-10/close", CLOSE, token=token, key=None).status == 400


def test_a_month_is_over_when_it_is_over_everywhere(books, api):
    token = books.platform.staff_token("finance")
    books.platform.clock.at = AT.replace(month=12, day=1, hour=11, minute=59)
    token = books.platform.staff_token("finance")
    assert api.post("/v1/ledger/periods/2026-11/close", CLOSE, token=token).status == 409
    books.platform.clock.advance(timedelta(minutes=1))
    assert api.post("/v1/ledger/periods/2026-11/close", CLOSE, token=token).status == 201
