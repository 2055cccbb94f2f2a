"""A customer's finances of today: checked by the port, sealed, and counted from the next review on."""

from __future__ import annotations

from typing import Any

from functions.credit.deciding.facts import IncomeResult
from functions.credit.deciding.ports import ask_income
from functions.credit.policies.policy import load_policy
from functions.credit.upkeep.facts import finances_of, today_of
from functions.credit.upkeep.line_desk import change_file
from functions.credit.upkeep.reading import line_of
from functions.credit.upkeep.review import review_line
from functions.credit.upkeep.schemas import IncomeRequest
from functions.credit.upkeep.store import FINANCES, LimitFileItem
from functions.credit.upkeep.values import Cause
from functions.customers.service import get_profile, sealer_of
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.web.context import Call


def update_income(customer_id: str, body: IncomeRequest, call: Call) -> dict[str, Any]:
    """Have stated figures checked, keep what counts, and look at the limit with it at once.

    Proven income counts as proven. Unproven income counts only where it is lower than what counted before: nobody
    needs proof to be careful. Where the check does not answer, nothing changes.

    Raises:
        NotFoundError: There is no line in this currency.
    """
    profile = get_profile(customer_id)
    load_policy().reference_minor(body.currency)
    line_of(profile.customer, body.currency)
    _, document = profile.personal["document"]
    found = ask_income(container().port("income_verification"), document, body.income_minor, body.currency)
    finances = _keep(customer_id, body, found, today_of(profile.customer).isoformat())
    count(f"income_{found.status}")
    line = review_line(customer_id, body.currency, request_id=call.request_id, cause=Cause("income_update")).line
    return {
        "object": "income",
        "currency": body.currency,
        "status": found.status,
        "income_minor": finances["income_minor"],
        "expenses_minor": finances["expenses_minor"],
        "debts_minor": finances["debts_minor"],
        "limit_minor": line.limit,
    }


def counted(before: dict[str, Any], body: IncomeRequest, found: IncomeResult) -> dict[str, Any]:
    """The finances that count after a check.

    Args:
        before: Those that counted.
        body: What is stated now.
        found: What the check answered.
    """
    if found.status == "unavailable":
        return before
    if found.status == "verified":
        income = found.income_minor
    else:
        known = before["income_minor"]
        income = body.income_minor if known is None else min(known, body.income_minor)
    return before | {
        "income_minor": income,
        "expenses_minor": body.expenses_minor,
        "debts_minor": body.debts_minor,
        "source": found.source,
    }


def _keep(customer_id: str, body: IncomeRequest, found: IncomeResult, today: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}

    def act(file: LimitFileItem) -> bool:
        before = finances_of(file)
        after = counted(before, body, found)
        kept.update(after)
        if after == before:
            return False
        file.finances = sealer_of(customer_id).seal(FINANCES, after | {"stated_on": today})
        file.income_fresh = 1 if found.status == "verified" else file.income_fresh
        return True

    change_file(customer_id, body.currency, act)
    return kept
