"""Know your business: what a register's answer means for a merchant that wants to sell on credit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from functions.core.clock import isoformat, parse_instant
from functions.core.errors import ConflictError
from functions.merchants.ports import RegisterAnswer

VERIFIED, REFERRED, REJECTED = "verified", "referred", "rejected"
_REFUSED: Final = frozenset({REFERRED, REJECTED})


class KybNotPassedError(ConflictError):
    code, title = "kyb_not_passed", "The business is not verified, so it can't go live"


@dataclass(frozen=True, slots=True)
class Kyb:
    """The last check of a business.

    Args:
        status: "verified", "referred" (a person looks: try again, or with another number) or "rejected".
        reasons: Codes; none where verified.
        number: Registration number.
        provider: Whose register; "" where none answered.
        reference: The register's own number of the look-up.
    """

    status: str
    reasons: tuple[str, ...]
    number: str
    provider: str
    reference: str
    checked_at: datetime


def judge(number: str, answer: RegisterAnswer | None, now: datetime) -> Kyb:
    """What an answer means.

    Args:
        number: That was asked for.
        answer: None where the register did not answer.
        now: Business instant.
    """
    if answer is None:
        return Kyb(REFERRED, ("register_timeout",), number, "", "", now)
    if not answer.found or not answer.active:
        status, reasons = REJECTED, ("struck_off" if answer.found else "unknown_number",)
    elif not answer.name_matches:
        status, reasons = REFERRED, ("name_differs",)
    else:
        return Kyb(VERIFIED, (), number, answer.provider, answer.reference, now)
    return Kyb(status, reasons, number, answer.provider, answer.reference, now)


def require_passed(kyb: Kyb | None, *, is_live: bool) -> None:
    """Refuse to let a business sell that the register does not vouch for.

    Args:
        kyb: The last check; None where there was none, which is enough on a sandbox stage alone.
        is_live: Whether real money moves.

    Raises:
        KybNotPassedError: Carries `kyb_status`.
    """
    status = kyb.status if kyb else None
    if status in _REFUSED or (is_live and status != VERIFIED):
        raise KybNotPassedError(f"the last check is {status or 'missing'}", kyb_status=status)


def to_json(kyb: Kyb) -> dict[str, Any]:
    """As stored and as shown."""
    return asdict(kyb) | {"reasons": list(kyb.reasons), "checked_at": isoformat(kyb.checked_at)}


def from_json(value: Mapping[str, Any] | None) -> Kyb | None:
    """Inverse of `to_json`."""
    if value is None:
        return None
    return Kyb(**{**value, "reasons": tuple(value["reasons"]), "checked_at": parse_instant(value["checked_at"])})
