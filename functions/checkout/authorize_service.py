"""The authorization: one read, a pure decision, one write (docs/architecture.md, the hot path)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from functions.checkout.decision import NOT_AVAILABLE, RISK, SCENARIO_NOT_ALLOWED, History, Order, Verdict, decide
from functions.checkout.parties import parties_told
from functions.checkout.schemas import AuthorizationRequest
from functions.checkout.situation import Payer, Situation, read_situation
from functions.checkout.step_up import plan_step_up
from functions.checkout.tokens import (
    CustomerToken,
    CustomerTokenInvalidError,
    Quote,
    TokenUsedError,
    quote_hash,
    read_customer_token,
    read_quote,
    require_fresh,
    require_unexpired,
)
from functions.core.clock import epoch_ms
from functions.core.errors import ConflictError, IdempotencyKeyReusedError, UnavailableError
from functions.core.ids import id_bytes, keyed_hash
from functions.credit.lines.store import LineItem, hold_refusal, is_used, plan_hold
from functions.lending.products.plan_product import PlanProduct
from functions.lending.products.service import find_product
from functions.merchants.keyring import require_current
from functions.merchants.merchant import Merchant
from functions.merchants.service import get_merchant
from functions.payments.authorization import DEAD, Status
from functions.payments.parties import Parties
from functions.payments.scenario import SCENARIOS, allows
from functions.payments.service import shown
from functions.payments.store import MAX_ATTEMPTS, AuthorizationItem, first_attempts, plan_new, state_of, status_code
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call, Command
from functions.risk.counters import DAY_S
from functions.risk.counting.observing import terminal_of
from functions.risk.counting.store import TerminalItem
from functions.risk.counting.terminals import whole_history
from functions.risk.profile import RiskProfile
from functions.risk.rule_life.live import live
from functions.risk.ruling.outcomes import Outcome
from functions.risk.signals import MerchantFacts
from functions.risk.store import ProfileItem

_TRIES = 5
_STATUS = {
    Outcome.APPROVE: Status.APPROVED,
    Outcome.HOLD: Status.HELD,
    Outcome.STEP_UP: Status.DECLINED,
    Outcome.DECLINE: Status.DECLINED,
}


class ReferenceInUseError(ConflictError):
    code, title = "reference_in_use", "Another order of yours stands under this reference"


class QuoteTokenMismatchError(CustomerTokenInvalidError):
    code, title = "customer_token_invalid", "The customer token is for another quote"


@dataclass(frozen=True, slots=True)
class Intent:
    """What the merchant asks, verified as far as signatures go.

    Args:
        token: None if its signature is not ours: then only a replay can answer.
        content: 8-byte hash of what makes the order the same order.
        parties: Device, address, instrument and shop, as far as told; the customer's word before the merchant's.
    """

    merchant: Merchant
    reference: str
    quote: Quote
    token: CustomerToken | None
    pay_hash: bytes
    content: bytes
    parties: Parties
    command: Command
    request_id: str

    @property
    def terminal(self) -> int:
        """What the fraud model calls a terminal."""
        return terminal_of(self.merchant.id, self.parties)

    @property
    def payer(self) -> Payer | None:
        alias = self.token.alias if self.token else None
        return Payer(alias, self.terminal) if alias is not None else None


class LineRefusedError(Exception):
    """The line's update did not hold; carries the line as it is."""

    def __init__(self, raw: RawItem | None) -> None:
        super().__init__()
        self.raw = raw


class AttemptTakenError(Exception):
    """Another attempt at the order has this number already."""


def authorize(body: AuthorizationRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Decide one order and hold its amount.

    Returns:
        The authorization (approved, held or declined), and whether it is the same one again.

    Raises:
        CustomerTokenInvalidError, QuoteInvalidError, QuoteExpiredError, TokenUsedError: Nothing is written.
        ReferenceInUseError: A live order of other content has this reference.
        IdempotencyKeyReusedError: The key was used for another request.
        UnavailableError: Too many others were faster; nothing is written.
    """
    intent = _intent(body, call)
    refusal: str | None = None
    for attempt in range(_TRIES):
        situation = read_situation(intent.merchant.id, intent.reference, intent.payer, consistent=attempt > 0)
        own = situation.attempts[-1] if situation.attempts else None
        if own is not None and is_same(own, intent.command, intent.content):
            return shown(own), True
        item, writes = _decided(intent, situation, call, refusal)
        try:
            commit(container().tables, *writes)
        except AttemptTakenError:
            continue
        except LineRefusedError as conflict:
            refusal = explained(conflict.raw, intent)
            continue
        count(f"authorization_{state_of(item)}")
        return shown(item), False
    raise UnavailableError("the line is busy", retry_after_s=1)


def _intent(body: AuthorizationRequest, call: Call) -> Intent:
    box, merchant_id = container(), call.who.id
    quote = read_quote(box.secrets.key("quotes"), body.quote, merchant_id)
    try:
        token = read_customer_token(box.secrets.key("tokens"), body.customer_token, merchant_id, "pay")
    except CustomerTokenInvalidError:
        token = None
    return Intent(
        merchant=get_merchant(merchant_id),
        reference=body.reference,
        quote=quote,
        token=token,
        pay_hash=quote_hash(body.quote),
        content=content_of(quote, token.customer_id if token else ""),
        parties=_parties(body, token),
        command=call.command(),
        request_id=call.request_id,
    )


def content_of(quote: Quote, customer_id: str) -> bytes:
    """What makes an order the same order, as 8 bytes."""
    facts = (quote.amount_minor, quote.currency, quote.category, quote.channel, quote.product_id)
    return keyed_hash(b"content", *facts, customer_id, size=8)


def _parties(body: AuthorizationRequest, token: CustomerToken | None) -> Parties:
    told = parties_told(device=body.device, address=body.shipping_address, place=body.place)
    return token.parties.over(told) if token else told


def is_same(own: AuthorizationItem, command: Command, content: bytes) -> bool:
    """Whether the stored attempt answers this request; judged before quote, clock and rules.

    Args:
        own: The latest attempt under the reference.
        command: Of the request.
        content: 8-byte hash of what makes the order the same order.

    Raises:
        IdempotencyKeyReusedError: Its key came with another body.
        ReferenceInUseError: It lives and is another order.
    """
    if own.key == command.key:
        same_body(own.body, command)
        return True
    if state_of(own) in DEAD:
        return False
    if own.content != content:
        raise ReferenceInUseError(current_status=str(state_of(own)))
    return True


def _decided(
    intent: Intent, situation: Situation, call: Call, refusal: str | None
) -> tuple[AuthorizationItem, list[WriteSet]]:
    """The decision and all that it writes; nothing is written yet."""
    box = container()
    wall = box.clock.wall()
    token = intent.token
    if token is None:
        raise CustomerTokenInvalidError
    if token.quote != intent.pay_hash:
        raise QuoteTokenMismatchError
    require_unexpired(token, wall)
    require_fresh(intent.quote, wall)
    require_current(call.who, situation.keyring)
    product = find_product(intent.quote.product_id, intent.quote.product_version)
    verdict = verdict_on(intent, situation, product, refusal)
    number = situation.attempts[-1].attempt + 1 if situation.attempts else 1
    item = new_authorization(intent, token, product, verdict, line=situation.line, number=number)
    writes = [plan_new(item, taken)]
    if verdict.outcome in {Outcome.APPROVE, Outcome.HOLD} and situation.line is not None:
        uses = (token.nonce, intent.command.key)
        amount = intent.quote.amount_minor
        writes.append(plan_hold(situation.line, amount, uses, epoch_ms(wall), LineRefusedError))
    if verdict.outcome is Outcome.STEP_UP:
        writes.append(plan_step_up(item, intent.quote, box.clock.now(), intent.command, call.request_id))
    return item, writes


def verdict_on(intent: Intent, situation: Situation, product: PlanProduct, refusal: str | None) -> Verdict:
    """Judge the order by what was read.

    Args:
        intent: Verified.
        situation: Line and profile count.
        product: As quoted.
        refusal: Why the line refused the last write, if it did (see `hold_refusal`).
    """
    if refusal == "velocity":
        return Verdict(Outcome.DECLINE, RISK, b"")
    quote = intent.quote
    if intent.merchant.status != "live":
        return Verdict(Outcome.DECLINE, NOT_AVAILABLE, b"")
    if not allows(quote.category, quote.currency, quote.course):
        return Verdict(Outcome.DECLINE, SCENARIO_NOT_ALLOWED, b"")
    order = Order(
        amount_minor=quote.amount_minor,
        currency=quote.currency,
        category=quote.category,
        channel=quote.channel,
        term_count=product.terms.term_count,
        merchant_id=intent.merchant.id,
        zone=intent.merchant.zone,
        parties=intent.parties,
    )
    history = history_of(situation.profile, situation.terminal, intent.terminal, quote.currency)
    clock = container().clock
    return decide(order, situation.line, history, rules=live(), now=clock.now(), wall=clock.wall())


def history_of(profile: ProfileItem | None, seen: TerminalItem | None, terminal: int, currency: str) -> History:
    """What is remembered of those who take part.

    Args:
        profile: The customer's, as read.
        seen: The terminal's item, as read.
        terminal: Which.
        currency: Of the order.
    """
    today = int(container().clock.wall().timestamp()) // DAY_S
    return History(
        profile=profile.profile() if profile else RiskProfile(),
        lists=profile.lists_on(today) if profile else (),
        terminal=whole_history(terminal, seen),
        merchant=seen.merchant(currency) if seen else MerchantFacts(),
    )


def new_authorization(
    intent: Intent, token: CustomerToken, product: PlanProduct, verdict: Verdict, *, line: LineItem | None, number: int
) -> AuthorizationItem:
    """The decided attempt at an order, as it will be written.

    Args:
        intent: Verified.
        token: Who pays, by which line, and what she accepted.
        product: As quoted.
        verdict: What was decided.
        line: As read; its grade, zone and language go into the plan.
        number: Which attempt at the reference this is, from 1.

    Raises:
        ReferenceInUseError: The order was tried too often.
    """
    box, quote = container(), intent.quote
    if number > MAX_ATTEMPTS:
        raise ReferenceInUseError(f"an order is tried at most {MAX_ATTEMPTS} times")
    now = box.clock.now()
    status = _STATUS[verdict.outcome]
    item = AuthorizationItem(
        pk=first_attempts(box.secrets.key("ids"), intent.merchant.id, intent.reference, 1, number)[0],
        merchant=id_bytes(intent.merchant.id),
        customer=id_bytes(token.customer_id),
        alias=token.alias if status is not Status.DECLINED else None,
        reference=intent.reference,
        attempt=number,
        status=status_code(status),
        amount=quote.amount_minor,
        currency=quote.currency,
        product=product.id,
        product_version=product.version,
        grade=product.applied_grade(quote.price_bps, line.grade if line else None, personal=quote.alias is not None),
        bill_day=quote.bill_day or None,
        category=quote.category,
        channel=quote.channel,
        zone=line.zone if line else None,
        language=line.language if line else None,
        created_at_ms=epoch_ms(now),
        expires_at_ms=epoch_ms(now + SCENARIOS[quote.category].life),
        decline_code=verdict.decline_code,
        key=intent.command.key,
        body=intent.command.body,
        content=intent.content,
        agreement=token.agreement or None,
        decision=verdict.record or None,
        parties=intent.parties.pack(),
    )
    item.tell(now, intent.request_id, Pending(f"authorization.{status}"))
    return item


def taken(_: RawItem | None) -> Exception:
    """What a create of an authorization raises that found its attempt there."""
    return AttemptTakenError()


def explained(raw: RawItem | None, intent: Intent) -> str:
    """Why the line refused; what is final is raised, the rest is decided again on a fresh read."""
    token = intent.token
    nonce = token.nonce if token else b""
    wall_ms = epoch_ms(container().clock.wall())
    reason = hold_refusal(raw, intent.quote.amount_minor, (nonce, intent.command.key), wall_ms)
    if reason == "used":
        line = LineItem.from_raw_data(dict(raw or {}))
        raise IdempotencyKeyReusedError if is_used(line, intent.command.key) else TokenUsedError
    return reason


__all__ = [
    "AttemptTakenError",
    "Intent",
    "LineRefusedError",
    "ReferenceInUseError",
    "Situation",
    "authorize",
    "content_of",
    "explained",
    "is_same",
    "new_authorization",
    "taken",
    "verdict_on",
]
