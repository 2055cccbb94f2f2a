"""What a customer is told about a repayment: once, in daytime, by a way that still reaches them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.messaging.aws import note_mail_event
from functions.messaging.sandbox import SentItem
from functions.servicing.events import on_message
from tests.builders.platform import Platform
from tests.builders.rail import say
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def tell(shop: Shop) -> None:
    """Hand the repayment events to the messenger, as the bus does, twice."""
    for event in shop.platform.events():
        if event.type.startswith("repayment."):
            for _ in range(2):
                on_message({"detail-type": event.type, "source": "whitenote", "detail": event.to_dict()})


def sent(shop: Shop) -> list[tuple[str, str]]:
    found = [SentItem.from_raw_data(raw) for raw in shop.platform.items() if raw["pk"]["S"].startswith("sent#")]
    return sorted((item.template, item.channel) for item in found)


def due(shop: Shop) -> Any:
    bought = shop.buy(10_000, term=1)
    shop.platform.clock.advance_business(31 * DAY)
    return bought


def test_received_failed_and_reversed_are_told_once_each(shop: Shop) -> None:
    due(shop)
    shop.repay(1_000, instrument="sandbox_fails")
    tell(shop)
    paid = shop.repay(10_000)
    tell(shop)
    say(shop, paid, "reversed")
    tell(shop)
    assert sent(shop) == [("receipt_failed", "sms"), ("receipt_received", "sms"), ("receipt_reversed", "sms")]


def test_at_night_it_waits_for_the_morning(shop: Shop) -> None:
    due(shop)
    shop.platform.clock.advance_business(timedelta(hours=10))  # 02:00 in Shanghai
    shop.repay(10_000)
    tell(shop)
    assert sent(shop) == []


def test_what_is_no_longer_true_is_not_told(shop: Shop) -> None:
    due(shop)
    paid = shop.repay(10_000)
    [received] = [event for event in shop.platform.events() if event.type == "repayment.received"]
    say(shop, paid, "reversed")
    on_message({"detail-type": received.type, "source": "whitenote", "detail": received.to_dict()})
    assert sent(shop) == []


MEI = [{"emailAddress": "Mei@example.com"}]


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": MEI}},
        {"eventType": "Complaint", "complaint": {"complainedRecipients": MEI}},
    ],
)
def test_an_address_that_mail_came_back_from_or_was_complained_of_is_written_to_no_more(
    platform: Platform, event: dict[str, Any]
) -> None:
    from functions.messaging.aws import reachable
    from functions.messaging.message import EMAIL, SMS, Route

    routes = (Route(EMAIL, "mei@example.com"), Route(SMS, "+8613800000000"))
    assert reachable(platform.box, routes) == routes
    note_mail_event(platform.box, {"mail": {}, **event})
    assert reachable(platform.box, routes) == routes[1:]
    assert "mei@example.com" not in repr(platform.items()).lower()


def test_a_full_mailbox_is_tried_again(platform: Platform) -> None:
    from functions.messaging.aws import reachable
    from functions.messaging.message import EMAIL, Route

    bounce = {"bounceType": "Transient", "bouncedRecipients": [{"emailAddress": "mei@example.com"}]}
    note_mail_event(platform.box, {"mail": {}, "eventType": "Bounce", "bounce": bounce})
    assert reachable(platform.box, (Route(EMAIL, "mei@example.com"),))
