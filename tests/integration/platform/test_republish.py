"""After a lost stream: what items last told is told again under the same ids, and nothing that is older."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.core.clock import isoformat
from functions.core.errors import UnavailableError
from functions.platform.bus.registry import Renderers
from functions.platform.bus.republish import main, republish
from tests.builders.customers import a_customer
from tests.builders.platform import START, Taken


class Refusing(Taken):
    """A bus that refuses the first event of every request, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def put(self, events):
        if not events or self.left <= 0:
            return super().put(events)
        self.left -= 1
        super().put(events[1:])
        return [number > 0 for number in range(len(events))]


def run(platform, bus, since=START):
    return republish(since, platform.tables, bus, Renderers(), platform.secrets.key("events"))


def test_what_items_last_told_is_told_again_with_the_same_ids(platform):
    for _ in range(13):
        a_customer()
    first, bus = platform.events(), Taken()
    assert run(platform, bus).events == len(first) == 13
    assert sorted(e.id for e in bus.events) == sorted(e.id for e in first)
    assert {e.id: e.to_dict() for e in bus.events} == {e.id: e.to_dict() for e in first}


def test_what_was_told_before_the_instant_is_not_told_again(platform):
    a_customer()
    platform.clock.advance(timedelta(hours=1))
    later, bus = a_customer(), Taken()
    run(platform, bus, START + timedelta(minutes=1))
    assert [e.object_id for e in bus.events] == [later.id]


def test_what_the_bus_refuses_is_put_again(platform):
    for _ in range(5):
        a_customer()
    bus = Refusing(times=3)
    assert run(platform, bus).events == 5
    assert len({e.id for e in bus.events}) == 5


def test_a_bus_that_goes_on_refusing_is_told_of(platform):
    for _ in range(5):
        a_customer()
    with pytest.raises(UnavailableError, match="the bus refuses"):
        run(platform, Refusing(times=10_000))


def test_an_item_that_cannot_be_rendered_keeps_no_other_back(platform, capsys):
    broken, whole = a_customer(), a_customer()
    platform.client("dynamodb").update_item(
        TableName="whitenote", Key={"pk": {"S": broken.id}, "sk": {"S": "-"}}, UpdateExpression="REMOVE idn"
    )
    bus = Taken()
    done = run(platform, bus)
    assert ([e.object_id for e in bus.events], done.unreadable) == ([whole.id], {"cus": 1})
    assert main([isoformat(START)]) == 1
    assert capsys.readouterr().out == "1 events put on the bus\nFAILED: 1 items cus… can't be rendered\n"
