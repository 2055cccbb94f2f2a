"""Asking for a message, and sending it once.

Claim with a lease, send under the message's id, mark. Whatever dies on the way leaves a claim; when its lease is over,
the channel's log is asked before anything is sent again. A claim outlives any function that could still be sending
under it, so two senders never overlap.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import InProgressError, UnavailableError, WhitenoteError
from functions.messaging.channel import MessageChannel, NotTakenError, Outgoing, RefusedError
from functions.messaging.message import (
    CLAIMED,
    FAILED,
    FINAL_STATES,
    QUEUED,
    SENT,
    SUPPRESSED,
    TEMPLATES,
    TOPICS,
    Later,
    Letter,
    Resolver,
    Route,
    Subject,
    Suppress,
)
from functions.messaging.store import (
    PREFIX,
    AlreadyRequestedError,
    MessageItem,
    defer,
    message_id,
    new_message,
    plan_change,
    plan_new,
)
from functions.messaging.templates import render
from functions.platform.container import Container, container
from functions.platform.observability import count, log
from functions.platform.sandbox_clock import hear
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit

if TYPE_CHECKING:
    from functions.messaging.message import Verdict

LEASE: Final = timedelta(seconds=60)
"""Twice the messenger's time limit: whoever held an older claim has ended."""
_ATTEMPT_BYTES: Final = 8
_LEFT_OPEN: Final = "in_doubt"
_NO_ROUTE: Final = "no_route"


class UnknownMessageError(WhitenoteError):
    status, code, title = 404, "unknown_message", "No such message"


class StillClaimedError(InProgressError):
    code, title = "still_claimed", "Another attempt at this message may still be under way"


def request_message(
    topic: str,
    customer_id: str | None,
    about: str,
    *,
    number: int = 0,
    step: str = "",
    at: datetime,
    request_id: str = "",
    suppressed: str | None = None,
) -> WriteSet:
    """The one message about a step, to be written together with whatever made it due.

    Args:
        topic: Name in `TOPICS`.
        customer_id: `cus_…`, or None when that person is no customer yet.
        about: Public id of the object, for example of a plan.
        number: Part of the object (an installment's number), 0 for the whole.
        step: Which of several messages about that part, for example "T-3".
        at: Business time.
        request_id: The request that caused it, "" for scheduled work.
        suppressed: Why it will not be sent: it is only noted, so that nobody asks for it again.

    Raises (at commit):
        AlreadyRequestedError: The step has its message already.
    """
    box = container()
    secret, wall = box.secrets.key("ids"), box.clock.wall()
    item = new_message(secret, topic, customer_id, about, number=number, step=step, at=at, wall=wall)
    if suppressed:
        item.state, item.reason, item.settled_at_ms = SUPPRESSED, suppressed, epoch_ms(at)
    return plan_new(item, at, request_id)


def request_alone(topic: str, about: str, *, at: datetime) -> str:
    """Ask for a message by itself; asking again changes nothing.

    Args:
        topic: Name in `TOPICS`.
        about: Id of the object, for example of a sign-in challenge.
        at: Business time.

    Returns:
        The message's id.
    """
    with suppress(AlreadyRequestedError):
        commit(container().tables, request_message(topic, None, about, at=at))
    return id_of(topic, about)


def id_of(topic: str, about: str, number: int = 0, step: str = "") -> str:
    """The id that the message about this step has or would have."""
    return message_id(container().secrets.key("ids"), topic, about, number, step)


def existing(public_ids: Iterable[str]) -> frozenset[str]:
    """Those of up to 100 messages that have been asked for."""
    wanted = [(MessageItem, public_id, keys.SELF) for public_id in public_ids]
    return frozenset(item.pk for item in container().tables.batch_get(wanted, consistent=True) if item)


def state_of(public_id: str) -> str | None:
    """State of a message, or None if it was never asked for."""
    item = container().tables.get(MessageItem, public_id)
    return item.state if item else None


def read_image(raw: RawItem) -> Message:
    """A message out of a stream image."""
    item = MessageItem.from_raw_data(dict(raw))
    return Message(item.subject, item.state, item.channel, item.reason)


def deliver(public_id: str, resolve: Resolver) -> str:
    """Send a message if it is not sent yet and still has its reason.

    Args:
        public_id: `msg_…`.
        resolve: Decides from the facts of this moment; asked before every attempt.

    Returns:
        The state after it: "sent", "failed", "suppressed", or "queued" when it waits for a later hour.

    Raises:
        UnknownMessageError: There is none.
        StillClaimedError: Another attempt has a living claim; try when its lease is over.
        UnavailableError: The channel or the storage did not take it; try again.
    """
    attempt = _Attempt(container(), _loaded(public_id), _channel(), os.urandom(_ATTEMPT_BYTES))
    if attempt.item.state in FINAL_STATES:
        return attempt.item.state
    hear(attempt.box, attempt.item.subject.asked_at)
    if attempt.item.state == CLAIMED:
        settled = attempt.settle_claim()
        if settled:
            return settled
    verdict: Verdict = resolve(attempt.item.subject)
    if isinstance(verdict, Suppress):
        return attempt.settle(SUPPRESSED, verdict.reason)
    if isinstance(verdict, Later):
        return attempt.wait_until(verdict.at)
    return attempt.send(verdict)


def _channel() -> MessageChannel:
    found: MessageChannel = container().port("message_channel")
    return found


def _loaded(public_id: str) -> MessageItem:
    item: MessageItem | None = None
    if public_id.startswith(f"{PREFIX}_"):
        item = container().tables.get(MessageItem, public_id, consistent=True)
    if item is None:
        raise UnknownMessageError
    return item


def _outgoing(tag: str, letter: Letter, route: Route) -> Outgoing:
    text = render(letter.template, route.channel, letter.language, letter.facts)
    return Outgoing(
        tag=tag,
        channel=route.channel,
        address=route.address,
        template=letter.template,
        language=text.language,
        subject=text.subject,
        text=text.body,
        html=text.html,
        secret=TEMPLATES[letter.template].secret,
    )


@dataclass(frozen=True, slots=True)
class Message:
    """A message as other slices see it.

    Args:
        state: "queued", "claimed", "sent", "failed" or "suppressed".
        channel: The one that was last tried, None before the first try.
        reason: Why it failed or was suppressed.
    """

    subject: Subject
    state: str
    channel: str | None
    reason: str | None


@dataclass(slots=True)
class _Attempt:
    """One try at one message.

    Args:
        item: As last written or read; every write is conditioned on its version.
        me: Names this try in the claim.
    """

    box: Container
    item: MessageItem
    channel: MessageChannel
    me: bytes

    def settle_claim(self) -> str | None:
        """What became of an earlier attempt's claim; None when it surely sent nothing.

        Raises:
            StillClaimedError: Its lease is not over, or the channel's log may still be behind.
        """
        settled_at = from_epoch_ms(self.item.lease_ms or 0) + self.channel.log_lag(str(self.item.channel))
        left = settled_at - self.box.clock.wall()
        if left > timedelta():
            raise StillClaimedError(retry_after_s=max(1, int(left.total_seconds())))
        taken = self.channel.find(self.item.pk, str(self.item.channel))
        if taken is None:
            # better a message less than the same one twice; whoever watches hears of it by "<topic>.failed"
            return self.settle(FAILED, _LEFT_OPEN)
        return self.settle(SENT) if taken else None

    def send(self, letter: Letter) -> str:
        """Claim, send, mark; route by route until one takes it."""
        reason = _NO_ROUTE
        for route in letter.routes:
            outgoing = _outgoing(self.item.pk, letter, route)
            self._claim(route.channel)
            try:
                provider = self.channel.send(outgoing)
            except RefusedError as error:
                reason = error.reason
                count(f"MessageRefused_{route.channel}")
            except NotTakenError as error:
                self._release()
                raise UnavailableError(f"the {route.channel} channel is away", retry_after_s=30) from error
            else:
                self.item.provider = provider
                return self.settle(SENT)
        return self.settle(FAILED, reason)

    def settle(self, state: str, reason: str | None = None) -> str:
        """The last write of a message's life; a suppressed one tells nothing."""
        self.item.state, self.item.reason = state, reason
        self.item.settled_at_ms = epoch_ms(self._now())
        self._let_go()
        tells = state != SUPPRESSED and TOPICS[self.item.topic].tells
        told = (Pending(f"{self.item.topic}.{state}"),) if tells else ()
        self._write(*told)
        count(f"Message_{state}")
        return state

    def wait_until(self, at: datetime) -> str:
        """Put the message aside until an hour."""
        self._let_go()
        self.item.state = QUEUED
        defer(self.item, at, self.box.settings.shards)
        self._write()
        return QUEUED

    def _claim(self, channel: str) -> None:
        self.item.state, self.item.channel, self.item.attempt = CLAIMED, channel, self.me
        self.item.lease_ms = epoch_ms(self.box.clock.wall() + LEASE)
        self.item.shard, self.item.hour = None, None
        self._write()

    def _release(self) -> None:
        self._let_go()
        self.item.state = QUEUED
        self._write()

    def _let_go(self) -> None:
        self.item.attempt, self.item.lease_ms = None, None
        self.item.shard, self.item.hour = None, None

    def _now(self) -> datetime:
        """Business time; never before it was asked for, though this process may see the sandbox's clock late."""
        return max(self.box.clock.now(), self.item.subject.asked_at)

    def _write(self, *events: Pending) -> None:
        seen = self.item.version
        self.item.version, self.item.outbox = seen + 1, None
        if events:
            self.item.tell(self._now(), "", *events)
        try:
            commit(self.box.tables, plan_change(self.item, seen))
        except ConditionFailedError as error:
            if error.item and MessageItem.from_raw_data(error.item).serialize() == self.item.serialize():
                return  # our own write: it was applied, its answer was lost, and the client sent it again
            # another attempt was quicker; what it does is done in its own name
            log().info("message claimed elsewhere", extra={"message_id": self.item.pk})
            raise StillClaimedError(retry_after_s=int(LEASE.total_seconds())) from error


__all__ = [
    "AlreadyRequestedError",
    "Message",
    "StillClaimedError",
    "UnknownMessageError",
    "deliver",
    "existing",
    "id_of",
    "read_image",
    "request_alone",
    "request_message",
    "state_of",
]
