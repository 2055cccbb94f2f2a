"""Authorizations as items (docs/data_model.md R1, R2, W1–W4) and the lists that a consumer projects from them.

The authorization's key is a keyed hash of merchant, reference and attempt, so the order's own number is the idempotency
of the order, and its public id is its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import ID_BYTES, derived_id, id_bytes, id_text
from functions.payments.authorization import Authorization, Status, Suspension
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import OnConflict, WriteSet, create, exists_already, replace
from functions.platform.web.commands import CommandsAttribute

_STATUS_CODE = {
    Status.APPROVED: "A",
    Status.HELD: "H",
    Status.DECLINED: "D",
    Status.PARTIALLY_CAPTURED: "P",
    Status.CAPTURED: "C",
    Status.VOIDED: "V",
    Status.EXPIRED: "E",
    Status.AWAITING_DOWN_PAYMENT: "W",
    Status.AWAITING_CONFIRMATION: "Q",
}
_STATUS = {code: status for status, code in _STATUS_CODE.items()}
MAX_DECISION_BYTES = 450
MAX_ATTEMPTS = 20
_SUSPENSION_BYTES = ID_BYTES + 16
KEY_BYTES = 8


class AuthorizationItem(State):
    """An authorization; at most 1,024 bytes with its event and its packed decision."""

    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    alias = IntegerAttribute(attr_name="al", null=True)
    reference = UnicodeAttribute(attr_name="r")
    attempt = IntegerAttribute(attr_name="n")
    status = UnicodeAttribute(attr_name="s")
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    captured = IntegerAttribute(attr_name="cp", null=True)
    released = IntegerAttribute(attr_name="rl", null=True)
    product = UnicodeAttribute(attr_name="p")
    product_version = IntegerAttribute(attr_name="pv")
    grade = UnicodeAttribute(attr_name="g")
    bill_day = IntegerAttribute(attr_name="bd", null=True)  # of a product that is due by bill
    category = UnicodeAttribute(attr_name="ca")
    channel = UnicodeAttribute(attr_name="ch")
    zone = UnicodeAttribute(attr_name="z", null=True)
    language = UnicodeAttribute(attr_name="l", null=True)
    created_at_ms = IntegerAttribute(attr_name="t")
    expires_at_ms = IntegerAttribute(attr_name="ex")
    extended = IntegerAttribute(attr_name="xt", null=True)
    suspension = BinaryAttribute(legacy_encoding=False, attr_name="su", null=True)
    decline_code = UnicodeAttribute(attr_name="dc", null=True)
    void_reason = UnicodeAttribute(attr_name="vo", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    content = BinaryAttribute(legacy_encoding=False, attr_name="ct")
    agreement = BinaryAttribute(legacy_encoding=False, attr_name="ah", null=True)
    checkout = BinaryAttribute(legacy_encoding=False, attr_name="ck", null=True)
    warned = IntegerAttribute(attr_name="wn", null=True)
    decision = BinaryAttribute(legacy_encoding=False, attr_name="dr", null=True)
    parties = BinaryAttribute(legacy_encoding=False, attr_name="pt", null=True)
    capture_keys = BinaryAttribute(legacy_encoding=False, attr_name="cs", null=True)
    commands = CommandsAttribute()
    terminal = UnicodeAttribute(attr_name="te", null=True)  # of a sale at a till, as are the next three
    due_at_ms = IntegerAttribute(attr_name="du", null=True)
    sold_on = IntegerAttribute(attr_name="so", null=True)  # the shop's day, as its ordinal
    code = BinaryAttribute(legacy_encoding=False, attr_name="pc", null=True)

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def capture_ids(self) -> tuple[bytes, ...]:
        """Command keys of the captures, oldest first; a capture's id is derived from its own."""
        raw = self.capture_keys or b""
        return tuple(raw[i : i + KEY_BYTES] for i in range(0, len(raw), KEY_BYTES))


@lru_cache(maxsize=64)  # read by it, then written under it
def authorization_id(secret: bytes, merchant_id: str, reference: str, attempt: int) -> str:
    """The public id of an attempt at an order."""
    return derived_id("auth", secret, id_bytes(merchant_id), reference, attempt)


def capture_id(secret: bytes, authorization: str, command_key: bytes) -> str:
    """The public id of a capture; its plan carries the same 128 bits."""
    return derived_id("cap", secret, id_bytes(authorization), command_key)


def plan_id(capture: str) -> str:
    """The plan born of a capture."""
    return id_text("plan", id_bytes(capture))


def to_value(item: AuthorizationItem) -> Authorization:
    """The item's state as the pure aggregate."""
    return Authorization(
        id=item.pk,
        status=_STATUS[item.status],
        version=item.version,
        amount_minor=item.amount,
        captured_minor=item.captured or 0,
        released_minor=item.released or 0,
        captures=len(item.capture_ids),
        created_at=from_epoch_ms(item.created_at_ms),
        expires_at=from_epoch_ms(item.expires_at_ms),
        extended=bool(item.extended),
        suspension=_suspension(item.suspension),
        decline_code=item.decline_code,
        void_reason=item.void_reason,
        warned=bool(item.warned),
    )


def state_of(item: AuthorizationItem) -> Status:
    """Its state alone."""
    return _STATUS[item.status]


def apply(item: AuthorizationItem, value: Authorization) -> None:
    """Write the aggregate's state into the item."""
    item.status = _STATUS_CODE[value.status]
    item.version = value.version
    item.captured = value.captured_minor or None
    item.released = value.released_minor or None
    item.expires_at_ms = epoch_ms(value.expires_at)
    item.extended = 1 if value.extended else None
    item.suspension = _packed(value.suspension)
    item.decline_code = value.decline_code
    item.void_reason = value.void_reason
    item.warned = 1 if value.warned else None


def status_code(status: Status) -> str:
    """One letter."""
    return _STATUS_CODE[status]


def _packed(suspension: Suspension | None) -> bytes | None:
    if suspension is None:
        return None
    since, until = epoch_ms(suspension.since_at), epoch_ms(suspension.until_at)
    return id_bytes(suspension.case_id) + since.to_bytes(8, "big") + until.to_bytes(8, "big")


def _suspension(raw: bytes | None) -> Suspension | None:
    if not raw:
        return None
    return Suspension(
        case_id=id_text("case", raw[:ID_BYTES]),
        since_at=from_epoch_ms(int.from_bytes(raw[ID_BYTES : ID_BYTES + 8], "big")),
        until_at=from_epoch_ms(int.from_bytes(raw[ID_BYTES + 8 : _SUSPENSION_BYTES], "big")),
    )


def plan_new(item: AuthorizationItem, on_conflict: OnConflict = exists_already) -> WriteSet:
    """W1: a new authorization, whose key nobody has taken."""
    if len(item.decision or b"") > MAX_DECISION_BYTES:
        raise ValueError(f"a packed decision has at most {MAX_DECISION_BYTES} bytes")
    return WriteSet.of(create(item, on_conflict))


def plan_change(item: AuthorizationItem, seen_version: int) -> WriteSet:
    """W2: an authorization's next state over the one that was read."""
    return WriteSet.of(replace(item, seen_version))


class AuthorizationRow(Item):
    """A row of a merchant's list of authorizations; written by the projector, fresh state is read by id."""

    authorization = BinaryAttribute(legacy_encoding=False, attr_name="a")


@dataclass(frozen=True, slots=True)
class RowKey:
    """Where a row stands: newest last, unique by id."""

    pk: str
    sk: str


def row_key(merchant_id: str, created_at_ms: int, authorization: str) -> RowKey:
    """Key of a list row."""
    return RowKey(keys.listing(merchant_id, "auth"), f"{created_at_ms:013d}#{authorization}")


def first_attempts(secret: bytes, merchant_id: str, reference: str, count: int, start: int = 1) -> Sequence[str]:
    """Ids of consecutive attempts."""
    return [authorization_id(secret, merchant_id, reference, n) for n in range(start, start + count)]
