"""The log's signing key in KMS: it signs there and never leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from functions.core.errors import UnavailableError

ALGORITHM = "ECDSA_SHA_256"


@dataclass(frozen=True, slots=True)
class KmsSigner:
    """Signs checkpoints.

    Args:
        client: boto3 "kms" client.
        key_id: Of an ECC_NIST_P256 key for SIGN_VERIFY.
    """

    client: Any
    key_id: str

    def sign(self, message: bytes) -> bytes:
        """DER signature of a message of at most 4,096 bytes.

        Raises:
            UnavailableError: KMS did not answer.
        """
        signature: bytes = self._call("sign", Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM)[
            "Signature"
        ]
        return signature

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo.

        Raises:
            UnavailableError: KMS did not answer.
        """
        key: bytes = self._call("get_public_key")["PublicKey"]
        return key

    def _call(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401  boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, operation)(KeyId=self.key_id, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("key service did not answer", retry_after_s=2) from error
