"""A merchant as others see one, and what it may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from functions.core.clock import local_date
from functions.core.errors import ConflictError, FieldError, InvalidError
from functions.merchants.kyb import Kyb
from functions.merchants.payout_change import PayoutChange

PENDING, LIVE, SUSPENDED, CLOSED = "pending", "live", "suspended", "closed"
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        PENDING: frozenset({LIVE, CLOSED}),
        LIVE: frozenset({SUSPENDED, CLOSED}),
        SUSPENDED: frozenset({LIVE, CLOSED}),
        CLOSED: frozenset(),
    }
)
"""Where a status may go."""

CATEGORIES: Final = ("electronics", "appliances", "education", "travel", "health")


class MerchantNotLiveError(ConflictError):
    code, title = "merchant_not_live", "The merchant may not sell on credit now"


class CurrencyNotAcceptedError(InvalidError):
    code, title = "currency_not_accepted", "The merchant does not sell in this currency"


class CategoryNotAllowedError(InvalidError):
    code, title = "category_not_allowed", "The merchant may not sell this category"


class AmountOverLimitError(InvalidError):
    code, title = "amount_over_limit", "The amount is over the merchant's limit for one order"


class StatusChangeRefusedError(ConflictError):
    code, title = "status_change_refused", "The status can't change so"


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant without bank details.

    Args:
        country: ISO 3166.
        zone: IANA time zone; its cut-off and its shop days are counted there.
        max_amount_minor: Largest order by currency; the currencies are those it sells in.
        categories: Scenarios it may sell.
        status: "pending", "live", "suspended" or "closed".
        keys_version: Generation of its API keys; grows when one is revoked.
        cutoff: Local time at which a settlement day ends, "HH:MM".
        payout_mode: "upfront" or "on_collection".
        payout_change: Another payout account that is not yet paid to.
        kyb: The last check of the business.
        live_at: When it first went live; None if it never was, or nobody noted it.
    """

    id: str
    name: str
    country: str
    zone: str
    max_amount_minor: Mapping[str, int]
    categories: tuple[str, ...]
    status: str
    keys_version: int
    cutoff: str
    payout_mode: str
    created_at: datetime
    version: int
    payout_change: PayoutChange | None = None
    kyb: Kyb | None = None
    live_at: datetime | None = None

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(self.max_amount_minor)

    def cutoff_after(self, at: datetime) -> datetime:
        """When the settlement day of an instant ends: the first cut-off after it, where the merchant is.

        Args:
            at: Aware.
        """
        zone, cutoff = ZoneInfo(self.zone), time.fromisoformat(self.cutoff)
        today = local_date(at, self.zone)
        ends = (datetime.combine(today + timedelta(days=days), cutoff, zone).astimezone(UTC) for days in (0, 1))
        return next(end for end in ends if end > at)

    def require_live(self) -> None:
        """Refuse what only a live merchant may do.

        Raises:
            MerchantNotLiveError: Carries the status.
        """
        if self.status != LIVE:
            raise MerchantNotLiveError(f"the merchant is {self.status}", current_status=self.status)

    def require_sells(self, currency: str, category: str, amount_minor: int = 0) -> None:
        """Refuse an order that this merchant may not offer on credit.

        Args:
            currency: ISO 4217.
            category: Scenario.
            amount_minor: Of the whole order; 0 judges the other two only.

        Raises:
            MerchantNotLiveError, CurrencyNotAcceptedError, CategoryNotAllowedError, AmountOverLimitError: The first
                that applies.
        """
        self.require_live()
        limit = self.max_amount_minor.get(currency)
        if limit is None:
            raise CurrencyNotAcceptedError(
                f"this merchant sells in {', '.join(self.currencies)}",
                errors=(FieldError("/currency", "not_allowed", "not among the merchant's currencies"),),
            )
        if category not in self.categories:
            raise CategoryNotAllowedError(
                f"this merchant sells {', '.join(self.categories)}",
                errors=(FieldError("/category", "not_allowed", "not among the merchant's categories"),),
            )
        if amount_minor > limit:
            raise AmountOverLimitError(
                f"the amount is {amount_minor - limit} over the limit",
                errors=(FieldError("/amount_minor", "out_of_range", f"at most {limit}"),),
                limit_minor=limit,
            )


def next_status(before: str, after: str) -> str:
    """The status after a change.

    Raises:
        StatusChangeRefusedError: The table has no such step.
    """
    if after not in TRANSITIONS[before]:
        raise StatusChangeRefusedError(f"a {before} merchant can't become {after}", current_status=before)
    return after
