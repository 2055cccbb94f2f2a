"""Signing in as items: the challenge, how often one was asked for, and the session with its refresh generation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pynamodb.attributes import BinaryAttribute, NumberSetAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.core.ids import id_bytes, id_text
from functions.customers.store import PREFIX
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, RawItem
from functions.platform.storage.transactions import Delete, Put, Update, WriteSet, create

SESSION_PREFIX: Final = "ses"
CHALLENGE_PREFIX: Final = "cha"
CODE_LIFETIME: Final = timedelta(minutes=5)
TRIES: Final = 5
RATE_COUNT, RATE_WINDOW = 3, timedelta(minutes=10)
SESSION_LIFETIME: Final = timedelta(days=30)


class ChallengeItem(Item):
    """A one-time code on its way; the code itself is derived from the challenge's id and stored nowhere."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="cu", null=True)
    tries = IntegerAttribute(attr_name="n", default=0)
    expires_at_ms = IntegerAttribute(attr_name="ex")
    magic = IntegerAttribute(attr_name="mg", default=0)
    ttl = IntegerAttribute(attr_name="ttl")

    @property
    def customer_id(self) -> str | None:
        return id_text(PREFIX, self.customer) if self.customer else None


class CodeRateItem(Item):
    """When the last codes to a phone were asked for, in ms; kept whether or not anybody has the phone."""

    asked_ms = NumberSetAttribute(attr_name="t")
    version = IntegerAttribute(attr_name="v")
    ttl = IntegerAttribute(attr_name="ttl")


class SessionItem(Item):
    """A sign-in and all that was refreshed from it; only the newest generation refreshes again."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="cu")
    generation = IntegerAttribute(attr_name="g", default=0)
    expires_at_ms = IntegerAttribute(attr_name="ex")
    revoked = IntegerAttribute(attr_name="rv", default=0)
    ttl = IntegerAttribute(attr_name="ttl")

    @property
    def customer_id(self) -> str:
        return id_text(PREFIX, self.customer)


class TriedMeanwhileError(Exception):
    """Another try at the same item came between read and write."""


def _meanwhile(_: RawItem | None) -> Exception:
    return TriedMeanwhileError()


def plan_challenge(
    public_id: str, phone_hash: str, customer_id: str | None, rate: CodeRateItem | None, now: datetime, *, magic: bool
) -> WriteSet:
    """A new challenge, counted against its phone.

    Args:
        public_id: `cha_…`.
        phone_hash: Hex.
        customer_id: Whose phone it is, None if nobody's.
        rate: As read; its instants before the window are forgotten.
        now: Wall time.
        magic: Whether the fixed sandbox code is good for it.

    Raises (at commit):
        TriedMeanwhileError: Another code was asked for at this moment.
    """
    since = epoch_ms(now - RATE_WINDOW)
    recent = {ms for ms in (rate.asked_ms if rate else ()) if ms > since}
    # two codes in one millisecond are two: a set would count them as one
    at_ms = max([epoch_ms(now), *(ms + 1 for ms in recent)])
    counted = CodeRateItem(
        pk=keys.code_rate(phone_hash),
        asked_ms={*recent, at_ms},
        version=(rate.version if rate else 0) + 1,
        ttl=int((now + 2 * RATE_WINDOW).timestamp()),
    )
    unseen = Path("pk").does_not_exist() if rate is None else Path("v") == rate.version
    challenge = ChallengeItem(
        pk=keys.sign_in(public_id),
        customer=id_bytes(customer_id) if customer_id else None,
        expires_at_ms=epoch_ms(now + CODE_LIFETIME),
        magic=int(magic),
        ttl=int((now + timedelta(hours=1)).timestamp()),
    )
    return WriteSet.of(create(challenge), Put(counted, unseen, _meanwhile))


def next_allowed_ms(rate: CodeRateItem | None, now: datetime) -> int | None:
    """When the next code may be asked for, in ms; None for now."""
    since = epoch_ms(now - RATE_WINDOW)
    recent = sorted(ms for ms in (rate.asked_ms if rate else ()) if ms > since)
    return (
        int(recent[-RATE_COUNT]) + int(RATE_WINDOW / timedelta(milliseconds=1)) if len(recent) >= RATE_COUNT else None
    )


def plan_try(challenge: ChallengeItem) -> WriteSet:
    """Count a try before it is judged, so that parallel guesses share the five.

    Raises (at commit):
        TriedMeanwhileError: Another try was counted first, or the code is used.
    """
    return WriteSet.of(
        Update(
            ChallengeItem,
            challenge.pk,
            keys.SELF,
            (Path("n").set(challenge.tries + 1),),
            Path("n") == challenge.tries,
            _meanwhile,
        )
    )


def new_session(public_id: str, customer_id: str, now: datetime) -> SessionItem:
    """A session at its first generation.

    Args:
        public_id: `ses_…`.
        customer_id: Who signed in.
        now: Wall time.
    """
    return SessionItem(
        pk=public_id,
        customer=id_bytes(customer_id),
        expires_at_ms=epoch_ms(now + SESSION_LIFETIME),
        ttl=int((now + SESSION_LIFETIME).timestamp()),
    )


def plan_new_session(session: SessionItem) -> WriteSet:
    """A session in exchange for a passkey's answer."""
    return WriteSet.of(create(session))


def plan_session(session: SessionItem, challenge: ChallengeItem) -> WriteSet:
    """A session in exchange for its challenge.

    Raises (at commit):
        TriedMeanwhileError: The challenge was used meanwhile.
    """
    return WriteSet.of(create(session), Delete(ChallengeItem, challenge.pk, keys.SELF, Path("pk").exists(), _meanwhile))


def plan_rotation(session: SessionItem) -> WriteSet:
    """The next generation of a session.

    Raises (at commit):
        TriedMeanwhileError: It was refreshed or revoked meanwhile.
    """
    return WriteSet.of(
        Update(
            SessionItem,
            session.pk,
            keys.SELF,
            (Path("g").set(session.generation + 1),),
            (Path("g") == session.generation) & (Path("rv") == 0),
            _meanwhile,
        )
    )


def plan_revocation(session_id: str) -> WriteSet:
    """The end of a session; of one that is gone already, too.

    Raises (at commit):
        TriedMeanwhileError: There is none.
    """
    return WriteSet.of(
        Update(SessionItem, session_id, keys.SELF, (Path("rv").set(1),), Path("pk").exists(), _meanwhile)
    )
