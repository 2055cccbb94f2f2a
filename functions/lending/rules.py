"""What a plan agrees on besides its price: order of payment, late charge, refund, payoff, deferral, charge-off.

The tables here are the choices; `PlanRules` is one choice of each, fixed at capture and carried by the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from functions.core.money import BPS
from functions.lending.terms import InvalidTermsError, require_choice, require_int

LATE, FEE, PRINCIPAL = "late", "fee", "principal"

WATERFALLS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "late_first": (LATE, FEE, PRINCIPAL),
        "fee_first": (FEE, PRINCIPAL, LATE),
        "principal_first": (PRINCIPAL, FEE, LATE),
    }
)
"""What a payment covers first inside one installment; installments themselves go oldest due day first."""

REFUND_POLICIES: Final = ("pro_rata", "last_first", "next_first")
PAYOFF_POLICIES: Final = ("accrued", "all_remaining")
_DAYS_IN_YEAR = 365
_MAX_DAYS = 3650


@dataclass(frozen=True, slots=True)
class PlanRules:
    """How a plan lives; the agreement names each of these.

    Args:
        waterfall: Row of `WATERFALLS`.
        refund: Which installments a refund shrinks: one of `REFUND_POLICIES`.
        payoff: "accrued" (fee to the day) or "all_remaining" (where the jurisdiction lets it).
        late_daily_bps: Late charge per day on unpaid principal and fee of an overdue installment.
        grace_days: Days after the due day without late charge.
        late_cap_bps: Lifetime cap of an installment's late charge, of its original principal and fee.
        annual_cap_bps: Late charge and ordinary interest of any day stay within this a year.
        deferrals_max: How often a plan may be deferred.
        replans_max: How often what is left may be spread over a new term.
        charge_off_days: Days past due at which a plan is charged off.
        withdrawal_days: Days from capture in which the agreement can be undone; 0 where the law gives none.
        withdrawal_payment_days: Days in which the principal must then come back.
        release_hold_days: Days a repayment stays `held` on the line before it is available again.
        discount_bps: Merchant discount on what is captured, or collected with `on_collection`.
        discount_kept: Whether the lender keeps the discount on refunded amounts.
        on_collection: Whether the merchant is owed principal only as the customer pays it.
        loss_share_bps: With `on_collection`, the merchant's part of principal unpaid at charge-off.
        holdback_bps: Of what the merchant is owed, how much waits until the service is rendered.

    Raises:
        InvalidTermsError: Out of range; says which and the limits.
    """

    waterfall: str = "late_first"
    refund: str = "pro_rata"
    payoff: str = "accrued"
    late_daily_bps: int = 5
    grace_days: int = 3
    late_cap_bps: int = 3000
    annual_cap_bps: int = 2400
    deferrals_max: int = 2
    replans_max: int = 1
    charge_off_days: int = 180
    withdrawal_days: int = 0
    withdrawal_payment_days: int = 30
    release_hold_days: int = 0
    discount_bps: int = 0
    discount_kept: bool = False
    on_collection: bool = False
    loss_share_bps: int = 0
    holdback_bps: int = 0

    def __post_init__(self) -> None:
        require_choice(self.waterfall, "waterfall", tuple(WATERFALLS))
        require_choice(self.refund, "refund", REFUND_POLICIES)
        require_choice(self.payoff, "payoff", PAYOFF_POLICIES)
        for name, high in _LIMITS.items():
            require_int(getattr(self, name), name, 0, high)
        if self.loss_share_bps and not self.on_collection:
            raise InvalidTermsError("loss_share_bps needs on_collection: a merchant paid up front has no share left")

    @property
    def late_daily_rate(self) -> Fraction:
        """Late charge of a day per unit overdue.

        Ordinary interest on an installment's principal has ended at its due day, so the cap is the late charge's
        alone: a day may cost at most the annual cap / 365.
        """
        return min(Fraction(self.late_daily_bps, BPS), Fraction(self.annual_cap_bps, BPS * _DAYS_IN_YEAR))


_LIMITS: Final = MappingProxyType(
    {
        "late_daily_bps": 1000,
        "grace_days": 60,
        "late_cap_bps": BPS,
        "annual_cap_bps": 100 * BPS,
        "deferrals_max": 24,
        "replans_max": 24,
        "charge_off_days": _MAX_DAYS,
        "withdrawal_days": 60,
        "withdrawal_payment_days": 90,
        "release_hold_days": 30,
        "discount_bps": BPS,
        "loss_share_bps": BPS,
        "holdback_bps": BPS,
    }
)
DEFAULT_RULES: Final = PlanRules()
