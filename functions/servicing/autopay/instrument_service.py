"""Use cases of instruments and mandates: add, list, remove, allow collection."""

from __future__ import annotations

from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import derived_id, id_bytes, keyed_hash, require_id
from functions.core.money import require_currency
from functions.customers.service import sealer_of
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call
from functions.servicing.autopay.schemas import AutopayRequest, InstrumentRequest
from functions.servicing.autopay.store import (
    INSTRUMENT_PREFIX,
    MAX_INSTRUMENTS,
    InstrumentItem,
    MandateItem,
    instruments_of,
    mandates_of,
    plan_instrument,
    plan_mandate_gone,
    plan_removal,
    plan_state,
)

_SEALED_AS: Final = "instrument"
_BETWEEN: Final = str.maketrans("", "", " -")
_LAST: Final = 4
_TRIES: Final = 4
_SHORTEST, _LONGEST = 8, 34


class InvalidNumberError(InvalidError):
    code, title = "invalid_number", "This is no bank account or card number"


class InstrumentExistsError(ConflictError):
    code, title = "instrument_exists", "This account is known already"


class TooManyInstrumentsError(ConflictError):
    code, title = "too_many_instruments", "There are as many accounts as one customer may have"


class InstrumentInUseError(ConflictError):
    code, title = "instrument_in_use", "A mandate names this account; take it back first"


def normal_number(text: str) -> str:
    """An account number in upper case without blanks and hyphens.

    Raises:
        InvalidNumberError: Not 8 to 34 letters and digits; never repeats them.

    Source: ISO 13616 (an IBAN has at most 34 characters).
    """
    number = text.translate(_BETWEEN).upper()
    if not (number.isascii() and number.isalnum() and _SHORTEST <= len(number) <= _LONGEST):
        detail = "8 to 34 letters and digits"
        raise InvalidNumberError(detail, errors=(FieldError("/number", "invalid_format", detail),))
    return number


def add_instrument(body: InstrumentRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Remember an account that a customer pays from.

    Returns:
        The account, and whether it is the same one again.

    Raises:
        InvalidNumberError: No account number.
        InstrumentExistsError: Known already; carries its id.
        TooManyInstrumentsError: Ten are there.
    """
    box, command, customer_id = container(), call.command(), call.who.id
    name = derived_id(INSTRUMENT_PREFIX, box.secrets.key("ids"), command.scope)
    known = instruments_of(customer_id)
    own = next((each for each in known if each.id == name), None)
    if own is not None:
        same_body(own.body, command)
        return present_instrument(own), True
    number = normal_number(body.number)
    fingerprint = keyed_hash(box.secrets.key("lookup"), "instrument", customer_id, number)
    twin = next((each for each in known if each.fingerprint == fingerprint), None)
    if twin is not None:
        raise InstrumentExistsError(instrument_id=twin.id)
    if len(known) >= MAX_INSTRUMENTS:
        raise TooManyInstrumentsError(f"at most {MAX_INSTRUMENTS}")
    item = InstrumentItem(
        pk=customer_id,
        sk=keys.instrument(name),
        number=sealer_of(customer_id).seal(f"{_SEALED_AS}:{name}", number),
        last4=number[-_LAST:],
        bank=body.bank,
        fingerprint=fingerprint,
        created_at_ms=epoch_ms(box.clock.now()),
        key=command.key,
        body=command.body,
    )
    try:
        commit(box.tables, plan_instrument(item))
    except ConditionFailedError as error:
        same_body(InstrumentItem.from_raw_data(dict(error.item or {})).body, command)
        return present_instrument(item), True
    return present_instrument(item), False


def list_instruments(customer_id: str) -> dict[str, Any]:
    """A customer's accounts, oldest first."""
    found = sorted(instruments_of(customer_id), key=lambda item: (item.created_at_ms, item.sk))
    return {"data": [present_instrument(item) for item in found]}


def list_mandates(customer_id: str) -> list[dict[str, Any]]:
    """A customer's mandates, given or taken back."""
    return [present_autopay(item.currency, item) for item in mandates_of(customer_id)]


def remove_instrument(name: str, call: Call) -> dict[str, Any]:
    """Forget an account.

    Raises:
        NotFoundError: Not there, or another customer's.
        InstrumentInUseError: A mandate names it.
    """
    item = own_instrument(name, call.who.id)
    if any(mandate.enabled and mandate.instrument_id == item.id for mandate in mandates_of(call.who.id)):
        raise InstrumentInUseError
    try:
        commit(container().tables, plan_removal(item))
    except ConditionFailedError:
        raise NotFoundError from None
    return present_instrument(item)


def plan_forgotten_accounts(customer_id: str) -> WriteSet:
    """Forget all accounts and mandates of a customer, last digits and banks too.

    Raises (at commit):
        ConditionFailedError: One was removed meanwhile.
    """
    accounts = WriteSet.union(plan_removal(item) for item in instruments_of(customer_id))
    return accounts + WriteSet.union(plan_mandate_gone(item) for item in mandates_of(customer_id))


def own_instrument(name: str, customer_id: str) -> InstrumentItem:
    """A customer's own account.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    place = keys.instrument(require_id(INSTRUMENT_PREFIX, name))
    item: InstrumentItem | None = container().tables.get(InstrumentItem, customer_id, place, consistent=True)
    if item is None:
        raise NotFoundError
    return item


def account_of(item: InstrumentItem) -> str:
    """The account's number in clear, for the rail.

    Raises:
        NotFoundError: The customer was erased.
        UnavailableError: The key service does not answer.
    """
    return open_number(item.pk, item.id, item.number)


def open_number(customer_id: str, instrument_id: str, sealed: bytes) -> str:
    """The number of an account that may not be there any more, in clear, from what was sealed with it.

    Raises:
        NotFoundError: The customer was erased.
        UnavailableError: The key service does not answer.
    """
    number: str = sealer_of(customer_id).open(f"{_SEALED_AS}:{instrument_id}", sealed)
    return number


def mandate_of(customer_id: str, currency: str) -> MandateItem | None:
    """A customer's mandate in a currency, given or taken back; None where there never was one."""
    found: MandateItem | None = container().tables.get(
        MandateItem, customer_id, keys.autopay(currency), consistent=True
    )
    return found


def set_autopay(body: AutopayRequest, call: Call) -> dict[str, Any]:
    """Give or take back the mandate to collect what falls due; the last word counts.

    Raises:
        NotFoundError: The account is not the customer's.
        UnavailableError: Somebody else kept changing it.
    """
    box = container()
    require_currency(body.currency)
    instrument = own_instrument(body.instrument_id, call.who.id).id if body.instrument_id else None
    for _ in range(_TRIES):
        item = mandate_of(call.who.id, body.currency)
        seen = item.version if item else 0
        given = MandateItem(
            pk=call.who.id,
            sk=keys.autopay(body.currency),
            version=seen + 1,
            enabled=body.enabled,
            instrument=id_bytes(instrument) if instrument else None,
            limit=body.limit_minor,
            agreed_at_ms=epoch_ms(box.clock.now()),
            asked=item.asked if item else None,
        )
        try:
            commit(box.tables, plan_state(given, seen))
        except ConditionFailedError:
            continue
        return present_autopay(body.currency, given)
    raise UnavailableError("the mandate is busy", retry_after_s=1)


def read_autopay(customer_id: str, currency: str) -> dict[str, Any]:
    """A customer's mandate.

    Raises:
        UnsupportedCurrencyError: There is no such currency.
    """
    return present_autopay(require_currency(currency), mandate_of(customer_id, currency))


def present_instrument(item: InstrumentItem) -> dict[str, Any]:
    """An account as its customer sees it."""
    return {
        "id": item.id,
        "object": "instrument",
        "kind": "bank_account",
        "last4": item.last4,
        "bank": item.bank,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
    }


def present_autopay(currency: str, item: MandateItem | None) -> dict[str, Any]:
    """A mandate as its customer sees it."""
    return {
        "object": "autopay",
        "currency": currency,
        "enabled": item.enabled if item else False,
        "instrument_id": item.instrument_id if item else None,
        "limit_minor": item.limit if item else None,
        "agreed_at": isoformat(from_epoch_ms(item.agreed_at_ms)) if item else None,
    }
