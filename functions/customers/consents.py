"""What a customer may agree to, each apart from the others, and which wording they agreed to. Pure.

Source: PIPL articles 14, 15 and 23 (informed, separate, as easily withdrawn as given).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from functions.core.clock import epoch_ms, from_epoch_ms

BUREAU_QUERY, BUREAU_REPORTING, PURCHASE_HISTORY, MARKETING, LIMIT_INCREASE = (
    "bureau_query",
    "bureau_reporting",
    "purchase_history",
    "marketing",
    "limit_increase",
)
CONSENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        BUREAU_QUERY: "2026-11",
        BUREAU_REPORTING: "2026-11",
        PURCHASE_HISTORY: "2026-11",
        MARKETING: "2026-11",
        LIMIT_INCREASE: "2026-11",
    }
)
"""Version of the wording shown today, by code."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer.

    Args:
        granted: False after it was withdrawn or refused.
        version: Of the wording that was shown.
        at: Business instant of the answer.
    """

    granted: bool
    version: str
    at: datetime


Consents = Mapping[str, Consent]


def answered(before: Consents, answers: Mapping[str, bool], at: datetime) -> dict[str, Consent]:
    """The consents after some answers; an answer that changes nothing keeps its first instant."""
    after = dict(before)
    for code, granted in answers.items():
        known = before.get(code)
        if known is None or known.granted != granted or (granted and known.version != CONSENTS[code]):
            after[code] = Consent(granted, CONSENTS[code], at)
    return after


def changed(before: Consents, after: Consents) -> dict[str, Consent]:
    """Those answered anew."""
    return {code: consent for code, consent in after.items() if before.get(code) != consent}


def pack(consents: Consents) -> str:
    """As stored."""
    return json.dumps(
        {code: [int(c.granted), c.version, epoch_ms(c.at)] for code, c in consents.items()}, separators=(",", ":")
    )


def unpack(text: str) -> dict[str, Consent]:
    """Inverse of `pack`."""
    return {
        code: Consent(bool(granted), version, from_epoch_ms(at_ms))
        for code, (granted, version, at_ms) in json.loads(text).items()
    }
