"""Shall this order be financed? Pure: line, quote, profile and rules in; outcome, reasons and record out.

The credit side and the risk side each have an opinion, and the worst wins; nothing softens a credit refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from functions.core.clock import epoch_ms
from functions.core.ids import id_text
from functions.core.money import currency_exponent
from functions.credit.lines.store import LineItem, velocity
from functions.payments.parties import Parties
from functions.payments.scenario import SCENARIOS
from functions.risk.counters import hash64
from functions.risk.fraud.features import ScoredOrder, TerminalHistory, fraud_features
from functions.risk.fraud.score import FraudScore, score_inputs, usual_order
from functions.risk.named_lists.lists import is_denied, is_trusted
from functions.risk.profile import RiskProfile
from functions.risk.record import Listed, Scored, pack
from functions.risk.rule_life.in_force import InForce
from functions.risk.rule_life.lifecycle import canary_bucket
from functions.risk.ruling.outcomes import Outcome, combined
from functions.risk.signals import LineFacts, MerchantFacts, OrderFacts, sync_signals

NOT_AVAILABLE: Final = "not_available"
"""The one answer to no line, frozen line, exhausted line and credit decline: a merchant learns no more."""
RISK: Final = "risk"
STEP_UP_REQUIRED: Final = "step_up_required"
SCENARIO_NOT_ALLOWED: Final = "scenario_not_allowed"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be decided.

    Args:
        amount_minor: Financed amount.
        term_count: Of the product quoted.
        merchant_id: `mer_…`.
        zone: IANA zone of the shop.
        parties: Device, address, instrument and shop, as far as told.
    """

    amount_minor: int
    currency: str
    category: str
    channel: str
    term_count: int
    merchant_id: str
    zone: str
    parties: Parties


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of those who take part, this order not in it.

    Args:
        profile: Of the customer; empty for a new one.
        terminal: Of the till, or of the merchant online.
        merchant: The merchant's orders of 30 days.
        lists: Names of the lists that stand in the profile.
    """

    profile: RiskProfile
    terminal: TerminalHistory
    merchant: MerchantFacts
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out.

    Args:
        outcome: The worst of all opinions.
        decline_code: What the merchant hears of a decline or step-up, else None.
        record: Packed decision record; empty where there was no line to judge by.
    """

    outcome: Outcome
    decline_code: str | None
    record: bytes


def credit_opinion(order: Order, line: LineItem | None) -> Outcome:
    """Whether the line itself carries the order; all refusals look alike outside."""
    if line is None or line.status != "active" or line.currency != order.currency:
        return Outcome.DECLINE
    if line.available < order.amount_minor or order.term_count not in line.allowed_terms:
        return Outcome.DECLINE
    return Outcome.APPROVE


def decide(
    order: Order, line: LineItem | None, history: History, *, rules: InForce, now: datetime, wall: datetime
) -> Verdict:
    """Judge one order.

    Args:
        order: Verified against its quote.
        line: As read, possibly a moment old: the write judges it again.
        history: See `History`.
        rules: The rules, named lists and fraud model in force.
        now: Business time, in which history and tenure are counted.
        wall: Wall time: the line's velocity is real, whatever the business clock says.

    Raises:
        UnknownCurrencyError: The fraud model knows no usual order of the currency.
        ModelIntegrityError: The fraud model is not the released one.
    """
    credit = credit_opinion(order, line)
    if line is None or credit is Outcome.DECLINE:
        return Verdict(Outcome.DECLINE, NOT_AVAILABLE, b"")
    asked = ScoredOrder(order.amount_minor, int(now.timestamp()), usual_order(order.currency))
    inputs = fraud_features(asked, history.profile, history.terminal)
    score: FraudScore = score_inputs(inputs, rules.fraud_model)
    at_s = asked.at_s
    hits = tuple(sorted({*history.lists, *rules.lists.hits(_parties(order, line), at_s)}))
    signals = sync_signals(
        _order_facts(order, hits, now), _line_facts(line, wall), history.profile, history.merchant, score.bps
    )
    signals |= rules.lists.visible(rules.sync.list_keys, signals, at_s)
    bucket = canary_bucket(line.pk)
    result = rules.sync.evaluate(signals, bucket)
    listed = Listed(trusted=is_trusted(hits), blocked=is_denied(hits))
    outcome = combined(credit=credit, deny_listed=listed.blocked, allow_listed=listed.trusted, rules=result.outcome)
    code = {Outcome.DECLINE: RISK, Outcome.STEP_UP: STEP_UP_REQUIRED}.get(outcome)
    scored = Scored(score.bps, score.model_version, inputs)
    return Verdict(outcome, code, pack(outcome, rules.sync, result, signals, scored, listed=listed, bucket=bucket))


def _parties(order: Order, line: LineItem) -> dict[str, str]:
    """Who takes part, as named lists know them."""
    things = {
        "customer": hash64(id_text("cus", line.customer)),
        "merchant": hash64(order.merchant_id),
        "device": order.parties.device,
        "address": order.parties.address,
        "instrument": order.parties.instrument,
    }
    return {kind: f"{thing:016x}" for kind, thing in things.items() if thing is not None}


def _order_facts(order: Order, lists: tuple[str, ...], now: datetime) -> OrderFacts:
    offset = now.astimezone(ZoneInfo(order.zone)).utcoffset()
    parties = order.parties
    return OrderFacts(
        amount_minor=order.amount_minor,
        at_s=int(now.timestamp()),
        channel=order.channel,
        category=order.category,
        utc_offset_s=int(offset.total_seconds()) if offset else 0,
        exponent=currency_exponent(order.currency),
        liquid_goods=SCENARIOS[order.category].liquid_goods,
        merchant=hash64(order.merchant_id),
        shop=parties.shop,
        device=parties.device,
        device_flagged=parties.device_flagged,
        address=parties.address,
        instrument=parties.instrument,
        cell=parties.cell,
        lists=lists,
    )


def _line_facts(line: LineItem, wall: datetime) -> LineFacts:
    return LineFacts(
        limit_minor=line.limit,
        available_minor=line.available,
        held_minor=line.held,
        outstanding_minor=line.outstanding,
        opened_s=line.opened_at_ms // 1000,
        velocity=velocity(line, epoch_ms(wall)),
    )
