"""Use cases of devices: enrol a phone that will make payment codes offline, list them, remove one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from functions.checkout.codes import alias as aliases
from functions.checkout.codes import enrolment, otp
from functions.checkout.codes.code import LENGTH, VERSION, CodeKeys
from functions.checkout.codes.device_store import DEVICES_OF, MAX_LISTED, PREFIX, DeviceItem, plan_change, plan_new
from functions.checkout.codes.schemas import DeviceRequest
from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import derived_id, require_id
from functions.credit.lines.codes import plan_devices
from functions.credit.lines.service import get_line
from functions.credit.lines.store import LineItem
from functions.customers.passkeys.ceremony import PasskeyRefusedError
from functions.customers.passkeys.service import require_proof
from functions.customers.passkeys.store import UsedBeforeError
from functions.customers.service import get_customer, sealer_of
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call
from functions.platform.web.pagination import page

SHOWN_AGAIN: Final = timedelta(minutes=10)
"""How long a retry of the same enrolment is told the secret again."""
_TRIES: Final = 4
ENROL: Final = "enrol_device"


class NoLineError(NotFoundError):
    code, title = "no_line", "There is no credit line in this currency"


def code_keys() -> CodeKeys:
    """The keys that codes are made and judged by."""
    secrets = container().secrets
    return CodeKeys(secrets.key("code_aliases"), secrets.key("devices"))


def own_line(customer_id: str, currency: str | None) -> LineItem:
    """A customer's line in a currency, or the only one there is; as it is now.

    Raises:
        NoLineError: None, or none in that currency.
    """
    found = get_customer(customer_id).aliases
    alias = found.get(currency or next(iter(sorted(found)), ""))
    line = get_line(alias, consistent=True) if alias is not None else None
    if line is None:
        raise NoLineError
    return line


def enrol_device(body: DeviceRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Let a phone make payment codes; its secret is told to it now and never again.

    Returns:
        The device with its secret, and whether it is the same one again.

    Raises:
        ProofRequiredError, PasskeyRefusedError: It has to be she who enrols it.
        NoLineError: There is nothing to pay from.
        TooManyDevicesError, DeviceNumbersUsedUpError: No number is free.
    """
    box, command = container(), call.command()
    device_id = derived_id(PREFIX, box.secrets.key("ids"), command.scope)
    for _ in range(_TRIES):
        known = box.tables.get(DeviceItem, call.who.id, keys.device(device_id), consistent=True)
        if known is not None:
            same_body(known.body, command)
            return _told_again(known), True
        proof = require_proof(ENROL, body.step_up, call)
        line = own_line(call.who.id, body.currency)
        number, slots = enrolment.enrolled(line.devices)
        item = DeviceItem(
            pk=call.who.id,
            sk=keys.device(device_id),
            version=1,
            alias=line.alias,
            currency=line.currency,
            enrolment=number,
            name=sealer_of(call.who.id).seal("device", body.name) if body.name else None,
            enrolled_at_ms=epoch_ms(box.clock.wall()),
            key=command.key,
            body=command.body,
        )
        item.tell(box.clock.now(), call.request_id, Pending("device.enrolled"))
        try:
            commit(box.tables, plan_new(item), plan_devices(line, slots), proof)
        except UsedBeforeError:
            raise PasskeyRefusedError from None
        except ConditionFailedError:
            continue
        return present_device(item, line, name=body.name) | _secret(item), False
    raise UnavailableError("the line is busy", retry_after_s=1)


def _told_again(item: DeviceItem) -> dict[str, Any]:
    fresh = container().clock.wall() - from_epoch_ms(item.enrolled_at_ms) < SHOWN_AGAIN
    shown = present_device(item, get_line(item.alias), name=_name(item))
    return shown | (_secret(item) if fresh and item.removed_at_ms is None else {})


def _secret(item: DeviceItem) -> dict[str, Any]:
    raw = code_keys().secret(item.alias, item.enrolment)
    return {"secret": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def list_devices(customer_id: str) -> dict[str, Any]:
    """The phones that may make codes, oldest first, each with the aliases it shows this month and the next ones."""
    found, _ = container().tables.query(DeviceItem, customer_id, limit=MAX_LISTED, sort=DEVICES_OF, consistent=True)
    there = sorted((each for each in found if each.removed_at_ms is None), key=lambda each: each.enrolled_at_ms)
    lines = {alias: get_line(alias) for alias in {each.alias for each in there}}
    names = _names(there)
    return page(there, None, lambda each: present_device(each, lines[each.alias], name=names.get(each.id)))


def remove_device(device_id: str, call: Call) -> dict[str, Any]:
    """Take a phone's right to pay away, at once; a removed one stays removed.

    Raises:
        NotFoundError: Not a device of this customer.
    """
    box = container()
    require_id(PREFIX, device_id)
    for _ in range(_TRIES):
        item = box.tables.get(DeviceItem, call.who.id, keys.device(device_id), consistent=True)
        if item is None:
            raise NotFoundError
        line = get_line(item.alias, consistent=True)
        if item.removed_at_ms is not None or line is None:
            return present_device(item, line, name=_name(item))
        item.version += 1
        item.removed_at_ms = epoch_ms(box.clock.wall())
        item.tell(box.clock.now(), call.request_id, Pending("device.removed"))
        gone = plan_devices(line, enrolment.removed(line.devices, item.enrolment))
        try:
            commit(box.tables, plan_change(item, item.version - 1), gone)
        except ConditionFailedError:
            continue
        return present_device(item, line, name=_name(item))
    raise UnavailableError("the line is busy", retry_after_s=1)


def _name(item: DeviceItem) -> str | None:
    return _names([item]).get(item.id)


def _names(items: Sequence[DeviceItem]) -> dict[str, str]:
    """What a customer calls the phones; the key is opened once, and only if one has a name."""
    named = [item for item in items if item.name is not None]
    sealer = sealer_of(named[0].pk) if named else None
    return {item.id: str(sealer.open("device", item.name)) for item in named} if sealer else {}


def present_device(item: DeviceItem, line: LineItem | None, *, name: str | None) -> dict[str, Any]:
    """A device as its customer sees it; a phone needs all of it but the name to make codes."""
    wall = container().clock.wall()
    return {
        "id": item.id,
        "object": "device",
        "status": "enrolled" if item.removed_at_ms is None else "removed",
        "name": name,
        "currency": item.currency,
        "number": item.number,
        "enrolled_at": isoformat(from_epoch_ms(item.enrolled_at_ms)),
        "codes": {
            "length": LENGTH,
            "version": VERSION,
            "algorithm": "SHA-256",
            "digits": otp.DIGITS,
            "period_s": otp.STEP_S,
            "check_digit": "damm",
        },
        "aliases": present_aliases(line, wall) if line is not None and item.removed_at_ms is None else [],
        "server_time": isoformat(wall),
        "secret": None,
    }


def present_aliases(line: LineItem, wall: datetime) -> list[dict[str, Any]]:
    """What codes of a line begin with, by month."""
    month = aliases.month_of(otp.counter_at(wall))
    return [
        {"alias": each.alias, "from": isoformat(each.from_at), "until": isoformat(each.until_at)}
        for each in aliases.calendar(code_keys().aliases, line.alias, month, line.alias_turn)
    ]
