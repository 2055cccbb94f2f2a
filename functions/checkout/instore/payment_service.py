"""A payment at a till: the hot path of checkout.authorize_service, with a scanned code in the token's place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from functions.checkout.authorize_service import (
    AttemptTakenError,
    Intent,
    LineRefusedError,
    is_same,
    new_authorization,
    taken,
    verdict_on,
)
from functions.checkout.codes import enrolment, otp
from functions.checkout.codes.code import (
    CodeExpiredError,
    CodeInvalidError,
    CodeUsedError,
    PaymentCode,
    Proof,
    makers,
    past_makers,
    prove,
)
from functions.checkout.codes.code_service import is_known, maker_among
from functions.checkout.codes.device_service import code_keys
from functions.checkout.codes.guess_service import count_wrong, require_trusted
from functions.checkout.codes.guess_store import GuessItem
from functions.checkout.decision import NOT_AVAILABLE, Verdict
from functions.checkout.instore import tombstone
from functions.checkout.instore.awaited_store import plan_awaited
from functions.checkout.instore.choice import choose_product, needs_confirmation, status_of
from functions.checkout.instore.present import present_payment
from functions.checkout.instore.schemas import PaymentRequest
from functions.checkout.parties import parties_told
from functions.checkout.schemas import Device
from functions.checkout.situation import Payer, Situation, read_situation
from functions.checkout.tokens import CustomerToken, Quote
from functions.core.clock import epoch_ms, local_date
from functions.core.errors import IdempotencyKeyReusedError, UnavailableError
from functions.core.ids import keyed_hash
from functions.core.money import require_currency
from functions.credit.lines.store import CodeUse, LineItem, hold_refusal, is_used, plan_hold
from functions.lending.products.plan_product import PlanProduct
from functions.lending.products.service import product_book
from functions.merchants.keyring import require_current
from functions.merchants.merchant import Merchant
from functions.merchants.service import get_merchant
from functions.payments.authorization import Status
from functions.payments.parties import Parties
from functions.payments.service import wait
from functions.payments.store import AuthorizationItem, plan_new, state_of, status_code
from functions.payments.till import CodeEvidence
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import WriteSet, commit
from functions.platform.web.context import Call, Command
from functions.risk.counting.observing import terminal_of
from functions.risk.ruling.outcomes import Outcome

_TRIES: Final = 5
_CHANNEL: Final = "in_store"
_HASH_BYTES: Final = 8


class _LookAgainError(Exception):
    """A read that may be a moment old does not know the code; a consistent one decides."""


@dataclass(frozen=True, slots=True)
class Sale:
    """What the till asks, and who made the code as far as its digits say.

    Args:
        category: Scenario.
        parties: The till and the phone.
        proof: Who made the code; None where that is not known, or not looked for yet.
        fresh: Whether it was made in the present step or a neighbour.
        content: 8-byte hash of what makes the sale the same sale: the customer is part of it, the code is not.
    """

    body: PaymentRequest
    merchant: Merchant
    category: str
    code: PaymentCode
    proof: Proof | None
    fresh: bool
    content: bytes
    parties: Parties
    command: Command
    request_id: str

    @property
    def payer(self) -> Payer | None:
        return Payer(self.proof.alias, terminal_of(self.merchant.id, self.parties)) if self.proof else None


def pay(body: PaymentRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Decide one sale and hold its amount.

    Returns:
        The payment (approved, held, declined or awaiting the phone), and whether it is the same one again.

    Raises:
        CodeMisreadError, CodeInvalidError, CodeExpiredError, CodeUsedError: Nothing is written but a wrong guess.
        TooManyWrongCodesError: This till, or its merchant, has guessed too often.
        ReferenceInUseError: A live sale of other content has this reference.
        IdempotencyKeyReusedError: The key was used for another request.
        ProductNotOfferedError, UnsupportedCurrencyError, CurrencyNotAcceptedError: The sale can't be financed so.
        UnavailableError: Too many others were faster; nothing is written.
    """
    sale = _sale(body, call)
    refusal: str | None = None
    for attempt in range(_TRIES):
        seen = _read(sale, consistent=attempt > 0)
        own = seen.attempts[-1] if seen.attempts else None
        if own is not None and sale.proof is None:
            sale = _as_asked_before(sale, own)
        if own is not None and is_same(own, sale.command, sale.content):
            return present_payment(own), True
        require_current(call.who, seen.keyring)
        try:
            item, writes = _decided(sale, seen, refusal, final=attempt > 0)
            commit(container().tables, *writes)
        except AttemptTakenError:
            continue
        except _LookAgainError:
            maker = maker_among(makers(code_keys(), sale.code, _step()))
            sale = _with_proof(sale, maker, fresh=True) if maker else sale
            continue
        except LineRefusedError as conflict:
            refusal = _explained(conflict.raw, sale)
            continue
        count(f"in_store_{state_of(item)}")
        return present_payment(item), False
    raise UnavailableError("the line is busy", retry_after_s=1)


def _sale(body: PaymentRequest, call: Call) -> Sale:
    require_currency(body.currency)
    merchant, code = get_merchant(call.who.id), PaymentCode.parse(body.code)
    proof = prove(code_keys(), code, _step())
    category = body.category or merchant.categories[0]
    sale = Sale(
        body=body,
        merchant=merchant,
        category=category,
        code=code,
        proof=None,
        fresh=False,
        content=b"",
        parties=Parties(),
        command=call.command(),
        request_id=call.request_id,
    )
    return _with_proof(sale, proof, fresh=proof is not None)


def _with_proof(sale: Sale, proof: Proof | None, *, fresh: bool) -> Sale:
    body, who = sale.body, proof.alias if proof else ""
    facts = (body.amount_minor, body.currency, sale.category, _CHANNEL, body.product_id or "", body.terminal_id)
    return replace(
        sale,
        proof=proof,
        fresh=fresh,
        content=keyed_hash(b"content", *facts, who, size=_HASH_BYTES),
        parties=_parties(body, sale.merchant, proof),
    )


def _step() -> int:
    return otp.counter_at(container().clock.wall())


def _past_makers(sale: Sale) -> Iterator[Proof]:
    """Who may have made it in the last ten minutes; costs milliseconds, so it is asked for only where it matters."""
    return past_makers(code_keys(), sale.code, _step())


def _as_asked_before(sale: Sale, own: AuthorizationItem) -> Sale:
    """The sale under the maker with whom it is the stored one again: the customer is part of the content."""
    all_of_them = (_with_proof(sale, each, fresh=False) for each in _past_makers(sale))
    return next((each for each in all_of_them if each.content == own.content), sale)


def _parties(body: PaymentRequest, merchant: Merchant, proof: Proof | None) -> Parties:
    """The till, where it stands, and the phone that made the code, as the risk checks know them."""
    phone = proof.enrolment if proof and proof.enrolment != enrolment.OURS else None
    device = Device(id=f"till-phone-{proof.alias}-{phone}") if proof and phone else None
    return parties_told(device=device, shop=body.terminal_id, place=body.place, of=merchant.id)


def _read(sale: Sale, *, consistent: bool) -> Situation:
    guesses = (GuessItem, keys.guesses(sale.merchant.id), keys.SELF)
    return read_situation(
        sale.merchant.id, sale.body.reference, sale.payer, consistent=consistent, first=1, also=(guesses,)
    )


def _decided(
    sale: Sale, seen: Situation, refusal: str | None, *, final: bool
) -> tuple[AuthorizationItem, list[WriteSet]]:
    """The decision and all that it writes; nothing is written yet but, of a wrong code, the guess."""
    box = container()
    now, wall = box.clock.now(), box.clock.wall()
    number = seen.attempts[-1].attempt + 1 if seen.attempts else 1
    if any(tombstone.is_fresh(each, now) for each in seen.attempts):
        stone = tombstone.refusal(sale.merchant.id, sale.body, sale.category, number, sale.command, sale.content)
        return stone, [plan_new(stone, taken)]
    (guesses,) = seen.also
    require_trusted(guesses if isinstance(guesses, GuessItem) else None, sale.body.terminal_id, wall)
    proof, line = _payer(sale, seen.line, final=final)
    sale.merchant.require_sells(sale.body.currency, sale.category, sale.body.amount_minor)
    product = _product(sale, line, now)
    intent, token = _as_intent(sale, line, product, wall)
    verdict = _verdict(intent, seen, product, line, refusal)
    confirm = needs_confirmation(sale.body.amount_minor, product, line, verdict.outcome, wall)
    status = status_of(verdict.outcome, confirm=confirm)
    item = new_authorization(intent, token, product, verdict, line=line, number=number)
    _place(item, sale, line, status, CodeEvidence(proof.enrolment, proof.counter, confirm=confirm))
    if status is Status.DECLINED:
        item.tell(now, sale.request_id, Pending(f"authorization.{status}"))
        return item, [plan_new(item, taken)]
    item.decline_code = None
    item.tell(now, sale.request_id, Pending(f"authorization.{status}"), *wait(item, now))
    hold = plan_hold(line, item.amount, _uses(sale), epoch_ms(wall), LineRefusedError, _code_use(proof, line))
    return item, [plan_new(item, taken), hold, *([plan_awaited(item, wall)] if confirm else [])]


def _payer(sale: Sale, line: LineItem | None, *, final: bool) -> tuple[Proof, LineItem]:
    """Who pays, if the line still knows the device and the alias.

    Raises:
        CodeInvalidError: Nobody's; or of a device that was removed, an alias that was renewed. All look alike.
        CodeExpiredError, CodeUsedError: It was somebody's.
        IdempotencyKeyReusedError: It is used, and the command's key with it, for another payment.
    """
    proof = sale.proof if sale.fresh else None
    if proof is None or line is None or not is_known(proof, line):
        if proof is not None and not final:
            raise _LookAgainError
        if maker_among(_past_makers(sale)):
            raise CodeExpiredError
        count_wrong(sale.code, sale.merchant.id, sale.body.terminal_id)
        raise CodeInvalidError
    if (line.last_counter or 0) >= proof.counter:
        raise IdempotencyKeyReusedError if is_used(line, sale.command.key) else CodeUsedError
    return proof, line


def _product(sale: Sale, line: LineItem, now: datetime) -> PlanProduct:
    """Raises ProductNotOfferedError."""
    body, on = sale.body, local_date(now, sale.merchant.zone)
    offers = product_book().offers_for(body.currency, sale.category, _CHANNEL, None, body.amount_minor, on)
    return choose_product(offers, line, body.product_id)


def _as_intent(sale: Sale, line: LineItem, product: PlanProduct, wall: datetime) -> tuple[Intent, CustomerToken]:
    """The sale as the hot path knows an order: at her own price, agreed to by the code."""
    own = product.prices.get(line.grade)
    quote = Quote(
        merchant_id=sale.merchant.id,
        amount_minor=sale.body.amount_minor,
        currency=sale.body.currency,
        category=sale.category,
        channel=_CHANNEL,
        product_id=product.id,
        product_version=product.version,
        price_bps=own.bps if own else product.plan.pricing.bps,
        alias=line.alias if own else None,
        expires_at=wall,
    )
    token = CustomerToken(_CHANNEL, line.customer_id, sale.merchant.id, line.alias, wall)
    intent = Intent(
        merchant=sale.merchant,
        reference=sale.body.reference,
        quote=quote,
        token=token,
        pay_hash=b"",
        content=sale.content,
        parties=sale.parties,
        command=sale.command,
        request_id=sale.request_id,
    )
    return intent, token


def _verdict(intent: Intent, seen: Situation, product: PlanProduct, line: LineItem, refusal: str | None) -> Verdict:
    if line.grade not in product.prices:
        return Verdict(Outcome.DECLINE, NOT_AVAILABLE, b"")
    return verdict_on(intent, seen, product, refusal)


def _place(item: AuthorizationItem, sale: Sale, line: LineItem, status: Status, evidence: CodeEvidence) -> None:
    """What a sale at a till has beside an order: its terminal, the shop's day, and the code as proof of consent."""
    created_at = datetime.fromtimestamp(item.created_at_ms / 1000, tz=UTC)
    item.status = status_code(status)
    item.alias = None if status is Status.DECLINED else line.alias
    item.terminal = sale.body.terminal_id
    item.sold_on = local_date(created_at, sale.merchant.zone).toordinal()
    item.code = evidence.pack()


def _code_use(proof: Proof, line: LineItem) -> CodeUse:
    ours = proof.enrolment == enrolment.OURS
    return CodeUse(proof.counter, ours, line.devices, line.alias_turn)


def _uses(sale: Sale) -> tuple[bytes, bytes]:
    return keyed_hash(b"code", str(sale.code), size=_HASH_BYTES), sale.command.key


def _explained(raw: RawItem | None, sale: Sale) -> str:
    """Why the line refused; what is final is raised, the rest is decided again on a fresh read."""
    if sale.proof is None or raw is None:
        return "none"
    line, wall_ms = LineItem.from_raw_data(dict(raw)), epoch_ms(container().clock.wall())
    reason = hold_refusal(raw, sale.body.amount_minor, _uses(sale), wall_ms, _code_use(sale.proof, line))
    if reason in {"used", "code_used"}:
        raise IdempotencyKeyReusedError if is_used(line, sale.command.key) else CodeUsedError
    return reason
