"""The outbox: an item tells what its last write did, once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.platform.storage.outbox import MAX_OUTBOX_BYTES, Pending, Rendered, State, envelope, pack, told

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
SECRET = b"s" * 32


def image(version: int, *events: Pending, pk: str = "thing_1", of: int | None = None) -> dict:
    item = State(pk=pk, version=of or version)
    item.tell(AT, "req-1", *events)
    item.version = version
    return item.serialize()


CREATED, PAID = Pending("thing.created"), Pending("thing.paid", {"amount_minor": 100})


def test_an_insert_tells_its_events_in_order():
    first, second = told(SECRET, image(1, CREATED, PAID), None)
    assert (first.type, first.note, first.index) == ("thing.created", {}, 0)
    assert (second.type, second.note, second.index) == ("thing.paid", {"amount_minor": 100}, 1)
    assert (first.at, first.request_id, first.version) == (AT, "req-1", 1)


def test_a_change_tells_when_the_version_moved():
    assert [e.type for e in told(SECRET, image(2, PAID), image(1, CREATED))] == ["thing.paid"]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (None, image(1, CREATED)),
        (image(2, PAID), image(2, PAID)),
        (image(3, PAID, of=2), image(2, PAID)),
        ({"pk": {"S": "x"}, "sk": {"S": "-"}, "v": {"N": "1"}}, None),
        ({"pk": {"S": "x"}, "sk": {"S": "-"}, "ob": {"S": '[1,0,"",[["a.b"]]]'}}, None),
    ],
    ids=["removed", "same version", "outbox of an earlier version", "no outbox", "no version"],
)
def test_nothing_is_told(new, old):
    assert told(SECRET, new, old) == ()


def test_an_event_has_the_same_id_at_every_reading_and_no_other_event_has_it():
    again = [told(SECRET, image(1, CREATED, PAID), None) for _ in range(2)]
    assert again[0] == again[1]
    others = [
        *again[0],
        *told(SECRET, image(2, CREATED), image(1, CREATED)),
        *told(SECRET, image(1, CREATED, pk="thing_2"), None),
        *told(b"other", image(1, CREATED), None),
    ]
    assert len({event.id for event in others}) == len(others)


def test_the_envelope_carries_object_sequence_and_owner():
    (event,) = told(SECRET, image(4, PAID), image(3, CREATED))
    rendered = Rendered("thing_1", {"amount_minor": 100}, merchant_id="mer_1", customer_id="cus_1")
    sent = envelope(event, rendered)
    assert (sent.id, sent.sequence, sent.object_id) == (event.id, 4, "thing_1")
    assert (sent.merchant_id, sent.customer_id, sent.occurred_at, sent.request_id) == ("mer_1", "cus_1", AT, "req-1")


def test_an_outbox_that_would_carry_payloads_is_refused():
    with pytest.raises(ValueError, match="512"):
        pack(1, AT, "req", Pending("thing.created", {"note": "界" * (MAX_OUTBOX_BYTES // 3)}))
