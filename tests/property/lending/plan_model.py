"""A customer's plans and line as one would keep them on paper: days counted one by one, no journal, no packing.

It knows flat plans with pro rata refunds, and shares with the product only how an amount is split and rounded.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from functions.core.money import allocate, round_half_up, round_ratio

GRACE, DAILY, CAP = 3, Fraction(5, 10_000), Fraction(30, 100)


def _months_on(day: date, months: int) -> date:
    """The same day of a later month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)


def _thirties(start: date, end: date) -> int:
    """Days between two days where every month has thirty."""
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return (end.year - start.year) * 360 + (end.month - start.month) * 30 + last - first


@dataclass
class PaperRow:
    due: date
    principal: int
    fee: int
    original: int
    charged: int = 0  # unit-days of late charge
    late_paid: int = 0
    forgiven: int = 0
    begin: date | None = None  # of its period, where that is not the due day before
    carried: int = 0  # of its fee, what is owed whatever comes
    paid: list[int] = field(default_factory=lambda: [0, 0])  # principal, fee

    def late(self) -> int:
        owed = min(int(self.original * CAP), round_half_up(self.charged * DAILY))
        return max(0, owed - self.late_paid - self.forgiven)


@dataclass
class PaperPlan:
    start: date
    rows: list[PaperRow]
    captured: int
    refunded: int = 0
    written_off: bool = False
    payments: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)

    def owed(self) -> int:
        return sum(row.principal for row in self.rows)

    def fees(self) -> int:
        return sum(row.fee for row in self.rows)

    def pass_day(self, day: date) -> None:
        """`day` ends with what was unpaid at its start."""
        for row in self.rows:
            if not self.written_off and day > row.due + timedelta(days=GRACE):
                row.charged += row.principal + row.fee

    def pay(self, amount: int, on: date, reference: str) -> int:
        takes = []
        for row in self.rows:
            took = [0, 0, 0]
            if row.due <= on or self.written_off:
                took[2] = min(amount, row.late())
                row.late_paid += took[2]
                took[1] = min(amount - took[2], row.fee)
                took[0] = min(amount - took[2] - took[1], row.principal)
                self._move(row, took[0], took[1])
            amount -= sum(took)
            takes.append(tuple(took))
        self.payments[reference] = takes
        return amount

    def _move(self, row: PaperRow, principal: int, fee: int) -> None:
        row.principal -= principal
        row.fee -= fee
        row.paid[0] += principal
        row.paid[1] += fee

    def unpay(self, reference: str) -> int:
        """What of a payment is still found here and reopens."""
        found = 0
        for row, took in zip(self.rows, self.payments.pop(reference), strict=True):
            principal, fee, late = map(min, took, (*row.paid, row.late_paid))
            self._move(row, -principal, -fee)
            row.late_paid -= late
            found += principal + fee + late
        return found

    def refund(self, amount: int) -> int:
        """Credit for the customer."""
        self.refunded += amount
        whole, unpaid = self.owed(), min(amount, self.owed())
        credit = amount - unpaid
        open_rows = [row for row in self.rows if row.principal]
        fees = [row.fee for row in open_rows]
        if unpaid:
            for row, share in zip(open_rows, allocate(unpaid, [row.principal for row in open_rows]), strict=True):
                row.principal -= share
            cut = sum(fees) - round_ratio(sum(fees) * (whole - unpaid), whole)
            for row, share in zip(open_rows, allocate(cut, fees) if cut else [0] * len(fees), strict=True):
                row.fee -= share
        if amount > unpaid:
            for row, share in zip(self.rows, allocate(amount - unpaid, [r.paid[0] for r in self.rows]), strict=True):
                kept = round_ratio(row.paid[1] * (row.paid[0] - share), row.paid[0]) if row.paid[0] else row.paid[1]
                credit += row.paid[1] - kept
                row.paid = [row.paid[0] - share, kept]
        if self.refunded == self.captured:
            for row in self.rows:
                credit += row.paid[1] + row.late_paid
                row.forgiven += row.late_paid + row.late()
                row.fee = row.late_paid = 0
                row.paid[1] = 0
        return credit

    def fees_to(self, on: date) -> list[int]:
        """Of each row, the fee of the time up to a day that is not paid."""
        before, out = self.start, []
        for row in self.rows:
            begin = row.begin or before
            days, period = max(0, min((on - begin).days, (row.due - begin).days)), (row.due - begin).days
            whole = row.fee + row.paid[1]
            carried = min(row.carried, whole)
            to_date = carried + (round_ratio((whole - carried) * days, period) if period > 0 else whole - carried)
            out.append(max(0, to_date - row.paid[1]))
            before = row.due
        return out

    def replan(self, count: int, first: date, on: date, rate_bps: int) -> None:
        """Close what is there, and lend what is left anew at 30/360, monthly from a first due day."""
        carried, left = sum(self.fees_to(on)), self.owed()
        past = [n for n, row in enumerate(self.rows, 1) if row.due <= on or self._has_past(row)]
        self.rows = self.rows[: max(past, default=0)]
        for row in self.rows:
            row.principal = row.fee = 0
            row.due = min(row.due, on)
        dues = [_months_on(first, k) for k in range(count)]
        rates = [Fraction(rate_bps * _thirties(a, b), 3_600_000) for a, b in pairwise([on, *dues])]
        worth, worths = Fraction(1), []
        for rate in rates:
            worth /= 1 + rate
            worths.append(worth)
        level = round_half_up(left / sum(worths))
        for place, (due, rate) in enumerate(zip(dues, rates, strict=True)):
            interest = round_half_up(left * rate)
            rest = count - place - 1
            principal = min(max(level - interest, 1), left - rest) if rest else left
            left -= principal
            extra = carried // count + (place < carried % count)
            whole = principal + interest + extra
            self.rows.append(PaperRow(due, principal, interest + extra, whole, carried=extra))
        self.rows[-count].begin = on

    @staticmethod
    def _has_past(row: PaperRow) -> bool:
        return bool(sum(row.paid) or row.late_paid or row.forgiven or row.charged)

    def payoff(self, on: date) -> tuple[int, int, int]:
        """Principal, fee and late charge that close it today; closes it."""
        late, fee, owed = sum(row.late() for row in self.rows), sum(self.fees_to(on)), self.owed()
        for row in self.rows:
            row.late_paid += row.late()
            row.principal = row.fee = 0
        return owed, fee, late
