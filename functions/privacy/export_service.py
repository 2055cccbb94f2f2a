"""Everything we know about a customer, for the customer: each slice says its own part, in the form of its own API.

Source: Regulation (EU) 2016/679 art. 15 and 20; PIPL art. 45.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from functions.checkout.codes.device_service import list_devices
from functions.core.clock import isoformat
from functions.credit.service import decision_record, list_applications
from functions.credit.upkeep.reading import my_line
from functions.customers import service as customers
from functions.customers.present import present_consents, present_profile
from functions.ledger.service import list_owned
from functions.lending.plans.balance_store import owed_to
from functions.payments.disputes.service import list_own
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.table import Item, RawItem
from functions.platform.web.context import Call
from functions.platform.web.pagination import MAX_LIMIT
from functions.servicing.autopay.instrument_service import list_instruments, list_mandates
from functions.servicing.complaints.service import list_own_complaints
from functions.servicing.payouts.service import present_payout
from functions.servicing.payouts.store import PayoutItem
from functions.servicing.plan_service import list_plans, show_agreement
from functions.servicing.reminder_service import preference_of
from functions.servicing.repayment_service import present_repayment
from functions.servicing.repayment_store import RepaymentItem
from functions.servicing.statements.service import list_statements

VERSION: Final = 1

T = TypeVar("T", bound=Item)


def export(call: Call) -> dict[str, Any]:
    """All of a customer's data as one document.

    Args:
        call: Of the customer.

    Raises:
        NotFoundError: No such customer, or erased.
        UnavailableError: A part did not answer; there is no export with a part left out.
    """
    profile = customers.get_profile(call.who.id)
    own = profile.customer
    plans, entries = list(_all(list_plans, call)), list(_entries(own.id))
    document = {
        "object": "export",
        "version": VERSION,
        "customer_id": own.id,
        "generated_at": isoformat(container().clock.wall()),
        "profile": present_profile(profile),
        "consents": present_consents(own)["consents"],
        "consent_history": customers.consent_history(own.id),
        "credit_applications": [_application(each, own.id) for each in list_applications(own.id)],
        "credit_lines": [my_line(own, currency) for currency in sorted(own.aliases)],
        "credit_balances": dict.fromkeys(sorted(own.aliases), 0) | owed_to(own.id),
        "plans": plans,
        "agreements": [show_agreement(plan["id"], call) for plan in plans],
        "disputes": [each for plan in plans for each in _all(_disputes_of(plan["id"]), call)],
        "statements": list(_all(list_statements, call)),
        "devices": list_devices(own.id)["data"],
        "reminders": _reminders(own.id),
        "instruments": list_instruments(own.id)["data"],
        "mandates": list_mandates(own.id),
        "repayments": _explained(RepaymentItem, "rep", entries, present_repayment),
        "credit_payouts": _explained(PayoutItem, "cpo", entries, present_payout),
        "complaints": list(_all(list_own_complaints, call)),
        "ledger_entries": entries,
    }
    count("CustomerExported")
    return document


def _all(listing: Callable[[Call], dict[str, Any]], call: Call) -> Iterator[dict[str, Any]]:
    """Every row of a list, page after page."""
    query: dict[str, str] = {"limit": str(MAX_LIMIT)}
    while True:
        page = listing(replace(call, query=query))
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        query = {**query, "cursor": page["next_cursor"]}


def _disputes_of(plan_id: str) -> Callable[[Call], dict[str, Any]]:
    return lambda call: list_own(plan_id, call)


def _application(shown: dict[str, Any], customer_id: str) -> dict[str, Any]:
    """With the whole record of the decision: what was asked, found and judged."""
    return shown | {"record": json.loads(decision_record(shown["id"], customer_id))}


def _reminders(customer_id: str) -> dict[str, Any]:
    preference = preference_of(customer_id)
    return {"channel": preference.channel, "enabled": preference.enabled}


def _explained(
    model: type[T], prefix: str, entries: Iterable[Mapping[str, Any]], present: Callable[[T], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the entries say they explain of one kind: whatever has moved money, the oldest first."""
    names = dict.fromkeys(
        name for entry in entries for name in entry.get("explains", ()) if name.startswith(f"{prefix}_")
    )
    found = container().tables.read_all([(model, name, keys.SELF) for name in names])
    return [present(item) for item in found if isinstance(item, model)]


def _entries(customer_id: str) -> Iterator[dict[str, Any]]:
    start: RawItem | None = None
    while True:
        rows, start = list_owned(customer_id, MAX_LIMIT, start)
        yield from rows
        if start is None:
            return
