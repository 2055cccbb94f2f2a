"""The agreement a customer accepts: one text in their language, its hash, and nothing that is not in it.

The annual rate stands first. The cost table names principal, every cost with its method, rate and collector, what late
payment may cost, and that nothing else is charged.

Source: PBoC Announcement 2021 No. 3; the cost-disclosure rule in force in China since 1 Aug 2026; Directive (EU)
2023/2225, Articles 10 and 13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from functions.core.errors import InvalidError
from functions.core.money import UnsupportedLanguageError, format_money
from functions.lending.agreements.texts import AGREEMENT_VERSION, TEXTS
from functions.lending.plan import Plan
from functions.lending.products.apr_cap import CAP_METHODS
from functions.lending.rules import DEFAULT_RULES, WATERFALLS, PlanRules
from functions.lending.schedule import Schedule, build_schedule
from functions.lending.terms import require_choice

LENDER: Final = "Whitenote"
_FEE_SENTENCES: Final = {"none": "fee_none", "flat_monthly": "fee_flat", "annual_rate": "fee_annual"}


class AgreementCurrencyError(InvalidError):
    code, title = "currency_mismatch", "The agreement would be in another currency than its schedule"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is shown, accepted and kept.

    Args:
        document: The whole text, each line ended by a line feed.
        sha256: Of the document in UTF-8.
        version: Of its sentences.
        language: "en" or "zh".
    """

    document: str
    sha256: bytes
    version: int
    language: str


def build_agreement(
    schedule: Schedule,
    *,
    merchant_name: str,
    language: str,
    rules: PlanRules = DEFAULT_RULES,
    cap_method: str = "irr_x12",
    personal: bool = False,
    lender_name: str = LENDER,
    currency: str | None = None,
) -> Agreement:
    """Write the agreement of a schedule.

    Args:
        schedule: As quoted or captured.
        merchant_name: As customers know it.
        language: BCP 47 tag whose language is "en" or "zh".
        rules: Of the product.
        cap_method: Of the jurisdiction; the rate shown first is by this method: "irr_x12" or "effective".
        personal: Whether the price is a personal one; then it says so.
        lender_name: Who collects.
        currency: If given, must be the schedule's.

    Raises:
        UnsupportedLanguageError: Another language.
        AgreementCurrencyError: Another currency.
        InvalidTermsError: No such cap method.
    """
    require_choice(cap_method, "cap_method", CAP_METHODS)
    spoken = spoken_language(language, TEXTS)
    if currency is not None and currency != schedule.terms.currency:
        raise AgreementCurrencyError(f"the schedule is in {schedule.terms.currency}, not {currency}")
    names = {"lender": one_line(lender_name), "merchant": one_line(merchant_name)}
    page = _Page(TEXTS[spoken], names, schedule.terms.currency, spoken, schedule, rules)
    lines = [
        page.say("title"),
        *page.rate(cap_method),
        *([page.say("personal")] if personal else []),
        page.say("parties", start=schedule.start_on.isoformat()),
        "",
        page.say("costs"),
        *page.costs(),
        "",
        page.say("default"),
        *page.late(),
        "",
        page.say("nothing_else"),
        "",
        page.say("schedule"),
        *page.rows(),
        "",
        page.say("changes"),
        *page.changes(),
    ]
    return sealed(lines, AGREEMENT_VERSION, spoken)


def agreement_of_plan(plan: Plan, *, merchant_name: str, language: str, **more: Any) -> Agreement:  # noqa: ANN401
    """The agreement a plan was born with, from its own terms, rules and capture day.

    Args:
        plan: Of any age; later changes are no part of the agreement.
        merchant_name: As customers know it.
        language: BCP 47 tag.
        **more: As for `build_agreement`.
    """
    bought = plan.captured_minor + plan.down_payment_minor
    schedule = build_schedule(plan.terms, bought, plan.start_on)
    return build_agreement(schedule, merchant_name=merchant_name, language=language, rules=plan.rules, **more)


@dataclass(frozen=True, slots=True)
class Page:
    """What a document is written with.

    Args:
        texts: Its sentences in one language.
        names: Who is named in them.
        currency: Of its amounts.
        language: A key of the sentences' table.
    """

    texts: Mapping[str, str]
    names: Mapping[str, str]
    currency: str
    language: str

    def say(self, key: str, **figures: object) -> str:
        """A sentence with its figures in it."""
        return self.texts[key].format(**self.names, **figures)

    def money(self, amount_minor: int) -> str:
        """An amount as this language writes it."""
        return format_money(amount_minor, self.currency, self.language)


@dataclass(frozen=True, slots=True)
class _Page(Page):
    schedule: Schedule
    rules: PlanRules

    def rate(self, cap_method: str) -> Iterator[str]:
        """The rate that the law looks at, first; then the other."""
        rates = {"irr_x12": self.schedule.apr_bps, "effective": self.schedule.effective_apr_bps}
        yield self.say("rate", rate=percent(rates[cap_method]))
        yield self.say("rate_why", method=self.texts[cap_method])
        other = next(name for name in rates if name != cap_method)
        yield self.say("other_rate", method=self.texts[other], rate=percent(rates[other]))

    def costs(self) -> Iterator[str]:
        schedule, pricing = self.schedule, self.schedule.terms.pricing
        yield self.say("principal", amount=self.money(schedule.financed_minor))
        if schedule.down_payment_minor:
            yield self.say("down", amount=self.money(schedule.down_payment_minor))
        gross = schedule.fee_minor + schedule.subsidy_minor
        yield self.say(
            _FEE_SENTENCES[pricing.kind],
            rate=percent(pricing.bps),
            amount=self.money(gross),
            count=schedule.terms.term_count,
            day_count=pricing.day_count,
        )
        if schedule.subsidy_minor:
            parts = {"amount": schedule.subsidy_minor, "gross": gross, "fee": schedule.fee_minor}
            yield self.say("subsidy", **{name: self.money(part) for name, part in parts.items()})
        yield self.say("total", amount=self.money(schedule.total_cost_minor))

    def late(self) -> Iterator[str]:
        rules = self.rules
        if rules.late_daily_bps:
            yield self.say(
                "late",
                rate=percent(rules.late_daily_bps),
                first=rules.grace_days + 1,
                cap=percent(rules.late_cap_bps),
                annual=percent(rules.annual_cap_bps),
            )
        else:
            yield self.say("late_none")
        yield self.say("charge_off", days=rules.charge_off_days)

    def rows(self) -> Iterator[str]:
        for row in self.schedule.installments:
            yield self.say(
                "row",
                number=row.number,
                due=row.due_on.isoformat(),
                total=self.money(row.total_minor),
                principal=self.money(row.principal_minor),
                fee=self.money(row.fee_minor),
                balance=self.money(row.balance_minor),
            )

    def changes(self) -> Iterator[str]:
        rules = self.rules
        parts = [self.texts[f"{part}_part"] for part in WATERFALLS[rules.waterfall]]
        yield self.say("order", parts=" → ".join(parts))
        yield self.say(f"payoff_{rules.payoff}")
        yield self.say(f"refund_{rules.refund}")
        yield self.say("deferral" if rules.deferrals_max else "deferral_none", count=rules.deferrals_max)
        yield self.say(
            "withdrawal" if rules.withdrawal_days else "withdrawal_none",
            days=rules.withdrawal_days,
            payment_days=rules.withdrawal_payment_days,
        )
        yield self.say("dispute")


def percent(bps: int) -> str:
    """Basis points as a percentage with two decimals: 1090 is "10.90"."""
    sign = "-" if bps < 0 else ""
    return f"{sign}{abs(bps) // 100}.{abs(bps) % 100:02d}"


def spoken_language(language: str, texts: Collection[str]) -> str:
    """The language of a BCP 47 tag, if documents are written in it.

    Raises:
        UnsupportedLanguageError: Another language.
    """
    spoken = language.replace("_", "-").split("-")[0].lower()
    if spoken not in texts:
        raise UnsupportedLanguageError(f"an agreement is written in {' or '.join(texts)}")
    return spoken


def sealed(lines: Iterable[str], version: int, language: str) -> Agreement:
    """The lines as one document with its hash."""
    document = "\n".join(lines) + "\n"
    return Agreement(document, sha256(document.encode()).digest(), version, language)


def one_line(text: str) -> str:
    """A name on one line, so that it can't look like a clause of its own."""
    return " ".join(text.split())
