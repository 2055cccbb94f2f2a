"""The document of a re-plan: rate and total cost before and after first, then the new installments. Pure.

Source: as `lending.agreements.agreement`; Regulation Z, 12 CFR 1026.20(a), on new disclosures when terms change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from functions.lending.agreements.agreement import LENDER, Agreement, Page, one_line, percent, sealed, spoken_language
from functions.lending.amendments.outlook import Outlook, outlook
from functions.lending.amendments.texts import AMENDMENT_VERSION, TEXTS
from functions.lending.plan import Plan


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of terms as it is shown, accepted and kept.

    Args:
        before: What was left, as the terms stood.
        after: What is left, as they stand now.
        agreement: The document.
    """

    before: Outlook
    after: Outlook
    agreement: Agreement

    @property
    def cost_minor(self) -> int:
        """What the change costs; below zero where it saves. Minor units."""
        return self.after.fee_minor - self.before.fee_minor

    @property
    def longer_days(self) -> int:
        """By how much the last due day moves out; below zero where it comes nearer."""
        return (self.after.last_due_on - self.before.last_due_on).days


def amendment_of(
    before: Plan, after: Plan, on: date, *, merchant_name: str, language: str, cap_method: str
) -> Amendment:
    """Write the document of a re-plan.

    Args:
        before: Settled to the day.
        after: The same plan, re-planned on it.
        on: That day, where the customer is.
        merchant_name: As customers know it.
        language: BCP 47 tag whose language is "en" or "zh".
        cap_method: Of the jurisdiction: "irr_x12" or "effective".

    Raises:
        UnsupportedLanguageError: Another language.
    """
    spoken = spoken_language(language, TEXTS)
    was, now = outlook(before, on, cap_method), outlook(after, on, cap_method)
    names = {"lender": LENDER, "merchant": one_line(merchant_name)}
    page = _Page(TEXTS[spoken], names, after.terms.currency, spoken, after, on)
    lines = [
        page.say("title"),
        *page.rates(was, now, cap_method),
        page.say("parties", start=after.start_on.isoformat(), on=on.isoformat()),
        "",
        page.say("costs"),
        *page.costs(was, now),
        "",
        page.say("schedule"),
        *page.rows(),
        "",
        page.say("rest", start=after.start_on.isoformat()),
    ]
    return Amendment(was, now, sealed(lines, AMENDMENT_VERSION, spoken))


@dataclass(frozen=True, slots=True)
class _Page(Page):
    plan: Plan
    on: date

    def rates(self, was: Outlook, now: Outlook, cap_method: str) -> Iterator[str]:
        yield self.say("rate", before=self._rate(was), after=self._rate(now))
        yield self.say("rate_why", method=self.texts[cap_method], on=self.on.isoformat())

    def _rate(self, seen: Outlook) -> str:
        return self.texts["rate_none"] if seen.apr_bps is None else percent(seen.apr_bps)

    def costs(self, was: Outlook, now: Outlook) -> Iterator[str]:
        for name, seen in (("before", was), ("after", now)):
            yield self.say(
                "figures",
                name=self.texts[name],
                principal=self.money(seen.principal_minor),
                fee=self.money(seen.fee_minor),
                total=self.money(seen.total_minor),
                count=seen.installments,
                last=seen.last_due_on.isoformat(),
            )
        cost = now.fee_minor - was.fee_minor
        yield self.say("dearer" if cost > 0 else "cheaper" if cost < 0 else "same", amount=self.money(abs(cost)))
        yield self.say("how", rate=percent(max(0, self.plan.apr_bps)))
        yield self.say("late" if now.late_minor else "late_none", amount=self.money(now.late_minor))
        yield self.say("nothing_else")

    def rows(self) -> Iterator[str]:
        balance = self.plan.principal_unpaid_minor
        for row in self.plan.rows[self.plan.replanned_from - 1 :]:
            balance -= row.principal_minor
            yield self.say(
                "row",
                number=row.number,
                due=row.due_on.isoformat(),
                total=self.money(row.principal_minor + row.fee_minor),
                principal=self.money(row.principal_minor),
                fee=self.money(row.fee_minor),
                balance=self.money(balance),
            )
