"""The port to the outside: a channel takes a message under a tag, and can be asked whether it took that tag."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A rendered message on its way to one address.

    Args:
        tag: The message's id; the same for every attempt at the same message.
        channel: "email", "sms" or "app".
        address: E-mail address, phone number in E.164, or for the app the customer's id.
        template: What kind of message it is.
        language: Catalog it was rendered from.
        subject: One line; "" for SMS.
        text: Plain text.
        html: The same as HTML; "" for SMS.
        secret: Whether the text may be kept nowhere.
    """

    tag: str
    channel: str
    address: str = field(repr=False)
    template: str
    language: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    secret: bool = False


class RefusedError(Exception):
    """The channel will never take this message for this address.

    Args:
        reason: Stable word, for example "address_rejected".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotTakenError(Exception):
    """The channel surely did not take the message, and may take it later."""


class MessageChannel(Protocol):
    """Takes messages. Any other error than the two above leaves open whether the message was taken."""

    def send(self, message: Outgoing) -> str:
        """Hand over a message.

        Returns:
            The channel's own id of it.

        Raises:
            RefusedError: It will never be taken.
            NotTakenError: It was not taken this time.
        """

    def find(self, tag: str, channel: str) -> bool | None:
        """Whether the channel took a message under this tag; None when its log can't tell."""

    def log_lag(self, channel: str) -> timedelta:
        """How long after a taking the log may not show it yet."""
