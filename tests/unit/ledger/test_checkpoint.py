"""Signed notes: one form, one key, nothing else believed."""

from __future__ import annotations

import base64
import string
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions.ledger.log.checkpoint import (
    BadCheckpointError,
    BadKeyError,
    Checkpoint,
    parse_note,
    sign_checkpoint,
    verify_note,
)
from functions.ledger.merkle import EMPTY_ROOT
from tests.builders.ledger import AT, ORIGIN, SIGNER, LocalSigner

CHECKPOINT = Checkpoint(ORIGIN, 20852163, EMPTY_ROOT, AT)
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)


def test_a_note_reads_as_its_format_says():
    lines = NOTE.decode().split("\n")
    assert lines[:5] == [
        "whitenote-ledger/test",
        "20852163",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "time 2026-11-22T08:00:00.000Z",
        "",
    ]
    assert lines[5].startswith("— whitenote-ledger/test ")
    assert lines[6:] == [""]


def test_a_note_is_verified_offline_with_the_public_key():
    assert parse_note(NOTE).checkpoint == CHECKPOINT
    assert verify_note(NOTE, SIGNER.pem)
    assert verify_note(NOTE, SIGNER.public_key_der())
    assert not verify_note(NOTE, LocalSigner().pem)


def note_of_signature_length(length: int) -> bytes:
    """A DER signature is 70 to 72 bytes long as chance has it, so its base64 ends in none, one or two fill signs."""
    notes = (sign_checkpoint(replace(CHECKPOINT, size=size), SIGNER) for size in range(2_000))
    return next(note for note in notes if len(parse_note(note).signatures[0][2]) == length)


@pytest.mark.parametrize("length", [70, 71, 72])
def test_no_changed_byte_passes(length: int):
    note = note_of_signature_length(length)
    for at in range(len(note)):
        for flip in (1, 2, 4, 0x80):
            assert not verify_note(note[:at] + bytes([note[at] ^ flip]) + note[at + 1 :], SIGNER.pem)


@pytest.mark.parametrize("length", [70, 72])
def test_the_bits_that_base64_leaves_over_are_not_free(length: int):
    note = note_of_signature_length(length)
    last = len(note.rstrip(b"=\n")) - 1
    alphabet = (string.ascii_letters + string.digits + "+/").encode()
    passing = [c for c in alphabet if verify_note(note[:last] + bytes([c]) + note[last + 1 :], SIGNER.pem)]
    assert passing == [note[last]]


def test_a_cosignature_beside_the_logs_own_does_no_harm():
    other = base64.b64encode(b"abcdsignature").decode()
    assert verify_note(NOTE + f"— witness.example {other}\n".encode(), SIGNER.pem)


def test_a_signature_under_another_name_is_not_the_logs():
    assert not verify_note(NOTE.replace(b"\xe2\x80\x94 whitenote-ledger/test", b"\xe2\x80\x94 someone"), SIGNER.pem)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\n\n",
        b"\xff",
        NOTE.replace(b"20852163", b"020852163"),
        NOTE.replace(b"20852163", b"-1"),
        NOTE.replace(b"20852163", "２".encode()),
        NOTE.replace(b"20852163", b"99999999999999999999"),
        NOTE.replace(b"time ", b"date "),
        NOTE.replace(b".000Z", b"Z"),
        NOTE.replace(b"FU=", b"FV="),
        NOTE.replace(b"47DE", b"47D"),
        NOTE.replace(b"\n\n", b"\nmore\n\n"),
        NOTE.removesuffix(b"\n"),
        NOTE + b"\n",
        NOTE.replace(b"\xe2\x80\x94", b"--"),
        NOTE + b"x" * 20_000,
    ],
)
def test_any_other_form_is_refused(broken):
    with pytest.raises(BadCheckpointError):
        parse_note(broken)
    assert not verify_note(broken, SIGNER.pem)


@pytest.mark.parametrize("change", [{"origin": "a b"}, {"origin": "a+b"}, {"origin": ""}, {"size": -1}, {"root": b""}])
def test_what_can_not_be_written_as_a_line_is_no_checkpoint(change):
    with pytest.raises(BadCheckpointError):
        replace(CHECKPOINT, **change)


def test_only_a_key_on_p256_is_a_key():
    for key in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(BadKeyError):
            verify_note(NOTE, der)
    for junk in (b"", b"-----BEGIN PUBLIC KEY-----\nx\n", b"\x30\x00"):
        with pytest.raises(BadKeyError):
            verify_note(NOTE, junk)


def test_equal_checkpoints_of_other_times_differ():
    assert replace(CHECKPOINT, at=AT + timedelta(milliseconds=1)).text() != CHECKPOINT.text()
