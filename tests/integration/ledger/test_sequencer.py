"""The sequencer: every entry once, in order, whatever is delivered twice, lost, or done by two at a time."""

from __future__ import annotations

import threading

import pytest

from functions.core.errors import UnavailableError
from functions.ledger import events, store
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_bytes
from functions.ledger.log.service import append_entries
from functions.ledger.merkle import Frontier, MerkleTree
from functions.ledger.store import Head, Waiting, plan_append, read_head
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from tests.builders.ledger import CUSTOMER, an_entry, some_entries
from tests.builders.platform import START


def waiting(entries):
    return [Waiting(entry.id, store.home_of(entry), entry_bytes(entry)) for entry in entries]


def logged_ids(books):
    size = read_head(books.platform.tables).size
    return [name for page in store.pages_from(books.platform.tables, 0, size) for name in page.entry_ids()]


def test_posted_entries_enter_the_log_in_order_with_their_totals(books):
    entries = some_entries(85)
    books.post(*entries)
    assert books.sequence() == {"batchItemFailures": []}
    head = read_head(books.platform.tables)
    assert head.size == 85
    assert head.frontier.root() == MerkleTree(entry_bytes(entry) for entry in entries).root()
    assert head.totals.rows() == Totals.of(entries).rows()
    assert logged_ids(books) == [entry.id for entry in entries]


def test_the_logs_own_items_are_not_entries(books):
    books.log(*some_entries(3))
    assert books.sequence() == {"batchItemFailures": []}
    assert read_head(books.platform.tables).size == 3


def test_an_entry_is_left_as_it_was(books):
    [entry] = some_entries(1)
    books.post(entry)
    before = [item for item in books.items() if item["sk"]["S"] == entry.id]
    books.sequence()
    assert [item for item in books.items() if item["sk"]["S"] == entry.id] == before


def test_a_batch_delivered_again_changes_nothing(books):
    books.post(*some_entries(60))
    batch = books.platform.records(books.platform.settings.ledger_table)
    events.sequence(batch)
    items = books.items()
    assert events.sequence(batch) == {"batchItemFailures": []}
    assert books.items() == items


def test_an_overlapping_batch_logs_only_what_is_new(books):
    entries = some_entries(50)
    assert append_entries(waiting(entries[:30])) == 30
    assert append_entries(waiting(entries[10:] + entries[:5])) == 20
    assert logged_ids(books) == [entry.id for entry in entries]


def test_a_record_that_stands_twice_in_a_batch_is_logged_once(books):
    [entry] = some_entries(1)
    assert append_entries(waiting([entry, entry])) == 1


def test_an_append_whose_answer_was_lost_is_not_repeated(books):
    entries = some_entries(45)
    with books.platform.failing("TransactWriteItems", times=1, lost=True), pytest.raises(UnavailableError):
        append_entries(waiting(entries))
    append_entries(waiting(entries))
    assert logged_ids(books) == [entry.id for entry in entries]


def test_a_table_that_is_away_hands_the_batch_back_to_the_stream(books):
    books.post(*some_entries(3))
    batch = books.platform.records(books.platform.settings.ledger_table)
    first = batch["Records"][0]["dynamodb"]["SequenceNumber"]
    with books.platform.failing("TransactWriteItems"):
        assert events.sequence(batch) == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert read_head(books.platform.tables).size == 0
    assert events.sequence(batch) == {"batchItemFailures": []}
    assert read_head(books.platform.tables).size == 3


def test_parallel_sequencers_with_overlapping_batches_log_each_entry_once(books):
    entries = some_entries(60)
    batches = [waiting(entries[start : start + 30]) for start in (0, 10, 20, 30)]

    def work(batch):
        while True:
            try:
                append_entries(batch)
            except UnavailableError:
                continue
            return

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = logged_ids(books)
    assert sorted(names) == sorted(entry.id for entry in entries)
    head = read_head(books.platform.tables)
    by_id = {entry.id: entry for entry in entries}
    assert head.frontier.root() == MerkleTree(entry_bytes(by_id[name]) for name in names).root()
    assert head.totals.rows() == Totals.of(entries).rows()


def test_bytes_that_are_no_entry_are_logged_but_not_counted(books):
    [entry] = some_entries(1)
    bad = Waiting(an_entry(2).id, CUSTOMER, b"rubbish")
    assert append_entries([*waiting([entry]), bad]) == 2
    assert read_head(books.platform.tables).totals.rows() == Totals.of([entry]).rows()


def test_a_page_never_crosses_into_another_partition(books):
    size = 2**16 - 6
    edge = Frontier(size, tuple(bytes([n]) * 32 for n in range(size.bit_count())))
    commit(books.platform.tables, plan_append(Head(Frontier(), Totals()), [], START))
    books.put_raw(
        {
            "pk": {"S": keys.log_key()},
            "sk": {"S": "-"},
            "n": {"N": str(size)},
            "f": {"B": edge.to_bytes()},
            "tt": {"S": "{}"},
            "t": {"N": "0"},
        }
    )
    append_entries(waiting(some_entries(10)))
    pages = list(store.pages_from(books.platform.tables, size, size + 10))
    assert [(page.pk, page.first, len(page.entry_ids())) for page in pages] == [
        ("log#0#0", size, 6),
        ("log#0#1", 2**16, 4),
    ]


def test_a_full_append_is_one_transaction_of_cheap_items(books):
    entries = some_entries(40)
    books.post(*entries)
    batch = books.platform.records(books.platform.settings.ledger_table)
    with books.platform.metered() as meter:
        events.sequence(batch)
    assert meter.requests == ["GetItem", "TransactWriteItems"]
    assert meter.write_units <= 2 * (40 + 5 + 2)
    assert max(size for key, size in meter.sizes.items() if key.endswith("|leaf")) <= 160
