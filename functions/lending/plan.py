"""A plan: the installment agreement born of a capture, as one frozen value.

The principal identity holds for every plan at every instant:

    captured = outstanding + refunded + charged_off + (repaid − returned_to_customer − repayments_reversed)

Operations live beside this module (`functions.lending.life` lists them); each takes a plan and gives a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from functions.core.errors import WhitenoteError
from functions.lending.line import LineChange
from functions.lending.rules import PlanRules
from functions.lending.schedule import Schedule
from functions.lending.terms import PlanTerms


class PlanBrokenError(WhitenoteError):
    code, title = "plan_broken", "The figures of a plan don't add up"


class PlanState(StrEnum):
    """Where a plan stands; `paid_off` goes back to `active` only through a repayment reversal."""

    ACTIVE = "active"
    PAID_OFF = "paid_off"
    REFUNDED = "refunded"
    CHARGED_OFF = "charged_off"


class Delinquency(StrEnum):
    """Derived from dates, never stored: days past due of the oldest unpaid installment."""

    CURRENT = "current"
    M1 = "M1"
    M2 = "M2"
    M3 = "M3"
    M4 = "M4+"


BUCKET_STARTS: tuple[tuple[int, Delinquency], ...] = (
    (91, Delinquency.M4),
    (61, Delinquency.M3),
    (31, Delinquency.M2),
    (1, Delinquency.M1),
)
"""First day past due of each bucket, worst first."""


class OperationKind(IntEnum):
    """What can happen to a plan after its capture; the stored number of a kind never changes."""

    REPAY = 1
    PREPAY = 2
    PAYOFF = 3
    REFUND = 4
    REVERSE = 5
    WAIVE_LATE = 6
    DEFER = 7
    DISPUTE_OPEN = 8
    DISPUTE_CLOSE = 9
    CHARGE_OFF = 10
    WITHDRAW = 11
    RELEASE = 12
    FULFIL = 13
    REPLAN = 14


KEY_BYTES = 6


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a plan's journal: enough to do the operation again.

    Args:
        kind: What happened.
        on: Value date, where the customer is.
        amount_minor: Money of the operation; days for a deferral.
        option: A choice among the kind's own (source of money, policy, count), coded by that kind's module.
        key: First 6 bytes of SHA-256 of the outside reference, or empty: one reference counts once.
    """

    kind: OperationKind
    on: date
    amount_minor: int = 0
    option: int = 0
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Row:
    """One installment. Minor units.

    Args:
        number: 1 to the plan's count.
        due_on: Due day, after any deferral.
        principal_minor: Principal of this row, paid part included, refunded part taken out.
        fee_minor: Fee of this row for the customer, likewise.
        subsidy_minor: The merchant's part of the fee.
        original_minor: Principal + fee at birth; the base of the late charge's lifetime cap.
        principal_paid_minor: Of `principal_minor`.
        fee_paid_minor: Of `fee_minor`.
        principal_refunded_minor: Taken out by refunds.
        fee_refunded_minor: Taken out by refunds.
        overdue_minor_days: Σ over charged days of unpaid principal + fee at the start of the day.
        late_paid_minor: Late charge paid.
        late_waived_minor: Late charge waived or given back.
        paused_days: Days since the due day that don't count as past due: a dispute was open.
        disputed: Whether an open dispute covers this row.
    """

    number: int
    due_on: date
    principal_minor: int
    fee_minor: int
    subsidy_minor: int
    original_minor: int
    principal_paid_minor: int = 0
    fee_paid_minor: int = 0
    principal_refunded_minor: int = 0
    fee_refunded_minor: int = 0
    overdue_minor_days: int = 0
    late_paid_minor: int = 0
    late_waived_minor: int = 0
    paused_days: int = 0
    disputed: bool = False

    @property
    def principal_unpaid_minor(self) -> int:
        """Principal still to pay."""
        return self.principal_minor - self.principal_paid_minor

    @property
    def fee_unpaid_minor(self) -> int:
        """Fee still to pay."""
        return self.fee_minor - self.fee_paid_minor

    @property
    def unpaid_minor(self) -> int:
        """Principal and fee still to pay: the base of a day's late charge."""
        return self.principal_minor - self.principal_paid_minor + self.fee_minor - self.fee_paid_minor

    @property
    def counted_from_on(self) -> date:
        """The day from which days past due count."""
        return self.due_on + timedelta(days=self.paused_days) if self.paused_days else self.due_on


@dataclass(frozen=True, slots=True)
class Release:
    """Repaid principal that stays held on the line until a day."""

    on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a plan is.

    Args:
        id: `plan_…`.
        customer_id: `cus_…`.
        merchant_id: `mer_…`.
        opened_at: Capture, aware UTC, whole milliseconds: the plan's age.
        start_on: Capture day where the customer is; the schedule counts from it.
        terms: Price, count, due days.
        rules: Everything else that was agreed.
        apr_bps: Nominal annual rate as quoted.
        captured_minor: Financed principal.
        rows: By number.
        settled_on: Late charge is counted up to the end of this day; the value date of the last operation.
        down_payment_minor: Paid before approval, outside the credit.
        down_payment_returned_minor: Of it, refunded.
        state: Final but for a repayment reversal.
        refunded_minor: Principal refunded.
        charged_off_minor: Principal charged off and still claimable.
        repaid_minor: Principal repaid.
        returned_minor: Repaid principal that went back to the customer's credit balance.
        reversed_minor: Principal of repayments that the customer's bank took back.
        prepaid_minor: Repaid principal that belongs to no row: it was paid ahead and the rows shrank.
        written_off_minor: Principal that ever left by charge-off: what the line's limit fell by.
        deferred_minor: Fee not earned yet: this plan's part of deferred fee income.
        deferrals: How often it was deferred.
        disputed_minor: Principal under an open dispute.
        fulfilled_minor: Goods value of service rendered.
        backstop_on: Day from which the holdback is released without proof; None where nothing is held back.
        withdrawn_on: Day the agreement was undone.
        charged_off_on: Day of charge-off.
        replans: How often it was re-planned.
        replanned_on: Day of the last re-plan.
        replanned_from: Number of the first installment that it made.
        carried_minor: Fee of the time before it, in equal parts in those installments: owed whatever comes.
        resumed_on: Day the last dispute ended; what fell on it or before is not done again.
        releases: Repaid principal held on the line, by day.
        done_through: Hour up to which all scheduled actions are done; only moves forward.
        revision: Grows with every operation but a release; a payoff quote names it.
        base: The plan before the first line of its journal, itself without one; None while nothing happened.
        journal: Operations since `base`, by value date.
    """

    id: str
    customer_id: str
    merchant_id: str
    opened_at: datetime
    start_on: date
    terms: PlanTerms
    rules: PlanRules
    apr_bps: int
    captured_minor: int
    rows: tuple[Row, ...]
    settled_on: date
    down_payment_minor: int = 0
    down_payment_returned_minor: int = 0
    state: PlanState = PlanState.ACTIVE
    refunded_minor: int = 0
    charged_off_minor: int = 0
    repaid_minor: int = 0
    returned_minor: int = 0
    reversed_minor: int = 0
    prepaid_minor: int = 0
    written_off_minor: int = 0
    deferred_minor: int = 0
    deferrals: int = 0
    disputed_minor: int = 0
    fulfilled_minor: int = 0
    backstop_on: date | None = None
    withdrawn_on: date | None = None
    charged_off_on: date | None = None
    resumed_on: date | None = None
    replans: int = 0
    replanned_on: date | None = None
    replanned_from: int = 0
    carried_minor: int = 0
    releases: tuple[Release, ...] = ()
    done_through: datetime | None = None
    revision: int = 0
    base: Plan | None = None
    journal: tuple[Operation, ...] = ()

    @property
    def principal_unpaid_minor(self) -> int:
        """Principal still to pay, whether owed or charged off and claimed."""
        return sum([row.principal_minor - row.principal_paid_minor for row in self.rows])

    @property
    def outstanding_minor(self) -> int:
        """Principal owed; charged-off principal is not."""
        return 0 if self.state is PlanState.CHARGED_OFF else self.principal_unpaid_minor

    @property
    def fee_unpaid_minor(self) -> int:
        """Fee still to pay over the whole life."""
        return sum([row.fee_minor - row.fee_paid_minor for row in self.rows])

    @property
    def fee_receivable_minor(self) -> int:
        """Fee the ledger holds as receivable; none once charged off."""
        return 0 if self.state is PlanState.CHARGED_OFF else self.fee_unpaid_minor

    @property
    def refundable_minor(self) -> int:
        """Goods value that could still be refunded: refund + lost dispute ≤ captured + down payment."""
        return self.captured_minor - self.refunded_minor + self.down_payment_minor - self.down_payment_returned_minor

    @property
    def unfulfilled_minor(self) -> int:
        """Goods value neither rendered nor given back."""
        return max(0, self.captured_minor - self.refunded_minor - self.fulfilled_minor)

    @property
    def line_use(self) -> LineChange:
        """All that this plan does to the line, measured from an authorization already captured."""
        outstanding = self.outstanding_minor
        held = sum([release.amount_minor for release in self.releases])
        return LineChange(
            limit_minor=-self.written_off_minor,
            available_minor=-self.written_off_minor - held - outstanding,
            held_minor=held,
            outstanding_minor=outstanding,
        )

    def require_sound(self) -> Plan:
        """The plan itself, if its figures add up.

        Raises:
            PlanBrokenError: They don't; a bug of ours, never of the caller.
        """
        repaid = self.repaid_minor - self.returned_minor - self.reversed_minor
        owed = self.captured_minor - self.refunded_minor - self.charged_off_minor - repaid
        if owed != self.outstanding_minor:
            raise PlanBrokenError(f"{self.id}: {owed} should be outstanding, rows say {self.outstanding_minor}")
        if self.state is PlanState.CHARGED_OFF and self.charged_off_minor != self.principal_unpaid_minor:
            raise PlanBrokenError(
                f"{self.id}: {self.charged_off_minor} charged off, rows say {self.principal_unpaid_minor}"
            )
        for row in self.rows:
            if not (
                0 <= row.principal_paid_minor <= row.principal_minor
                and 0 <= row.fee_paid_minor <= row.fee_minor
                and min(row.subsidy_minor, row.late_paid_minor, row.late_waived_minor) >= 0
                and min(row.principal_refunded_minor, row.fee_refunded_minor, row.overdue_minor_days) >= 0
            ):
                raise PlanBrokenError(f"{self.id}: a figure of installment {row.number} is out of range")
        if not 0 <= self.fulfilled_minor <= self.captured_minor:
            raise PlanBrokenError(f"{self.id}: {self.fulfilled_minor} rendered of {self.captured_minor}")
        if min(self.prepaid_minor, self.deferred_minor, self.charged_off_minor, self.refundable_minor) < 0:
            raise PlanBrokenError(f"{self.id}: a figure is negative")
        return self


def open_plan(
    schedule: Schedule,
    rules: PlanRules,
    *,
    plan_id: str,
    customer_id: str,
    merchant_id: str,
    opened_at: datetime,
    backstop_on: date | None = None,
) -> Plan:
    """A new plan from the schedule the customer agreed to.

    Args:
        schedule: Rows with dates from the capture day.
        rules: Agreed with it.
        plan_id: `plan_…`.
        customer_id: `cus_…`.
        merchant_id: `mer_…`.
        opened_at: Instant of capture, aware.
        backstop_on: Day from which the holdback is released without proof.
    """
    rows = tuple(
        [
            Row(r.number, r.due_on, r.principal_minor, r.fee_minor, r.subsidy_minor, r.principal_minor + r.fee_minor)
            for r in schedule.installments
        ]
    )
    return Plan(
        id=plan_id,
        customer_id=customer_id,
        merchant_id=merchant_id,
        opened_at=opened_at,
        start_on=schedule.start_on,
        terms=schedule.terms,
        rules=rules,
        apr_bps=schedule.apr_bps,
        captured_minor=schedule.financed_minor,
        rows=rows,
        settled_on=schedule.start_on,
        down_payment_minor=schedule.down_payment_minor,
        deferred_minor=schedule.fee_minor + schedule.subsidy_minor,
        backstop_on=backstop_on,
    ).require_sound()


def with_rows(plan: Plan, changed: dict[int, Row]) -> Plan:
    """The plan with some rows replaced, by number."""
    return replace(plan, rows=tuple([changed.get(row.number, row) for row in plan.rows])) if changed else plan


def days_past_due(plan: Plan, on: date) -> int:
    """Days since the due day of the oldest unpaid installment that no dispute covers; 0 when none is overdue.

    Args:
        plan: Only an active plan can be past due.
        on: Today where the customer is; a due day itself is not past due.
    """
    if plan.state is not PlanState.ACTIVE:
        return 0
    overdue = [row.counted_from_on for row in plan.rows if row.unpaid_minor and not row.disputed]
    return max(0, (on - min(overdue)).days) if overdue else 0


def delinquency(plan: Plan, on: date) -> Delinquency:
    """The bucket of a plan on a day: current, M1 (1–30), M2 (31–60), M3 (61–90) or M4+."""
    days = days_past_due(plan, on)
    return next((bucket for start, bucket in BUCKET_STARTS if days >= start), Delinquency.CURRENT)
