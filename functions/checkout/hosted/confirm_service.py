"""Use case: a signed-in customer confirms an order on the hosted page. One read, a pure decision, one write.

The write holds the line, makes the authorization and closes the checkout, or does none of it; the challenge stands in
the checkout and goes with its state, so that no proof is good twice. The passkey's counter follows from the stream.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from functions.checkout.authorize_service import (
    AttemptTakenError,
    Intent,
    LineRefusedError,
    ReferenceInUseError,
    Situation,
    content_of,
    explained,
    new_authorization,
    taken,
    verdict_on,
)
from functions.checkout.checkout_store import CheckoutItem, plan_ask_step_up, plan_change, plan_try
from functions.checkout.decision import Verdict
from functions.checkout.hosted.confirmation import (
    CODE_TRIES,
    AgreementNotShownError,
    Bound,
    ConfirmationRefusedError,
    Shown,
    StepUpRequiredError,
    TooManyPurchasesError,
    code_of,
    needs_step_up,
)
from functions.checkout.hosted.offers_service import require_open, require_quote
from functions.checkout.hosted.schemas import ConfirmRequest
from functions.checkout.hosted.texts import CODES, say
from functions.checkout.parties import parties_told
from functions.checkout.token_service import AgreementChangedError
from functions.checkout.tokens import CustomerToken, Quote, QuoteInvalidError, TokenUsedError, open_quote, quote_hash
from functions.core.clock import epoch_ms
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import id_bytes, require_id
from functions.credit.lines.store import QUARTER_MS, LineItem, plan_hold
from functions.customers import magic
from functions.customers.passkeys.ceremony import PasskeyRefusedError
from functions.customers.passkeys.service import place_of, verify_answer
from functions.customers.passkeys.store import PasskeyItem
from functions.customers.service import get_customer
from functions.lending.products.service import find_product
from functions.merchants.service import get_merchant
from functions.payments.authorization import DEAD
from functions.payments.parties import Parties
from functions.payments.store import MAX_ATTEMPTS, AuthorizationItem, first_attempts, to_value
from functions.payments.store import plan_new as plan_authorization
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call, Command
from functions.risk.counting.observing import terminal_of
from functions.risk.counting.store import TerminalItem
from functions.risk.ruling.outcomes import Outcome
from functions.risk.store import ProfileItem

_TRIES: Final = 5
_NONCE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the customer asks, verified as far as the quote's signature goes."""

    checkout_id: str
    customer_id: str
    body: ConfirmRequest
    quote: Quote
    alias: int
    command: Command
    request_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the one read found."""

    item: CheckoutItem
    line: LineItem | None
    profile: ProfileItem | None
    terminal: TerminalItem | None
    passkey: PasskeyItem | None


@dataclass(frozen=True, slots=True)
class Proof:
    """How a confirmation was proved.

    Args:
        passkey: Which one signed, None for a code.
        counter: Of the authenticator that signed.
    """

    passkey: str | None = None
    counter: int = 0


def confirm(checkout_id: str, body: ConfirmRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Finance the order by the plan that was shown.

    Returns:
        What became of it (approved, held or declined), and whether it is the same answer again.

    Raises:
        NotFoundError: Not there, or another customer's.
        IdempotencyKeyReusedError: The key was used for another request.
        CheckoutStateError: It is confirmed already, cancelled or expired.
        QuoteInvalidError, QuoteExpiredError: Not one of her offers for this order, or too old.
        AgreementNotShownError, AgreementChangedError: Not what `begin` showed her last.
        StepUpRequiredError: A passkey or a code is needed; nothing is held.
        ConfirmationRefusedError: The proof is not good for exactly this order.
        ReferenceInUseError: The shop has this order financed already.
        TooManyPurchasesError: The line's own limit; says when.
        UnavailableError: Too many others were faster; nothing is written.
    """
    asked = _asked(checkout_id, body, call)
    refusal: str | None = None
    number: int | None = None
    for attempt in range(_TRIES):
        found = _read(asked)
        if is_replay(found.item.commands, asked.command):
            return _replayed(found.item, asked.command), True
        shown = _require_confirmable(asked, found)
        proof = _proof(asked, found, shown, counted=attempt == 0)
        verdict = _verdict(asked, found, shown, proof, refusal)
        try:
            number = number or (found.item.attempt or 0) + 1
            item = _commit(asked, found, shown, proof=proof, verdict=verdict, number=number)
        except AttemptTakenError:
            number = _next_attempt(found.item)
        except LineRefusedError as conflict:
            refusal = _explained(conflict.raw, asked, found, shown)
        except ConditionFailedError:
            continue
        else:
            count(f"confirmation_{to_value(item).status}")
            return _present(found.item, item), False
    raise UnavailableError("the checkout is busy", retry_after_s=1)


def _asked(checkout_id: str, body: ConfirmRequest, call: Call) -> Confirmation:
    command = call.command()
    quote = open_quote(container().secrets.key("quotes"), body.quote)
    if quote.alias is None:
        raise QuoteInvalidError
    return Confirmation(
        checkout_id=require_id("chk", checkout_id),
        customer_id=call.who.id,
        body=body,
        quote=quote,
        alias=quote.alias,
        command=command,
        request_id=call.request_id,
    )


def _read(asked: Confirmation) -> Found:
    """One BatchGet: the checkout, the line it is quoted for, its profile, the shop's, and the passkey that signed.

    Consistent, because what `begin` wrote may be a blink ago.
    """
    wanted: list[tuple[Any, str, str]] = [
        (CheckoutItem, asked.checkout_id, keys.SELF),
        (LineItem, keys.line(asked.alias), keys.SELF),
        (ProfileItem, keys.profile(asked.alias), keys.SELF),
        (TerminalItem, keys.terminal(terminal_of(asked.quote.merchant_id, Parties())), keys.SELF),
    ]
    if asked.body.assertion is not None:
        try:
            wanted.append((PasskeyItem, *place_of(asked.customer_id, asked.body.assertion)))
        except PasskeyRefusedError:
            raise ConfirmationRefusedError from None
    item, line, profile, terminal, *signer = container().tables.batch_get(wanted, consistent=True)
    if not isinstance(item, CheckoutItem) or item.customer_id not in {None, asked.customer_id}:
        raise NotFoundError
    passkey = signer[0] if signer else None
    return Found(
        item=item,
        line=line if isinstance(line, LineItem) else None,
        profile=profile if isinstance(profile, ProfileItem) else None,
        terminal=terminal if isinstance(terminal, TerminalItem) else None,
        passkey=passkey if isinstance(passkey, PasskeyItem) else None,
    )


def _require_confirmable(asked: Confirmation, found: Found) -> Shown:
    """What she was shown, if the order is open and it is that which she confirms."""
    item, wall = found.item, container().clock.wall()
    require_open(item)
    require_quote(item, asked.quote, wall)
    if found.line is not None and found.line.customer_id != asked.customer_id:
        raise QuoteInvalidError
    shown = Shown.unpack(item.shown) if item.shown else None
    if shown is None or shown.customer_id != asked.customer_id or shown.until <= wall:
        raise AgreementNotShownError
    if shown.quote != quote_hash(asked.body.quote):
        raise AgreementNotShownError
    if not hmac.compare_digest(shown.agreement.hex(), asked.body.agreement_hash):
        raise AgreementChangedError
    return shown


def _proof(asked: Confirmation, found: Found, shown: Shown, *, counted: bool) -> Proof | None:
    """The proof that was given, verified against the challenge of exactly this order; None if none was."""
    item, secret = found.item, container().secrets.key("confirmations")
    challenge = Bound(item.pk, item.merchant_id, item.amount, item.currency).challenge(secret, shown)
    given = {"passkey": asked.body.assertion, "code": asked.body.code}
    if any(proof is not None and method != shown.method for method, proof in given.items()):
        raise ConfirmationRefusedError(f"begin again with the proof you give; {shown.method or 'none'} was asked for")
    if asked.body.assertion is not None:
        try:
            counter = verify_answer(found.passkey, challenge, asked.body.assertion)
        except PasskeyRefusedError:
            raise ConfirmationRefusedError from None
        return Proof(found.passkey.passkey_id if found.passkey else None, counter)
    if asked.body.code is not None:
        if counted:
            commit(container().tables, plan_try(item, CODE_TRIES, _locked))
        if not _is_good(asked.body.code, code_of(secret, challenge), asked.customer_id):
            count("ConfirmationCodeRefused")
            raise ConfirmationRefusedError(tries_left=CODE_TRIES - (item.tries or 0) - 1)
        return Proof()
    return None


def _locked(_: RawItem | None) -> Exception:
    return ConfirmationRefusedError("too many wrong codes, or another plan was shown; begin again", tries_left=0)


def _is_good(given: str, code: str, customer_id: str) -> bool:
    if hmac.compare_digest(given, code):
        return True
    if container().settings.is_live or given != magic.MAGIC_CODE:
        return False
    return get_customer(customer_id).magic is not None


def _verdict(asked: Confirmation, found: Found, shown: Shown, proof: Proof | None, refusal: str | None) -> Verdict:
    """The decision; what risk only wants confirmed is approved when it is, and asked for when it is not."""
    item = found.item
    asked_by_risk = bool(item.stepped_up)
    if proof is None and needs_step_up(item.amount, item.currency, asked_by_risk=asked_by_risk):
        raise StepUpRequiredError
    intent = _intent(asked, item, shown)
    product = find_product(asked.quote.product_id, asked.quote.product_version)
    situation = Situation(attempts=(), line=found.line, profile=found.profile, terminal=found.terminal, keyring=None)
    verdict = verdict_on(intent, situation, product, refusal)
    if verdict.outcome is not Outcome.STEP_UP:
        return verdict
    if proof is None:
        commit(container().tables, plan_ask_step_up(item))
        raise StepUpRequiredError
    return replace(verdict, outcome=Outcome.APPROVE, decline_code=None)


def _intent(asked: Confirmation, item: CheckoutItem, shown: Shown) -> Intent:
    told = parties_told(device=asked.body.device, place=asked.body.place)
    return Intent(
        merchant=get_merchant(item.merchant_id),
        reference=item.reference,
        quote=asked.quote,
        token=_token(asked, shown),
        pay_hash=shown.quote,
        content=content_of(asked.quote, asked.customer_id),
        parties=told.over(replace(Parties.unpack(item.parties), shop=None)),
        command=asked.command,
        request_id=asked.request_id,
    )


def _token(asked: Confirmation, shown: Shown) -> CustomerToken:
    """Her consent, as a shop would have carried it; it never leaves this function's process."""
    return CustomerToken(
        purpose="pay",
        customer_id=asked.customer_id,
        merchant_id=asked.quote.merchant_id,
        alias=asked.alias,
        expires_at=shown.until,
        quote=shown.quote,
        agreement=shown.agreement,
        nonce=shown.nonce[:_NONCE_BYTES],
    )


def _commit(
    asked: Confirmation, found: Found, shown: Shown, *, proof: Proof | None, verdict: Verdict, number: int
) -> AuthorizationItem:
    """Write the authorization, the line and the checkout, or nothing."""
    box, item = container(), found.item
    token = _token(asked, shown)
    product = find_product(asked.quote.product_id, asked.quote.product_version)
    financed = new_authorization(_intent(asked, item, shown), token, product, verdict, line=found.line, number=number)
    financed.checkout = id_bytes(item.pk)
    writes = [plan_authorization(financed, taken)]
    seen, now, wall = item.version, box.clock.now(), box.clock.wall()
    item.version, item.attempt, item.authorization = seen + 1, number, id_bytes(financed.pk)
    item.shown, item.tries, item.outbox = None, None, None
    item.commands = remember(item.commands, asked.command)
    if verdict.outcome in {Outcome.APPROVE, Outcome.HOLD} and found.line is not None:
        uses = (token.nonce, asked.command.key)
        writes.append(plan_hold(found.line, item.amount, uses, epoch_ms(wall), LineRefusedError))
        item.status, item.customer, item.confirmed_at_ms = "confirmed", id_bytes(asked.customer_id), epoch_ms(wall)
        if proof is not None and proof.passkey is not None:
            item.passkey, item.passkey_count = id_bytes(proof.passkey), proof.counter
        item.tell(now, asked.request_id, Pending("checkout.confirmed"))
    commit(box.tables, *writes, plan_change(item, seen))
    return financed


def _next_attempt(item: CheckoutItem) -> int | None:
    """The number after the last attempt at this order; None if another hand has confirmed this checkout.

    Raises:
        ReferenceInUseError: The last attempt lives and is not of this checkout: the shop has financed the order.
    """
    last = _attempts(item)[-1]
    if to_value(last).status in DEAD:
        return last.attempt + 1
    if last.checkout != id_bytes(item.pk):
        raise ReferenceInUseError(current_status=str(to_value(last).status))
    return None


def _attempts(item: CheckoutItem) -> Sequence[AuthorizationItem]:
    box = container()
    ids = first_attempts(box.secrets.key("ids"), item.merchant_id, item.reference, MAX_ATTEMPTS)
    found = box.tables.batch_get([(AuthorizationItem, each, keys.SELF) for each in ids], consistent=True)
    return [each for each in found if isinstance(each, AuthorizationItem)]


def _replayed(item: CheckoutItem, command: Command) -> dict[str, Any]:
    """The answer that this very command got, from the attempt that it made."""
    own = next(each for each in _attempts(item) if each.key == command.key)
    return _present(item, own)


def _explained(raw: RawItem | None, asked: Confirmation, found: Found, shown: Shown) -> str:
    """Why the line refused; its own limit of purchases is the customer's rate limit."""
    try:
        reason = explained(raw, _intent(asked, found.item, shown))
    except TokenUsedError:
        raise AgreementNotShownError from None
    if reason == "velocity":
        left_ms = QUARTER_MS - epoch_ms(container().clock.wall()) % QUARTER_MS
        raise TooManyPurchasesError(retry_after_s=-(-left_ms // 1000))
    return reason


def _present(item: CheckoutItem, financed: AuthorizationItem) -> dict[str, Any]:
    value = to_value(financed)
    status = {"held": "held", "declined": "declined"}.get(str(value.status), "approved")
    code = value.decline_code if status == "declined" and value.decline_code in CODES else status
    return {
        "object": "confirmation",
        "checkout_id": item.pk,
        "status": status,
        "authorization_id": financed.pk,
        "amount_minor": financed.amount,
        "currency": financed.currency,
        "product_id": financed.product,
        "why": {"code": code, "text": say(code, financed.language or "en", financed.currency)},
    }
