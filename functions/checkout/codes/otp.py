"""One-time passwords of a device: six digits for a 30-second step, from a secret that the phone keeps.

Source: RFC 4226 section 5.3 (truncation), RFC 6238 (the step as counter, HMAC-SHA-256).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

STEP_S: Final = 30
DIGITS: Final = 6
TOLERANCE: Final = 1
"""Steps by which a phone's clock may be off, either way."""
_MASK: Final = 0x7FFFFFFF


def one_time_password(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """The password of a step.

    Args:
        secret: Of the device.
        counter: Number of the step since 1970.
        digits: How many; the standard's examples have eight.
    """
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha256)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & _MASK
    return f"{number % 10**digits:0{digits}d}"


def counter_at(at: datetime) -> int:
    """The step of an instant; wall time."""
    return int(at.timestamp()) // STEP_S


def step_start(counter: int) -> datetime:
    """The instant at which a step begins."""
    return datetime.fromtimestamp(counter * STEP_S, tz=UTC)
