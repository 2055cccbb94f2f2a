"""The two adapters: the sandbox's log is the channel; SES and SNS get what they need to be asked about later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pynamodb.expressions.operand import Path

from functions.core.errors import UnavailableError
from functions.messaging.aws import AwsChannel, note_mail_event
from functions.messaging.channel import NotTakenError, Outgoing, RefusedError
from functions.messaging.message import EMAIL, SMS, Route
from functions.messaging.sandbox import AWAY_ADDRESSES, REFUSED_ADDRESSES, SandboxChannel, SentItem
from functions.messaging.service import deliver, id_of, request_message
from functions.platform.container import Container, load_adapter
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from tests.builders.messaging import CUSTOMER, EMAIL_ROUTE, PLAN, SMS_ROUTE, always, facts, letter
from tests.builders.platform import Platform

AT = datetime(2027, 1, 29, 2, tzinfo=UTC)


def outgoing(**changed: Any) -> Outgoing:
    values = {
        "tag": "msg_1",
        "channel": EMAIL,
        "address": "mei@example.com",
        "template": "reminder_due",
        "language": "en",
        "subject": "Due today",
        "text": "Pay 5",
        "html": "<p>Pay 5</p>",
        **changed,
    }
    return Outgoing(**values)


def test_the_sandbox_log_shows_each_taking_even_a_second_one(platform: Platform):
    channel = SandboxChannel(platform.box)
    assert channel.find("msg_1", EMAIL) is False
    assert channel.send(outgoing()) != channel.send(outgoing())
    found, _ = platform.tables.query(SentItem, keys.sandbox_sent("msg_1"), limit=10)
    assert [(each.tag, each.channel, each.text) for each in found] == [("msg_1", EMAIL, "Pay 5")] * 2
    assert channel.find("msg_1", EMAIL) is True
    assert channel.find("msg_1", SMS) is False
    assert channel.find("msg_2", EMAIL) is False


def test_the_sandbox_log_keeps_neither_address_nor_secret_text(platform: Platform):
    channel = SandboxChannel(platform.box)
    channel.send(outgoing(secret=True, text="Your code is 482913", subject="482913"))
    channel.send(outgoing(tag="msg_2"))
    stored = repr(platform.items())
    assert "482913" not in stored
    assert "mei@example.com" not in stored
    assert "Pay 5" in stored


def test_the_sandbox_inbox_lists_what_was_taken_by_business_time(platform: Platform):
    channel = SandboxChannel(platform.box)
    for number in (1, 2):
        channel.send(outgoing(tag=f"msg_{number}"))
        platform.clock.advance_business(timedelta(days=1))
    raw, _ = platform.tables.query_raw(
        SentItem, Path("gk") == keys.SANDBOX_INBOX, limit=10, index="gsi1", forward=False
    )
    assert [each["pk"]["S"] for each in raw] == ["sent#msg_2", "sent#msg_1"]


def test_the_sandbox_shows_mail_and_short_messages_in_the_local_inbox(platform: Platform):
    channel = SandboxChannel(platform.box)
    channel.send(outgoing())
    channel.send(outgoing(tag="msg_2", channel=SMS, address="+8613800000000", subject="", html=""))
    assert platform.client("ses").get_send_quota()["SentLast24Hours"] == 1


def test_the_sandbox_shows_nothing_on_a_stage_where_addresses_may_be_real(platform: Platform):
    from dataclasses import replace

    box = platform.box
    box.settings = replace(box.settings, stage="dev")
    before = platform.client("ses").get_send_quota()["SentLast24Hours"]
    SandboxChannel(box).send(outgoing())
    assert platform.client("ses").get_send_quota()["SentLast24Hours"] == before
    assert SandboxChannel(box).find("msg_1", EMAIL) is True


def test_sandbox_addresses_that_refuse_and_that_are_away_take_nothing(platform: Platform):
    channel = SandboxChannel(platform.box)
    for address in REFUSED_ADDRESSES:
        with pytest.raises(RefusedError, match="address_rejected"):
            channel.send(outgoing(address=address))
    for address in AWAY_ADDRESSES:
        with pytest.raises(NotTakenError):
            channel.send(outgoing(address=address))
    assert channel.find("msg_1", EMAIL) is False


def test_a_delivery_through_the_sandbox_is_logged_under_the_messages_own_id(platform: Platform):
    platform.box._ports["message_channel"] = SandboxChannel(platform.box)
    commit(platform.tables, request_message("reminder", CUSTOMER, PLAN, number=1, step="T", at=AT))
    message = id_of("reminder", PLAN, 1, "T")
    both = (EMAIL_ROUTE, SMS_ROUTE)
    assert deliver(message, always(letter(language="zh-CN", routes=both))) == "sent"
    (entry,), _ = platform.tables.query(SentItem, keys.sandbox_sent(message), limit=10)
    assert (entry.template, entry.language, entry.channel) == ("reminder_due", "zh-Hans", EMAIL)
    assert "第 3 期(共 6 期)今天(2027年2月1日)到期" in entry.text
    assert "应还金额:¥599.80" in entry.text


def test_a_delivery_to_an_address_that_is_away_can_be_tried_again(platform: Platform):
    platform.box._ports["message_channel"] = SandboxChannel(platform.box)
    commit(platform.tables, request_message("reminder", CUSTOMER, PLAN, at=AT))
    message = id_of("reminder", PLAN)
    with pytest.raises(UnavailableError):
        deliver(message, always(letter(routes=(Route(EMAIL, "away@example.com"),))))
    assert deliver(message, always(letter())) == "sent"


class Answering:
    """A client whose answer, or failure, the test decides."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, []

    def _say(self, **arguments: Any) -> Any:
        self.asked.append(arguments)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    send_email = publish = _say


def aws(box: Container, answer: Any) -> tuple[AwsChannel, Answering]:
    channel, client = AwsChannel(box), Answering(answer)
    channel._clients = {"sesv2": client, "sns": client}
    return channel, client


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "injected"}}, "Send")


def test_ses_gets_both_bodies_and_the_message_id_as_tag(platform: Platform):
    platform.box.environ = {**platform.box.environ, "WHITENOTE_MAIL_EVENTS": "whitenote-mail"}
    channel, client = aws(platform.box, {"MessageId": "ses-1"})
    assert channel.send(outgoing()) == "ses-1"
    (asked,) = client.asked
    assert asked["EmailTags"] == [{"Name": "message", "Value": "msg_1"}]
    assert asked["ConfigurationSetName"] == "whitenote-mail"
    assert asked["Destination"] == {"ToAddresses": ["mei@example.com"]}
    assert asked["FromEmailAddress"] == platform.settings.mail_from
    assert {part: body["Data"] for part, body in asked["Content"]["Simple"]["Body"].items()} == {
        "Text": "Pay 5",
        "Html": "<p>Pay 5</p>",
    }


def test_sns_gets_a_transactional_short_message(platform: Platform):
    channel, client = aws(platform.box, {"MessageId": "sns-1"})
    assert channel.send(outgoing(channel=SMS, address="+8613800000000")) == "sns-1"
    (asked,) = client.asked
    assert (asked["PhoneNumber"], asked["Message"]) == ("+8613800000000", "Pay 5")
    assert asked["MessageAttributes"]["AWS.SNS.SMS.SMSType"]["StringValue"] == "Transactional"


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (failed("MessageRejected"), RefusedError),
        (failed("BadRequestException"), RefusedError),
        (failed("OptedOut"), RefusedError),
        (failed("InvalidParameter"), RefusedError),
        (failed("TooManyRequestsException"), NotTakenError),
        (failed("Throttling"), NotTakenError),
        (failed("LimitExceededException"), NotTakenError),
        (EndpointConnectionError(endpoint_url="https://x"), NotTakenError),
        (failed("InternalServiceErrorException"), ClientError),
        (failed("AccessDeniedException"), ClientError),
    ],
)
def test_only_what_surely_was_not_taken_is_called_so(platform: Platform, fault: Exception, raised: type[Exception]):
    channel, _ = aws(platform.box, fault)
    with pytest.raises(raised):
        channel.send(outgoing())


def test_the_aws_clients_never_send_again_by_themselves(platform: Platform):
    config = AwsChannel(platform.box)._client("sns").meta.config
    assert config.retries["total_max_attempts"] == 1


def test_ses_tells_what_it_took_by_its_events(platform: Platform):
    platform.box.environ = {**platform.box.environ, "WHITENOTE_MAIL_EVENTS": "whitenote-mail"}
    channel = AwsChannel(platform.box)
    assert channel.find("msg_1", EMAIL) is False
    event = {
        "eventType": "Send",
        "mail": {"messageId": "ses-1", "tags": {"message": ["msg_1"], "ses:operation": ["x"]}},
    }
    note_mail_event(platform.box, event)
    note_mail_event(platform.box, event)
    note_mail_event(platform.box, {"eventType": "Delivery", "mail": {"tags": {"message": ["msg_2"]}}})
    assert channel.find("msg_1", EMAIL) is True
    assert channel.find("msg_2", EMAIL) is False


def test_without_an_event_log_or_for_short_messages_it_can_not_be_known(platform: Platform):
    assert AwsChannel(platform.box).find("msg_1", EMAIL) is None
    platform.box.environ = {**platform.box.environ, "WHITENOTE_MAIL_EVENTS": "whitenote-mail"}
    assert AwsChannel(platform.box).find("msg_1", SMS) is None


def test_a_live_stage_refuses_the_sandbox_channel_and_takes_the_real_one(platform: Platform):
    from dataclasses import replace

    from functions.platform.container import ConfigurationError

    live = replace(platform.settings, stage="live")
    name = "WHITENOTE_ADAPTER_MESSAGE_CHANNEL"
    with pytest.raises(ConfigurationError):
        load_adapter(live, {name: "functions.messaging.sandbox:SandboxChannel"}, "message_channel")
    assert load_adapter(live, {name: "functions.messaging.aws:AwsChannel"}, "message_channel") is AwsChannel


def test_facts_are_enough_for_a_letter():
    assert letter().facts == facts()
