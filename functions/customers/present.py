"""Customers as JSON values: without personal data for staff, in clear for themselves."""

from __future__ import annotations

from typing import Any

from functions.core.clock import isoformat
from functions.customers.consents import CONSENTS
from functions.customers.customer import Customer, Profile


def present(one: Customer) -> dict[str, Any]:
    """A customer without personal data."""
    return {
        "id": one.id,
        "object": "customer",
        "status": one.status,
        "version": one.version,
        "identity": {
            "status": one.identity.status,
            "reasons": list(one.identity.reasons),
            "decided_at": isoformat(one.identity.decided_at),
        },
        "country": one.country,
        "language": one.language,
        "zone": one.zone,
        "consents": [code for code in CONSENTS if one.has_consented(code)],
        "created_at": isoformat(one.created_at),
    }


def present_profile(profile: Profile) -> dict[str, Any]:
    """A customer's own data in clear."""
    personal = profile.personal
    kind, number = personal["document"]
    return {
        **present(profile.customer),
        "name": personal["name"],
        "phone": personal["phone"],
        "email": personal.get("email"),
        "document": {"type": kind, "number": number},
        "birth_on": personal["born_on"],
        "address": personal.get("address"),
        "credit_lines": sorted(profile.customer.aliases),
    }


def present_consents(one: Customer) -> dict[str, Any]:
    """Every consent there is, answered or not."""
    answers = {code: one.consents.get(code) for code in CONSENTS}
    return {
        "consents": [
            {
                "code": code,
                "granted": answer is not None and answer.granted,
                "version": answer.version if answer else None,
                "changed_at": isoformat(answer.at) if answer else None,
                "current_version": CONSENTS[code],
            }
            for code, answer in answers.items()
        ]
    }
