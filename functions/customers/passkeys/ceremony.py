"""The two WebAuthn ceremonies: options for the browser out, what its authenticator answered in.

User verification is always required: whoever holds the device has shown a finger, a face or its code. Attestation is
not asked for; which make of authenticator it is changes nothing here, and asking would tell us about the person.
Source: W3C Web Authentication Level 3, sections 7.1 and 7.2, through the library `webauthn`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from functions.core.errors import InvalidError, UnauthorizedError

TIMEOUT_MS: Final = 120_000
MAX_CREDENTIAL_BYTES: Final = 1023
USER_HANDLE_BYTES: Final = 16
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


class PasskeyRefusedError(UnauthorizedError):
    code, title = "passkey_refused", "The passkey's answer is not good"


class PasskeyInvalidError(InvalidError):
    code, title = "passkey_invalid", "No passkey was made by this answer"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom a passkey is for.

    Args:
        id: Domain that passkeys are bound to.
        origins: Where the pages come from; an answer made elsewhere is refused.
    """

    id: str
    origins: tuple[str, ...]

    @classmethod
    def of(cls, public_url: str, party_id: str = "", *origins: str) -> RelyingParty:
        """The party of a deployment.

        Args:
            public_url: Where its pages are. An address is no domain, so that of one's own machine counts as localhost.
            party_id: If the domain is another than that of the pages, for example its parent.
            origins: If pages come from elsewhere too.
        """
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        if host in _LOOPBACK:
            host = "localhost"
        port = f":{parts.port}" if parts.port else ""
        return cls(party_id or host, origins or (f"{parts.scheme}://{host}{port}",))


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A credential as its authenticator made it.

    Args:
        credential: Its id, 1–1,023 bytes.
        public_key: COSE key.
        count: The authenticator's signature counter; 0 where it keeps none.
        backed_up: Whether it is synchronised between devices.
        model: AAGUID of the authenticator; zeros where it does not say.
    """

    credential: bytes
    public_key: bytes
    count: int
    backed_up: bool
    model: str


def registration_options(
    party: RelyingParty, challenge: bytes, handle: bytes, names: tuple[str, str], known: Sequence[bytes]
) -> dict[str, Any]:
    """Options for `navigator.credentials.create()`, as its JSON form has them.

    Args:
        party: Ours.
        challenge: Unpredictable bytes.
        handle: 16 bytes by which the passkey will name its owner.
        names: What the authenticator calls the account: its name, and how the person is shown.
        known: Credentials the owner has, so that one authenticator is not registered twice.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.id,
        rp_name="Whitenote",
        user_id=handle,
        user_name=names[0],
        user_display_name=names[1],
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        supported_pub_key_algs=[Algorithm.ECDSA_SHA_256, Algorithm.EDDSA, Algorithm.RSASSA_PKCS1_v1_5_SHA_256],
    )
    out: dict[str, Any] = json.loads(options_to_json(options))
    return out


def assertion_options(party: RelyingParty, challenge: bytes, allowed: Sequence[bytes] = ()) -> dict[str, Any]:
    """Options for `navigator.credentials.get()`, as its JSON form has them.

    Args:
        party: Ours.
        challenge: Unpredictable, or bound to what is to be confirmed.
        allowed: Credentials of the one who is asked; none lets the authenticator offer those it has.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    out: dict[str, Any] = json.loads(options_to_json(options))
    return out


def verified_registration(party: RelyingParty, challenge: bytes, answer: Mapping[str, Any]) -> NewPasskey:
    """The passkey that an authenticator has made.

    Raises:
        PasskeyInvalidError: Another challenge, origin or party; not verified by its user; or no such answer at all.
    """
    from webauthn import verify_registration_response

    try:
        made = verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  the library parses a stranger's bytes: whatever it says, this is no passkey
        raise PasskeyInvalidError from None
    if not 0 < len(made.credential_id) <= MAX_CREDENTIAL_BYTES:
        raise PasskeyInvalidError
    return NewPasskey(
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        made.credential_backed_up,
        str(made.aaguid),
    )


def verified_assertion(
    party: RelyingParty, challenge: bytes, answer: Mapping[str, Any], public_key: bytes, count: int
) -> int:
    """The authenticator's counter after it signed the challenge.

    Args:
        party: Ours.
        challenge: The one it had to sign.
        answer: As the browser gave it.
        public_key: COSE key of the passkey named in the answer.
        count: Its counter as last seen; one that does not grow is a copied authenticator.

    Raises:
        PasskeyRefusedError: For any reason at all, without saying which.
    """
    from webauthn import verify_authentication_response

    try:
        signed = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=count,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  the library parses a stranger's bytes: whatever it says, this is no proof
        raise PasskeyRefusedError from None
    return signed.new_sign_count


def credential_of(answer: Mapping[str, Any]) -> bytes:
    """Which credential an answer is of; only a name until it is verified.

    Raises:
        PasskeyRefusedError: None.
    """
    return _bytes(answer.get("id"), MAX_CREDENTIAL_BYTES)


def handle_of(answer: Mapping[str, Any]) -> bytes:
    """Whose credential an answer claims to be of; only a name until it is verified.

    Raises:
        PasskeyRefusedError: It names nobody.
    """
    response = answer.get("response")
    handle = _bytes(response.get("userHandle") if isinstance(response, Mapping) else None, USER_HANDLE_BYTES)
    if len(handle) != USER_HANDLE_BYTES:
        raise PasskeyRefusedError
    return handle


def _bytes(text: object, most: int) -> bytes:
    if not isinstance(text, str) or not text.isascii() or len(text) > most * 4 // 3 + 1:
        raise PasskeyRefusedError
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise PasskeyRefusedError from None
    if not 0 < len(raw) <= most:
        raise PasskeyRefusedError
    return raw
