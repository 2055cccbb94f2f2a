"""Use cases of signing in with a one-time code, refreshing and signing out. All of it runs on wall time.

The answers are the same whether or not a phone is known. A code is derived from its challenge, so that it stands in no
table, queue or dead letter; a refresh token is good once, and one that comes back ends its session.
Source: OWASP ASVS 5.0 V6 (authentication), RFC 9700 section 4.14 (refresh token rotation).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import NotFoundError, TooManyRequestsError, UnauthorizedError, UnavailableError
from functions.core.ids import id_bytes, keyed_hash, new_id, require_id
from functions.customers import details, magic, store
from functions.customers.service import contact_of, get_customer
from functions.customers.sign_in_store import (
    CHALLENGE_PREFIX,
    CODE_LIFETIME,
    SESSION_PREFIX,
    TRIES,
    ChallengeItem,
    CodeRateItem,
    SessionItem,
    TriedMeanwhileError,
    new_session,
    next_allowed_ms,
    plan_challenge,
    plan_revocation,
    plan_rotation,
    plan_session,
    plan_try,
)
from functions.customers.store import ContactItem
from functions.messaging.message import SMS, Fact, Letter, Route, Subject, Suppress, Verdict
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.signing import BadSignatureError, sign, verify
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from functions.platform.tokens import CUSTOMER_LIFETIME, customer_token

MESSAGE_KIND: Final = "sign_in_code"
_DIGITS: Final = 6
_RACES: Final = 8


class CodeRefusedError(UnauthorizedError):
    code, title = "code_refused", "The code is wrong or no longer good"


class ChallengeLockedError(UnauthorizedError):
    code, title = "challenge_locked", "Too many wrong codes; ask for a new one"


class TooManyCodesError(TooManyRequestsError):
    code, title = "too_many_codes", "Too many codes were asked for to this phone"


class RefreshRefusedError(UnauthorizedError):
    code, title = "refresh_refused", "The refresh token is not good; sign in again"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code on its way.

    Args:
        id: `cha_…`.
        expires_at: Wall time.
    """

    id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a signed-in customer holds.

    Args:
        expires_at: Of the access token, wall time.
        refresh_expires_at: Of the whole session, wall time.
    """

    customer_id: str
    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime


def code_of(secret: bytes, challenge_id: str) -> str:
    """The six digits of a challenge."""
    number = int.from_bytes(keyed_hash(secret, "code", id_bytes(challenge_id)), "big")
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def request_code(phone: str) -> Challenge:
    """Send a one-time code to a phone, if somebody we know has it.

    Raises:
        TooManyCodesError: The third within ten minutes was the last; says when the next may be asked for.
        InvalidError: No phone number.
    """
    box = container()
    number = details.normal_phone(phone)
    hashed = store.phone_hash(box.secrets.key("lookup"), number).hex()
    now = box.clock.wall()
    challenge_id = new_id(CHALLENGE_PREFIX, now)
    is_magic = magic.meaning_of(number) is not None and not box.settings.is_live
    _race(lambda: _record_challenge(box, challenge_id, hashed, now, is_magic=is_magic))
    # sent for strangers' numbers too, and dropped by the messenger: the two must not be told apart from outside
    box.queue(box.settings.messages_queue_url).send([{"kind": MESSAGE_KIND, "challenge_id": challenge_id}])
    return Challenge(challenge_id, now + CODE_LIFETIME)


def _record_challenge(box: Container, challenge_id: str, hashed: str, now: datetime, *, is_magic: bool) -> None:
    contact, rate = box.tables.batch_get(
        [(ContactItem, keys.contact(hashed), keys.SELF), (CodeRateItem, keys.code_rate(hashed), keys.SELF)],
        consistent=True,
    )
    allowed_ms = next_allowed_ms(rate, now)
    if allowed_ms is not None:
        raise TooManyCodesError(retry_after_s=max(1, -(-(allowed_ms - epoch_ms(now)) // 1000)))
    customer_id = contact.customer_id if contact else None
    commit(box.tables, plan_challenge(challenge_id, hashed, customer_id, rate, now, magic=is_magic))


def verify_code(challenge_id: str, code: str) -> SignIn:
    """Sign in with the code of a challenge.

    Raises:
        CodeRefusedError: Wrong, expired, used or unknown; says how many tries are left where there are any.
        ChallengeLockedError: It was the fifth wrong one, or there were five before.
    """
    box = container()
    now = box.clock.wall()
    try:
        require_id(CHALLENGE_PREFIX, challenge_id)
    except NotFoundError:
        raise CodeRefusedError from None
    challenge = _race(lambda: _counted_try(box, challenge_id, now))
    good = hmac.compare_digest(code, code_of(box.secrets.key("sign-in"), challenge_id))
    good |= bool(challenge.magic) and not box.settings.is_live and code == magic.MAGIC_CODE
    if not good or challenge.customer_id is None:
        count("SignInCodeRefused")
        tries_left = TRIES - challenge.tries - 1
        if tries_left == 0:
            raise ChallengeLockedError
        raise CodeRefusedError(tries_left=tries_left)
    session = new_session(new_id(SESSION_PREFIX, now), challenge.customer_id, now)
    try:
        commit(box.tables, plan_session(session, challenge))
    except TriedMeanwhileError:
        raise CodeRefusedError from None
    return signed_in(box, session, now, now)


def _counted_try(box: Container, challenge_id: str, now: datetime) -> ChallengeItem:
    challenge: ChallengeItem | None = box.tables.get(ChallengeItem, keys.sign_in(challenge_id), consistent=True)
    if challenge is None or challenge.expires_at_ms <= epoch_ms(now):
        raise CodeRefusedError
    if challenge.tries >= TRIES:
        raise ChallengeLockedError
    commit(box.tables, plan_try(challenge))
    return challenge


def refresh(refresh_token: str) -> SignIn:
    """A new access token and a new refresh token for the newest refresh token of a session.

    Raises:
        RefreshRefusedError: Not ours, expired, signed out, or used before; in the last case the session ends, because
            two hold what only one was given.
    """
    box = container()
    now = box.clock.wall()
    try:
        payload = verify(box.secrets.key("refresh"), refresh_token)
    except BadSignatureError:
        raise RefreshRefusedError from None
    session: SessionItem | None = box.tables.get(SessionItem, payload["s"], consistent=True)
    if session is None or session.revoked or session.expires_at_ms <= epoch_ms(now):
        raise RefreshRefusedError
    try:
        if payload["g"] != session.generation:
            raise TriedMeanwhileError
        get_customer(session.customer_id)
        commit(box.tables, plan_rotation(session))
    except TriedMeanwhileError:
        count("RefreshTokenReused")
        commit(box.tables, plan_revocation(session.pk))
        raise RefreshRefusedError from None
    except NotFoundError:
        raise RefreshRefusedError from None
    session.generation += 1
    return signed_in(box, session, now, datetime.fromtimestamp(payload.get("a", 0), UTC))


def sign_out(session_id: str) -> None:
    """End a session: nothing refreshes it any more; its access token lives out its quarter of an hour."""
    box = container()
    try:
        commit(box.tables, plan_revocation(require_id(SESSION_PREFIX, session_id)))
    except (TriedMeanwhileError, NotFoundError):
        return


def resolve_code(subject: Subject) -> Verdict:
    """Whether the code of a challenge may still go out, and to whom; decided when it is sent.

    Raises:
        UnavailableError: The key service does not answer.
    """
    box, challenge_id = container(), subject.about
    challenge: ChallengeItem | None = box.tables.get(ChallengeItem, keys.sign_in(challenge_id), consistent=True)
    if challenge is None or challenge.expires_at_ms <= epoch_ms(box.clock.wall()):
        return Suppress("code_expired")
    if challenge.customer_id is None:
        return Suppress("unknown_phone")
    try:
        contact = contact_of(challenge.customer_id)
    except NotFoundError:
        return Suppress("unknown_phone")
    facts: dict[str, Fact] = {
        "code": code_of(box.secrets.key("sign-in"), challenge_id),
        "minutes": int(CODE_LIFETIME / timedelta(minutes=1)),
    }
    return Letter(MESSAGE_KIND, contact.language, facts, (Route(SMS, contact.phone),))


def signed_in(box: Container, session: SessionItem, now: datetime, authenticated_at: datetime) -> SignIn:
    """What the holder of a session is given: by code, by passkey or by refresh, the same.

    Args:
        box: For keys.
        session: Hers.
        now: Wall time.
        authenticated_at: When she gave the code or the passkey's answer; a refresh carries it on.
    """
    secrets = box.secrets
    return SignIn(
        customer_id=session.customer_id,
        access_token=customer_token(
            secrets.customer_signing_key,
            secrets.customer_signing_kid,
            session.customer_id,
            session.pk,
            now=now,
            authenticated_at=authenticated_at,
        ),
        expires_at=now + CUSTOMER_LIFETIME,
        refresh_token=sign(
            secrets.key("refresh"), {"s": session.pk, "g": session.generation, "a": int(authenticated_at.timestamp())}
        ),
        refresh_expires_at=from_epoch_ms(session.expires_at_ms),
    )


_Result = TypeVar("_Result")


def _race(action: Callable[[], _Result]) -> _Result:
    """Read and write again when somebody came between."""
    for _ in range(_RACES):
        try:
            return action()
        except TriedMeanwhileError:
            continue
    raise UnavailableError("too many at once", retry_after_s=1)
