"""From stream records to the bus: what is emitted, what comes again, what is parked."""

from __future__ import annotations

import base64
import itertools
from dataclasses import dataclass, field

import pytest

from functions.core.errors import UnavailableError
from functions.platform.bus.publisher import publish
from functions.platform.bus.stream import each, failures, records_of
from functions.platform.storage.outbox import Pending, Rendered
from tests.unit.platform.test_outbox import image

SECRET = b"s" * 32
_sequence = itertools.count(98)


@dataclass
class Parked:
    bodies: list = field(default_factory=list)

    def park(self, consumer, body, reason):
        self.bodies.append((consumer, body["dynamodb"]["SequenceNumber"], reason))


@dataclass
class PickyBus:
    """Refuses the events whose type it is told to, or everything."""

    refused: set = field(default_factory=set)
    away: bool = False
    taken: list = field(default_factory=list)

    def put(self, events):
        assert 1 <= len(events) <= 10
        if self.away:
            raise UnavailableError
        good = [event.type not in self.refused for event in events]
        self.taken += [event for event, ok in zip(events, good, strict=True) if ok]
        return good


def record(new=None, old=None, *, ttl=False, number=None):
    name = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    body = {"SequenceNumber": str(number or next(_sequence))}
    body |= {key: value for key, value in (("NewImage", new), ("OldImage", old)) if value}
    return {
        "eventID": f"id-{body['SequenceNumber']}",
        "eventName": name,
        "dynamodb": body,
        **({"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}} if ttl else {}),
    }


def render(told, raw):
    return Rendered(raw["pk"]["S"], dict(told.note))


def broken(told, raw):
    raise KeyError("a field that is not there")


RENDERERS = {
    **{f"thing.{n}": render for n in range(30)},
    "thing.poison": broken,
    "thing.quiet": lambda told, raw: None,
}


def run(*records, bus=None, parking=None):
    return publish(
        records_of({"Records": list(records)}),
        bus=bus or PickyBus(),
        renderers=RENDERERS,
        secret=SECRET,
        parking=parking or Parked(),
    )


def thing(version, *types, **more):
    return image(version, *[Pending(f"thing.{t}") for t in types], **more)


def test_an_item_written_twice_before_it_is_read_tells_both_writes():
    bus = PickyBus()
    one, two = thing(1, 1), thing(2, 2)
    assert run(record(one), record(two, one), bus=bus) == {"batchItemFailures": []}
    assert [(e.type, e.sequence) for e in bus.taken] == [("thing.1", 1), ("thing.2", 2)]


def test_a_record_that_comes_again_makes_the_same_event():
    bus, same = PickyBus(), record(thing(1, 1))
    run(same, same, bus=bus)
    assert bus.taken[0] == bus.taken[1]


@pytest.mark.parametrize(
    "quiet",
    [record(None, thing(1, 1)), record(None, thing(1, 1), ttl=True), record(thing(1, "quiet"))],
    ids=["removal", "ttl", "nobody reads it"],
)
def test_removal_expiry_and_unread_events_say_nothing(quiet):
    bus = PickyBus()
    assert run(quiet, bus=bus) == {"batchItemFailures": []}
    assert bus.taken == []


def test_of_a_half_refused_batch_the_lowest_record_comes_again():
    records = [record(thing(1, n, pk=f"thing_{n}"), number=n + 9) for n in range(4)]
    bus = PickyBus(refused={"thing.1", "thing.3"})
    assert run(*records, bus=bus) == {"batchItemFailures": [{"itemIdentifier": "10"}]}


def test_records_are_ordered_by_number_not_by_text():
    assert failures(["100", "99", "1000"]) == {"batchItemFailures": [{"itemIdentifier": "99"}]}


def test_after_a_refusal_nothing_later_is_sent():
    records = [record(thing(1, n, pk=f"thing_{n}")) for n in range(25)]
    bus = PickyBus(refused={"thing.3"})
    run(*records, bus=bus)
    assert {e.type for e in bus.taken} == {f"thing.{n}" for n in range(10)} - {"thing.3"}


def test_a_bus_that_is_away_gets_everything_again():
    records = [record(thing(1, n, pk=f"thing_{n}"), number=n + 50) for n in range(3)]
    assert run(*records, bus=PickyBus(away=True)) == {"batchItemFailures": [{"itemIdentifier": "50"}]}


@pytest.mark.parametrize("poison", ["poison", "of no known type"])
def test_what_cannot_be_rendered_is_parked_and_the_rest_goes_on(poison):
    bus, parking = PickyBus(), Parked()
    records = [record(thing(1, 1)), record(thing(1, poison), number=777), record(thing(1, 2))]
    assert run(*records, bus=bus, parking=parking) == {"batchItemFailures": []}
    assert [e.type for e in bus.taken] == ["thing.1", "thing.2"]
    assert parking.bodies == [("publisher", "777", "KeyError")]


def test_bytes_come_out_of_base_64_at_every_depth():
    encoded = base64.b64encode(b"\x00\xff").decode()
    new = {
        "pk": {"S": "x"},
        "sk": {"S": "-"},
        "b": {"B": encoded},
        "bs": {"BS": [encoded]},
        "l": {"L": [{"B": encoded}, {"N": "1"}]},
        "m": {"M": {"d": {"B": encoded}, "t": {"BOOL": True}}},
    }
    (found,) = records_of({"Records": [record(new)]})
    assert found.new == {
        **new,
        "b": {"B": b"\x00\xff"},
        "bs": {"BS": [b"\x00\xff"]},
        "l": {"L": [{"B": b"\x00\xff"}, {"N": "1"}]},
        "m": {"M": {"d": {"B": b"\x00\xff"}, "t": {"BOOL": True}}},
    }


def handled(records, handle):
    parking, seen = Parked(), []

    def note(one):
        seen.append(one.sequence_number)
        handle(one)

    answer = each(records_of({"Records": records}), note, consumer="risk", parking=parking)
    return answer, seen, parking.bodies


def test_poison_is_tried_three_times_parked_whole_and_passed_by():
    def handle(one):
        if one.sequence_number == "2":
            raise ValueError("poison")

    answer, seen, parked = handled([record(thing(1, 1), number=n) for n in (1, 2, 3)], handle)
    assert answer == {"batchItemFailures": []}
    assert seen == ["1", "2", "2", "2", "3"]
    assert parked == [("risk", "2", "ValueError")]


def test_a_service_that_is_away_stops_the_shard_there():
    def handle(one):
        if one.sequence_number == "2":
            raise UnavailableError

    answer, seen, parked = handled([record(thing(1, 1), number=n) for n in (1, 2, 3)], handle)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert (seen, parked) == (["1", "2"], [])


def test_a_fault_that_passes_is_not_poison():
    tries = iter([ValueError("once"), None])

    def handle(one):
        error = next(tries)
        if error:
            raise error

    answer, _, parked = handled([record(thing(1, 1), number=1)], handle)
    assert (answer, parked) == ({"batchItemFailures": []}, [])
