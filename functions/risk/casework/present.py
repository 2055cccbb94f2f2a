"""What staff and merchants see of cases and alerts."""

from __future__ import annotations

from typing import Any, Final

from functions.core.clock import from_epoch_ms, isoformat
from functions.core.ids import id_text
from functions.core.money import currency_exponent
from functions.risk.casework import cases
from functions.risk.casework.alert_store import AlertItem
from functions.risk.casework.case_store import CaseItem, to_value

SECOND_PERSON_ABOVE_MAJOR: Final = 5_000
"""What is at risk, in whole units of the currency, above which two persons decide."""

_PIVOTS: Final = {"auth": "authorization", "mer": "merchant"}


def second_person_above_minor(currency: str) -> int:
    """The threshold in minor units of a currency."""
    return int(SECOND_PERSON_ABOVE_MAJOR * 10 ** currency_exponent(currency))


def present_case(item: CaseItem) -> dict[str, Any]:
    """A case as staff see it."""
    orders = item.authorization_ids
    value = to_value(item)
    return {
        "id": item.pk,
        "object": "case",
        "kind": item.kind,
        "about": _PIVOTS.get(item.pivot.partition("_")[0], "line"),
        "status": item.state,
        "version": item.version,
        "severity": item.severity,
        "authorization_id": orders[0] if orders else None,
        "authorization_ids": list(orders),
        "merchant_id": item.merchant_id,
        "customer_id": item.customer_id,
        "amount_minor": item.amount,
        "currency": item.currency,
        "reasons": item.reasons,
        "measures": item.measures or [],
        "timeline": item.timeline,
        "claimed_by": item.claimed_by,
        "proposal": _proposal(item),
        "outcome": item.finding if item.state == "closed" else None,
        "decision": item.verdict if item.state == "closed" else None,
        "decided_by": (item.decided_by or "").split(),
        "reversal": value.reversal,
        "escalated": value.escalated,
        "second_person_needed": cases.needs_second(value, second_person_above_minor(item.currency)),
        "opened_at": isoformat(from_epoch_ms(item.opened_at_ms)),
        "due_at": isoformat(from_epoch_ms(item.due_at_ms)),
        "expires_at": isoformat(from_epoch_ms(item.expires_at_ms)),
    }


def _proposal(item: CaseItem) -> dict[str, Any] | None:
    if not item.proposed_by:
        return None
    return {"decision": item.verdict, "by": item.proposed_by, "measures": item.proposed_measures or []}


def present_alert(item: AlertItem) -> dict[str, Any]:
    """An alert as staff see it."""
    return present_to_merchant(item) | {
        "about": _PIVOTS.get(item.pivot.partition("_")[0], "line"),
        "kind": item.kind,
        "rules": item.rules,
        "reasons": item.reasons,
        "count": item.times,
        "last_at": isoformat(from_epoch_ms(item.last_at_ms)),
        "sent": bool(item.sent),
        "detected_after_ms": item.detected_ms,
        "customer_id": item.customer_id,
        "merchant_id": item.merchant_id,
        "acknowledged_by": item.acknowledged_by,
    }


def present_to_merchant(item: AlertItem) -> dict[str, Any]:
    """An alert as the merchant hears of it: the merchant's own objects, without the customer's signals."""
    return {
        "id": item.pk,
        "object": "alert",
        "status": item.state,
        "version": item.version,
        "severity": item.severity,
        "authorization_id": id_text("auth", item.authorization) if item.authorization else None,
        "case_id": id_text("case", item.case) if item.case else None,
        "suggested_action": item.suggested,
        "raised_at": isoformat(from_epoch_ms(item.raised_at_ms)),
    }
