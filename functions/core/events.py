"""The event envelope: what every event carries, whoever receives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.core.clock import isoformat, parse_instant


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one object.

    Args:
        id: `evt_…`, derived from item key, version and index: the same occurrence always has the same id.
        type: For example "authorization.approved".
        version: Version of this type's payload.
        object_id: The object it happened to.
        sequence: Version of the object after it; grows per object, so a late event can be dropped.
        occurred_at: Business time, aware UTC.
        request_id: The request that caused it, or "" for scheduled work.
        data: Payload; JSON values only, never personal data.
        merchant_id: Whose webhook endpoints may hear of it, or None.
        customer_id: Which customer it concerns, or None.
    """

    id: str
    type: str
    version: int
    object_id: str
    sequence: int
    occurred_at: datetime
    request_id: str
    data: Mapping[str, Any]
    merchant_id: str | None = None
    customer_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "id": self.id,
            "type": self.type,
            "version": self.version,
            "object_id": self.object_id,
            "sequence": self.sequence,
            "occurred_at": isoformat(self.occurred_at),
            "request_id": self.request_id,
            "merchant_id": self.merchant_id,
            "customer_id": self.customer_id,
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Event:
        """Inverse of `to_dict`."""
        return cls(**{**value, "occurred_at": parse_instant(value["occurred_at"])})
