"""Personal data at rest: each customer has a data key wrapped by KMS, each field is sealed with it.

Deleting the wrapped key forgets the customer (crypto-shredding). The field's name and owner are bound into the
ciphertext, so no value can be moved to another field or person. Source: NIST SP 800-38D (AES-GCM), KMS envelope
encryption with an encryption context.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.core.errors import UnavailableError

_NONCE_BYTES = 12


class DecryptionError(Exception):
    """The ciphertext is not what this owner's key sealed under this name."""


class KeyWrapper(Protocol):
    """Makes and opens data keys; KMS on AWS and on the local platform."""

    def new_key(self, owner: str) -> tuple[bytes, bytes]:
        """A fresh 32-byte key and its wrapped form."""

    def open_key(self, owner: str, wrapped: bytes) -> bytes:
        """The key of a wrapped form."""


@dataclass(frozen=True, slots=True)
class KmsKeyWrapper:
    """Data keys by KMS, with the owner as encryption context.

    Args:
        client: boto3 "kms" client.
        key_id: The data key's id or ARN.
    """

    client: Any
    key_id: str

    def new_key(self, owner: str) -> tuple[bytes, bytes]:
        answer = self._call(
            "generate_data_key", KeyId=self.key_id, KeySpec="AES_256", EncryptionContext={"owner": owner}
        )
        return answer["Plaintext"], answer["CiphertextBlob"]

    def open_key(self, owner: str, wrapped: bytes) -> bytes:
        answer = self._call("decrypt", KeyId=self.key_id, CiphertextBlob=wrapped, EncryptionContext={"owner": owner})
        key: bytes = answer["Plaintext"]
        return key

    def _call(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401  boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            # fails closed: without the key there is no datum, in clear or otherwise
            raise UnavailableError("key service did not answer", retry_after_s=2) from error


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens the fields of one owner.

    Args:
        owner: Public id of the customer or checkout.
        key: 32 bytes, in memory only for the length of a request.
    """

    owner: str
    key: bytes

    def seal(self, name: str, value: Any) -> bytes:  # noqa: ANN401  any JSON value
        """Nonce and ciphertext of one field's JSON value."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        clear = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return nonce + AESGCM(self.key).encrypt(nonce, clear, self._bound(name))

    def open(self, name: str, sealed: bytes) -> Any:  # noqa: ANN401  any JSON value
        """Inverse of `seal`.

        Raises:
            DecryptionError: Changed, moved from another field or owner, or sealed with another key.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            clear = AESGCM(self.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound(name))
        except (InvalidTag, ValueError) as error:
            raise DecryptionError(f"{name} of {self.owner}") from error
        return json.loads(clear)

    def seal_all(self, fields: Mapping[str, Any]) -> dict[str, bytes]:
        """Every field sealed under its own name."""
        return {name: self.seal(name, value) for name, value in fields.items()}

    def _bound(self, name: str) -> bytes:
        return f"{self.owner}\0{name}".encode()
