"""A checkpoint: the log's size and root at an instant, signed, as text that others can keep and check offline.

    whitenote-ledger/live
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    time 2026-11-22T08:00:00.000Z

    — whitenote-ledger/live <base64 of key id and signature>

The signature is ECDSA over P-256 with SHA-256, DER encoded, over the text up to and including the newline before the
empty line. The key id is the first four bytes of SHA-256 of the public key's DER form.

Source: C2SP tlog-checkpoint and signed-note (the time is an extension line).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from functions.core.clock import isoformat, parse_instant
from functions.core.errors import InvalidError
from functions.ledger.merkle import HASH_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

KEY_ID_BYTES = 4
MAX_NOTE_BYTES = 16_384
_ORIGIN = re.compile(r"[!-*,-~]{1,100}")  # printable ASCII but space and plus
_SIZE = re.compile(r"0|[1-9][0-9]{0,19}")
_SIGNATURE: Final = "— "
_TEXT_LINES = 4


class BadCheckpointError(InvalidError):
    code, title = "bad_checkpoint", "This is not a checkpoint"


class BadKeyError(InvalidError):
    code, title = "bad_key", "This is not a public key on P-256"


class Signer(Protocol):
    """Signs with a key that never leaves its keeper."""

    def sign(self, message: bytes) -> bytes:
        """DER signature, ECDSA P-256 with SHA-256."""

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed.

    Args:
        origin: Name of the log.
        size: Leaves.
        root: Root of that size, 32 bytes.
        at: Wall time of signing, whole milliseconds.

    Raises:
        BadCheckpointError: Any of these can't be written as a line.
    """

    origin: str
    size: int
    root: bytes
    at: datetime

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin):
            raise BadCheckpointError("an origin is 1 to 100 visible ASCII characters without a plus")
        if not 0 <= self.size < 1 << 64:
            raise BadCheckpointError(f"{self.size} is not a size")
        if len(self.root) != HASH_BYTES:
            raise BadCheckpointError(f"a root has {HASH_BYTES} bytes, not {len(self.root)}")

    def text(self) -> bytes:
        """The signed bytes."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\ntime {isoformat(self.at)}\n".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed checkpoint with its signatures, not yet believed.

    Args:
        signatures: (name, key id, signature) per signature line; others may sign too.
    """

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes, bytes], ...]


def key_id(public_key_der: bytes) -> bytes:
    """Four bytes that tell which key to try."""
    return sha256(public_key_der).digest()[:KEY_ID_BYTES]


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The signed note."""
    text = checkpoint.text()
    blob = base64.b64encode(key_id(signer.public_key_der()) + signer.sign(text))
    return text + f"\n{_SIGNATURE}{checkpoint.origin} ".encode() + blob + b"\n"


def parse_note(note: bytes) -> Note:
    """Read a signed note strictly; nothing is verified yet.

    Raises:
        BadCheckpointError: Not in the exact form.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise BadCheckpointError(f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        text, separator, tail = note.decode("utf-8").partition("\n\n")
        lines = text.split("\n")
        if not separator or len(lines) != _TEXT_LINES or not _SIZE.fullmatch(lines[1]):
            raise ValueError("the text has not its four lines")
        label, _, instant = lines[3].partition(" ")
        if label != "time":
            raise ValueError("the fourth line is not the time")
        root = _from_base64(lines[2])
        checkpoint = Checkpoint(lines[0], int(lines[1]), root, parse_instant(instant))
        if checkpoint.text() != f"{text}\n".encode():
            raise ValueError("the text is not in its one form")
        signatures = tuple(_signature(line) for line in tail.removesuffix("\n").split("\n"))
        if not tail.endswith("\n"):
            raise ValueError("the last line does not end")
    except (ValueError, binascii.Error) as error:
        raise BadCheckpointError(str(error)) from None
    return Note(checkpoint, signatures)


def _from_base64(text: str) -> bytes:
    """Decode base64 in its one form: the bits that padding leaves over must be zero (RFC 4648, section 3.5)."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("the base64 is not in its one form")
    return raw


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, blob = line.removeprefix(_SIGNATURE).partition(" ")
    raw = _from_base64(blob)
    if not line.startswith(_SIGNATURE) or not _ORIGIN.fullmatch(name) or len(raw) <= KEY_ID_BYTES:
        raise ValueError("a signature line is a dash, a name, and the key id with the signature")
    return name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:]


def load_public_key(data: bytes) -> EllipticCurvePublicKey:
    """A P-256 public key from PEM or DER.

    Raises:
        BadKeyError: Anything else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

    load = load_pem_public_key if data.lstrip().startswith(b"-----") else load_der_public_key
    try:
        key = load(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKeyError(str(error)) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise BadKeyError
    return key


def public_key_pem(public_key_der: bytes) -> str:
    """The key as it is published."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = load_public_key(public_key_der)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def verify_note(note: bytes, public_key: bytes) -> bool:
    """Whether the log itself signed this note with this key. Never raises for a bad note.

    Args:
        note: Signed note.
        public_key: PEM or DER.

    Raises:
        BadKeyError: The key is none.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = load_public_key(public_key)
    wanted = key_id(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    try:
        parsed = parse_note(note)
    except BadCheckpointError:
        return False
    for name, found, signature in parsed.signatures:
        if name == parsed.checkpoint.origin and found == wanted:
            try:
                key.verify(signature, parsed.checkpoint.text(), ECDSA(SHA256()))
            except InvalidSignature:
                continue
            return True
    return False
