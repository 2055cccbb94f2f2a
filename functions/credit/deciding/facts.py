"""What a decision is made from: the applicant's statements and what outside sources answered.

Every value is plain and complete, so that a decision can be recorded and replayed from it alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Housing = Literal["owner", "rent", "parents", "private", "ignore", "other"]
Job = Literal["fixed", "freelance", "partime", "others"]
Match = Literal["match", "mismatch", "unavailable"]


@dataclass(frozen=True, slots=True)
class StatedFinances:
    """What an applicant said in an earlier application.

    Args:
        stated_on: The day it was said.
        income_minor: Monthly, after tax.
        expenses_minor: Monthly, without debt service.
        assets_minor: What is owned.
        debts_minor: What is owed elsewhere.
        seniority_years: In the job of that day.
    """

    stated_on: date
    income_minor: int
    expenses_minor: int
    assets_minor: int
    debts_minor: int
    seniority_years: float


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """One credit application, as stated.

    Args:
        currency: ISO 4217; the line will be in it.
        requested_limit_minor: The largest limit the applicant wants.
        income_minor: Monthly, after tax; None if not stated.
        expenses_minor: Monthly, without debt service; None if not stated.
        assets_minor: What is owned; None if not stated.
        debts_minor: What is owed elsewhere; None if not stated.
        housing: How the applicant lives; None if not stated.
        job: Kind of employment; None if not stated.
        seniority_years: Years in the present job; None if not stated.
        age_years: For legal majority only; never a feature.
        applied_on: The applicant's calendar day.
        order_price_minor: Price of the order that brought the applicant here, if one did.
        earlier: Earlier applications; those inside the policy's window count with their worst values.
        portfolio: Whose default rates apply (`Policy.portfolio_offsets`).
    """

    currency: str
    requested_limit_minor: int
    income_minor: int | None
    expenses_minor: int | None
    assets_minor: int | None
    debts_minor: int | None
    housing: Housing | None
    job: Job | None
    seniority_years: float | None
    age_years: int
    applied_on: date
    order_price_minor: int | None = None
    earlier: tuple[StatedFinances, ...] = ()
    portfolio: str = "default"


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """What the identity check found.

    Args:
        document_valid: The document number's checksum and the register's answer; None if it could not be asked.
        name_phone: Whether name and phone belong to the document.
        watch_list: Whether the person stands on a sanctions or fraud list.
        device: Judgement of the device the application came from.
        has_line: Another credit line exists for the same document.
        source: Which provider answered; "sandbox" marks a made-up answer.
    """

    document_valid: bool | None = True
    name_phone: Match = "match"
    watch_list: Literal["clear", "hit", "unavailable"] = "clear"
    device: Literal["trusted", "unknown", "suspicious", "blocked"] = "unknown"
    has_line: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class BureauResult:
    """What the credit bureau answered.

    Args:
        status: "hit" a file exists; "no_hit" none does; "unavailable" it did not answer in time.
        open_defaults: Defaults not settled.
        past_defaults: Settled defaults of the last five years.
        inquiries_90d: Credit inquiries by anyone in 90 days.
        debts_minor: Debts on file, in the application's currency; None if not reported.
        source: Provider.
    """

    status: Literal["hit", "no_hit", "unavailable"]
    open_defaults: int = 0
    past_defaults: int = 0
    inquiries_90d: int = 0
    debts_minor: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class IncomeResult:
    """What income verification answered.

    Args:
        status: "verified" with a figure; "not_verified" asked but without proof; "not_asked"; "unavailable" it did
            not answer in time.
        income_minor: Proven monthly income, if verified.
        source: Provider.
    """

    status: Literal["verified", "not_verified", "not_asked", "unavailable"] = "not_asked"
    income_minor: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """What a merchant told, with the applicant's consent, of earlier purchases.

    Args:
        tenure_months: Since the first order.
        orders: Number of orders.
        returned: How many of them went back.
        consent_id: The consent it was shared under.
        source: Merchant that supplied it.
    """

    tenure_months: int
    orders: int
    returned: int
    consent_id: str
    source: str
