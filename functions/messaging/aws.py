"""E-mail by SES, SMS by SNS, and the app by a signed call to its own back end.

None can be asked whether it took a tag. SES tells it afterwards: the configuration set sends an event with the
message's tags for each e-mail it took, the messenger writes it down, and that is the log. SNS tells nothing, so for
SMS the answer is that it can't be known. The app's back end drops an id that it has seen, so it may be told again.
SES also tells whose mail came back for good and who complained of it: such an address is written to no more.
Source: SES developer guide, "Monitor email sending using event publishing"; Standard Webhooks 1.0.0.
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pynamodb.attributes import UnicodeAttribute

from functions.core.ids import keyed_hash
from functions.messaging.channel import MessageChannel, NotTakenError, Outgoing, RefusedError
from functions.messaging.message import APP, EMAIL, SMS, Route
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet, commit

if TYPE_CHECKING:
    from functions.platform.container import Container

TAG_NAME: Final = "message"
CONFIGURATION_SET: Final = "WHITENOTE_MAIL_EVENTS"
"""Environment variable with the configuration set's name; without it SES keeps no log that we could ask."""
APP_WEBHOOK: Final = "WHITENOTE_APP_WEBHOOK_URL"
"""Environment variable with the address of the app's back end; without it there is no app to tell."""
_APP_WAIT_S: Final = 5
GONE_FOR: Final = timedelta(days=365)
MAIL_LOG_LAG: Final = timedelta(minutes=10)
"""SES sends its events within seconds; what has not come after this has not happened."""
KEPT: Final = timedelta(days=30)

_REFUSED: Final[Mapping[str, str]] = {
    "MessageRejected": "message_rejected",
    "BadRequestException": "address_rejected",
    "InvalidParameter": "address_rejected",
    "InvalidParameterValue": "address_rejected",
    "OptedOut": "opted_out",
    "OptedOutException": "opted_out",
}
_NOT_TAKEN: Final = frozenset(
    {
        "AccountSuspendedException",
        "LimitExceededException",
        "MailFromDomainNotVerifiedException",
        "SendingPausedException",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class TakenItem(Item):
    """SES has taken an e-mail under this tag."""

    provider = UnicodeAttribute(attr_name="pi")
    ttl = IntegerAttribute(attr_name="ttl")


class GoneItem(Item):
    """An address that mail comes back from, or whose reader complained; found by keyed hash, its text is nowhere."""

    reason = UnicodeAttribute(attr_name="rs")
    ttl = IntegerAttribute(attr_name="ttl")


class AwsChannel:
    """Sends for real.

    Args:
        box: Gives clients, sender's address and the tables in which SES's events are written down.
    """

    sandbox = False

    def __init__(self, box: Container) -> None:
        self.box = box
        self._clients: dict[str, Any] = {}

    def send(self, message: Outgoing) -> str:
        senders = {EMAIL: self._email, SMS: self._sms, APP: self._app}
        from botocore.exceptions import ClientError, EndpointConnectionError

        try:
            return senders[message.channel](message)
        except EndpointConnectionError as error:
            raise NotTakenError("no connection") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _REFUSED:
                raise RefusedError(_REFUSED[code]) from error
            if code in _NOT_TAKEN:
                raise NotTakenError(code) from error
            raise

    def find(self, tag: str, channel: str) -> bool | None:
        if channel == APP:
            return False
        if channel != EMAIL or not self.box.environ.get(CONFIGURATION_SET):
            return None
        return self.box.tables.get(TakenItem, keys.mail_taken(tag), consistent=True) is not None

    def log_lag(self, channel: str) -> timedelta:
        return MAIL_LOG_LAG if channel == EMAIL else timedelta()

    def _email(self, message: Outgoing) -> str:
        arguments: dict[str, Any] = {
            "FromEmailAddress": self.box.settings.mail_from,
            "Destination": {"ToAddresses": [message.address]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": message.text, "Charset": "UTF-8"},
                        "Html": {"Data": message.html, "Charset": "UTF-8"},
                    },
                }
            },
            "EmailTags": [{"Name": TAG_NAME, "Value": message.tag}],
        }
        if self.box.environ.get(CONFIGURATION_SET):
            arguments["ConfigurationSetName"] = self.box.environ[CONFIGURATION_SET]
        answer = self._client("sesv2").send_email(**arguments)
        return str(answer["MessageId"])

    def _sms(self, message: Outgoing) -> str:
        kind = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
        answer = self._client("sns").publish(PhoneNumber=message.address, Message=message.text, MessageAttributes=kind)
        return str(answer["MessageId"])

    def _app(self, message: Outgoing) -> str:
        """Call the app's back end, which shows the text on the customer's phone.

        Raises:
            RefusedError: There is no such back end, or it does not know the customer.
            NotTakenError: It did not answer, or not with success.
        """
        url = self.box.environ.get(APP_WEBHOOK)
        if not url:
            raise RefusedError("no_app")
        body = {"customer_id": message.address, "template": message.template, "text": message.text}
        status = call_signed(url, message.tag, body, app_secret(self.box), self.box.clock.wall())
        if status in _APP_REFUSES:
            raise RefusedError("address_rejected")
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise NotTakenError(f"the app's back end answered {status}")
        return message.tag

    def _client(self, service: str) -> Any:  # noqa: ANN401  boto3 clients are made at run time
        """A client that never repeats a request by itself: whether to send again is decided by asking the log."""
        found = self._clients.get(service)
        if found is None:
            import boto3
            from botocore.config import Config

            make: Any = boto3.client  # the stubs know each service by its literal name only
            found = self._clients[service] = make(
                service,
                region_name=self.box.region,
                endpoint_url=self.box.environ.get("AWS_ENDPOINT_URL"),
                config=Config(connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 1}),
            )
        return found


_APP_REFUSES: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


def app_secret(box: Container) -> str:
    """What signs calls to the app's back end, in the form that Standard Webhooks libraries take."""
    return "whsec_" + base64.b64encode(box.secrets.key("app_webhook")).decode()


def call_signed(url: str, tag: str, body: Mapping[str, Any], secret: str, at: datetime) -> int:
    """POST a signed JSON body; the status of the answer.

    Args:
        url: Of the deployment's own configuration.
        tag: Id by which a receiver drops what it has seen.
        body: JSON values.
        secret: "whsec_…".
        at: Wall time.

    Raises:
        NotTakenError: No answer.
    """
    from standardwebhooks.webhooks import Webhook

    raw = json.dumps(body, ensure_ascii=False)
    headers = {
        "content-type": "application/json",
        "webhook-id": tag,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(tag, at, raw),
    }
    request = urllib.request.Request(url, raw.encode(), headers, method="POST")  # noqa: S310  configured, not a user's
    try:
        with _direct().open(request, timeout=_APP_WAIT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        raise NotTakenError("the app's back end did not answer") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401  urllib's own signature
        return None


def _direct() -> urllib.request.OpenerDirector:
    """Follows no redirect: what is signed for one address goes to no other."""
    return urllib.request.build_opener(_NoRedirect)


def reachable(box: Container, routes: Sequence[Route]) -> tuple[Route, ...]:
    """The routes without e-mail addresses that are known to be gone.

    Args:
        box: Where that is written down.
        routes: In any order.
    """
    mails = [route for route in routes if route.channel == EMAIL]
    if not mails:
        return tuple(routes)
    found = box.tables.batch_get([(GoneItem, keys.mail_gone(_hash(box, each.address)), keys.SELF) for each in mails])
    gone = {each.address for each, item in zip(mails, found, strict=True) if item is not None}
    return tuple([route for route in routes if route.address not in gone])


def _hash(box: Container, address: str) -> str:
    return keyed_hash(box.secrets.key("lookup"), "mail", address.lower()).hex()


def note_mail_event(box: Container, detail: Mapping[str, Any]) -> None:
    """Write down what SES says that it took, and whose mail came back for good or was complained of.

    Args:
        box: Where to.
        detail: `detail` of an EventBridge event of source "aws.ses"; other kinds say nothing new.
    """
    kind, mail = detail.get("eventType"), detail.get("mail", {})
    tags = mail.get("tags", {}).get(TAG_NAME, [])
    wall = box.clock.wall()
    if kind == "Send" and tags:
        taken = TakenItem(
            pk=keys.mail_taken(str(tags[0])),
            provider=str(mail.get("messageId", "")),
            ttl=int((wall + KEPT).timestamp()),
        )
        commit(box.tables, WriteSet.of(Put(taken)))
    for address, reason in _gone(str(kind), detail):
        count(f"MailGone_{reason}")
        entry = GoneItem(pk=keys.mail_gone(_hash(box, address)), reason=reason, ttl=int((wall + GONE_FOR).timestamp()))
        commit(box.tables, WriteSet.of(Put(entry)))


def _gone(kind: str, detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Addresses that must be written to no more, and why; a full mailbox is no reason."""
    bounce, complaint = detail.get("bounce", {}), detail.get("complaint", {})
    if kind == "Bounce" and bounce.get("bounceType") == "Permanent":
        return [(str(each["emailAddress"]), "bounced") for each in bounce.get("bouncedRecipients", [])]
    if kind == "Complaint":
        return [(str(each["emailAddress"]), "complained") for each in complaint.get("complainedRecipients", [])]
    return []


_: type[MessageChannel] = AwsChannel
