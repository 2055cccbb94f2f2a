"""Use cases of passkeys: register, sign in, list, remove; and what a confirmation needs of them. All on wall time.

A challenge is a signed value that travels with the browser: asking for one writes nothing, so strangers fill no table.
It is answered once: a registration creates its item, a sign-in notes the challenge, both under a condition.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, NotFoundError
from functions.core.ids import id_bytes, id_text, new_id, require_id
from functions.customers import store
from functions.customers.passkeys import ceremony
from functions.customers.passkeys.ceremony import PasskeyInvalidError, PasskeyRefusedError, RelyingParty
from functions.customers.passkeys.schemas import RegistrationAnswer, RegistrationRequest, SignInAnswer, StepUpAnswer
from functions.customers.passkeys.store import (
    KEPT_REMOVED,
    MOST,
    PREFIX,
    PasskeyItem,
    UsedBeforeError,
    passkey_id,
    passkeys_of,
    plan_passkey,
    plan_removal,
    plan_signed_in,
    plan_use,
)
from functions.customers.service import get_customer, get_profile
from functions.customers.sign_in import SignIn, signed_in
from functions.customers.sign_in_store import SESSION_PREFIX, new_session, plan_new_session
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.signing import BadSignatureError, sign, verify
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import WriteSet, commit
from functions.platform.web.context import Call

LIFETIME: Final = timedelta(minutes=5)
_CHALLENGE_BYTES: Final = 32
_REGISTER, _SIGN_IN = "register", "sign_in"
FRESH: Final = timedelta(minutes=10)
"""How long a sign-in by code or passkey proves that it is she who adds another way to pay or to sign in."""
ADD_PASSKEY: Final = "add_passkey"


class TooManyPasskeysError(ConflictError):
    code, title = "too_many_passkeys", f"A customer has at most {MOST} passkeys; remove one first"


class ProofRequiredError(ConflictError):
    code, title = "proof_required", "Prove again that it is you: sign in anew, or sign with a passkey"


def require_proof(act: str, given: StepUpAnswer | None, call: Call) -> WriteSet:
    """That it is she: a code or a passkey's answer not long ago, or a passkey's answer for this very act.

    Args:
        act: What is to be done; an answer for one act is good for no other.
        given: The answer, if she was asked for one.
        call: Of the customer.

    Returns:
        What is written with the act: the answer is good once.

    Raises:
        ProofRequiredError: Neither; carries what a passkey of hers would have to sign, if she has one.
        PasskeyRefusedError: The answer is not good.
        UsedBeforeError (at commit): It was good once.
    """
    now, who = container().clock.wall(), call.who
    if given is not None:
        challenge = _challenge(given.state, act, who.id, now)
        item = _active(who.id, given.credential)
        counter = verify_answer(item, challenge, given.credential)
        return plan_signed_in(item, counter, challenge, now, now + 2 * LIFETIME)
    if now.timestamp() - who.authenticated_s < FRESH.total_seconds():
        return WriteSet()
    challenge = os.urandom(_CHALLENGE_BYTES)
    options = options_for(who.id, challenge)
    raise ProofRequiredError(step_up=_begun(options, challenge, act, who.id) if options else None)


def party() -> RelyingParty:
    """Whom this deployment's passkeys are for."""
    settings = container().settings
    return RelyingParty.of(settings.public_url, *settings.passkeys)


def begin_registration(body: RegistrationRequest, call: Call) -> dict[str, Any]:
    """Options for making a passkey.

    Raises:
        ProofRequiredError, PasskeyRefusedError: It has to be she who adds one.
        NotFoundError: The customer is gone.
        TooManyPasskeysError: There are ten.
    """
    box, customer_id = container(), call.who.id
    proof = require_proof(ADD_PASSKEY, body.step_up, call)
    profile = get_profile(customer_id)
    own = passkeys_of(box.tables, customer_id)
    if len(own) >= MOST:
        raise TooManyPasskeysError
    try:
        commit(box.tables, proof)
    except UsedBeforeError:
        raise PasskeyRefusedError from None
    challenge = os.urandom(_CHALLENGE_BYTES)
    names = (str(profile.personal["phone"]), str(profile.personal["name"]))
    options = ceremony.registration_options(
        party(), challenge, id_bytes(customer_id), names, [each.credential for each in own]
    )
    return _begun(options, challenge, _REGISTER, customer_id)


def finish_registration(body: RegistrationAnswer, call: Call) -> PasskeyItem:
    """Keep the passkey that was made.

    Raises:
        PasskeyInvalidError: Not an answer to a registration that this customer began in the last five minutes.
        PasskeyKnownError: It is registered; the same answer comes again, or the authenticator is known.
        TooManyPasskeysError: There are ten.
    """
    box, now, customer_id = container(), container().clock.wall(), call.who.id
    try:
        challenge = _challenge(body.state, _REGISTER, customer_id, now)
    except PasskeyRefusedError:
        raise PasskeyInvalidError from None
    made = ceremony.verified_registration(party(), challenge, body.credential)
    if len(passkeys_of(box.tables, customer_id)) >= MOST:
        raise TooManyPasskeysError
    get_customer(customer_id)
    item = PasskeyItem(
        pk=customer_id,
        sk=keys.passkey(passkey_id(made.credential)),
        credential=made.credential,
        public_key=made.public_key,
        counter=made.count,
        name=body.name,
        model=made.model,
        backed_up=int(made.backed_up),
        created_at_ms=epoch_ms(now),
    )
    item.tell(box.clock.now(), call.request_id, Pending("passkey.added"))
    commit(box.tables, plan_passkey(item))
    count("PasskeyAdded")
    return item


def begin_sign_in() -> dict[str, Any]:
    """Options for signing in with whichever passkey the device has; says nothing about anybody."""
    challenge = os.urandom(_CHALLENGE_BYTES)
    return _begun(ceremony.assertion_options(party(), challenge), challenge, _SIGN_IN, "")


def finish_sign_in(body: SignInAnswer) -> SignIn:
    """A session for the owner of the passkey.

    Raises:
        PasskeyRefusedError: Any reason at all: unknown, removed, copied, answered before, too late.
    """
    box, now = container(), container().clock.wall()
    challenge = _challenge(body.state, _SIGN_IN, "", now)
    customer_id = id_text(store.PREFIX, ceremony.handle_of(body.credential))
    item = _active(customer_id, body.credential)
    try:
        get_customer(customer_id)
    except NotFoundError:
        raise PasskeyRefusedError from None
    counter = verify_answer(item, challenge, body.credential)
    session = new_session(new_id(SESSION_PREFIX, now), customer_id, now)
    try:
        commit(box.tables, plan_new_session(session), plan_signed_in(item, counter, challenge, now, now + 2 * LIFETIME))
    except UsedBeforeError:
        count("PasskeyAnswerReused")
        raise PasskeyRefusedError from None
    return signed_in(box, session, now, now)


def _active(customer_id: str, answer: Mapping[str, Any]) -> PasskeyItem:
    pk, sk = place_of(customer_id, answer)
    item: PasskeyItem | None = container().tables.get(PasskeyItem, pk, sk, consistent=True)
    if item is None:
        raise PasskeyRefusedError
    return item


def place_of(customer_id: str, answer: Mapping[str, Any]) -> tuple[str, str]:
    """Where the passkey of an answer stands, so that whoever verifies it reads it with the rest.

    Raises:
        PasskeyRefusedError: The answer names no credential.
    """
    return customer_id, keys.passkey(passkey_id(ceremony.credential_of(answer)))


def verify_answer(item: PasskeyItem | None, challenge: bytes, answer: Mapping[str, Any]) -> int:
    """The counter of a passkey that has signed a challenge.

    Raises:
        PasskeyRefusedError: It has not, or it is no passkey of this customer any more.
    """
    if item is None or item.status != "active" or item.public_key is None:
        raise PasskeyRefusedError
    return ceremony.verified_assertion(party(), challenge, answer, item.public_key, item.counter)


def options_for(customer_id: str, challenge: bytes) -> dict[str, Any] | None:
    """Options by which one customer signs a given challenge; None for somebody without a passkey."""
    own = [each.credential for each in passkeys_of(container().tables, customer_id)]
    return ceremony.assertion_options(party(), challenge, own) if own else None


def note_use(customer_id: str, public_id: str, counter: int, at: datetime) -> None:
    """Note a use from the stream; twice or late changes nothing."""
    with suppress(UsedBeforeError):
        commit(container().tables, plan_use(customer_id, public_id, counter, epoch_ms(at)))


def list_passkeys(customer_id: str) -> list[PasskeyItem]:
    """A customer's passkeys, oldest first."""
    return passkeys_of(container().tables, customer_id)


def remove_passkey(public_id: str, call: Call) -> PasskeyItem:
    """End a passkey; ending it again changes nothing. Signing in by one-time code remains.

    Raises:
        NotFoundError: Not one of this customer's.
    """
    box, customer_id = container(), call.who.id
    item: PasskeyItem | None = box.tables.get(
        PasskeyItem, customer_id, keys.passkey(require_id(PREFIX, public_id)), consistent=True
    )
    if item is None:
        raise NotFoundError
    if item.status == "active":
        writes = plan_removal(item)
        item.ttl = int((box.clock.wall() + KEPT_REMOVED).timestamp())
        item.tell(box.clock.now(), call.request_id, Pending("passkey.removed"))
        commit(box.tables, writes)
    return item


def present(item: PasskeyItem) -> dict[str, Any]:
    """A passkey as its owner sees it."""
    return {
        "id": item.passkey_id,
        "object": "passkey",
        "name": item.name,
        "backed_up": bool(item.backed_up),
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
        "last_used_at": isoformat(from_epoch_ms(item.used_at_ms)) if item.used_at_ms else None,
    }


def _begun(options: dict[str, Any], challenge: bytes, purpose: str, customer_id: str) -> dict[str, Any]:
    box = container()
    expires_at = box.clock.wall() + LIFETIME
    state = sign(
        box.secrets.key("passkeys"),
        {
            "p": purpose,
            "u": customer_id,
            "c": base64.b64encode(challenge).decode(),
            "x": epoch_ms(expires_at),
        },
    )
    return {"options": options, "state": state, "expires_at": isoformat(expires_at)}


def _challenge(state: str, purpose: str, customer_id: str, now: datetime) -> bytes:
    """The challenge of a ceremony that this very customer began, for this purpose, not long ago."""
    try:
        payload = verify(container().secrets.key("passkeys"), state)
    except BadSignatureError:
        raise PasskeyRefusedError from None
    if (payload["p"], payload["u"]) != (purpose, customer_id) or payload["x"] <= epoch_ms(now):
        raise PasskeyRefusedError
    return base64.b64decode(payload["c"])
