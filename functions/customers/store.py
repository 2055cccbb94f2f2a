"""Customers as items: the customer, what finds them, and every answer to a consent.

Personal fields are sealed with the customer's own data key; what has to be looked up is a keyed hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, MapAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, local_date
from functions.core.errors import ConflictError, NotFoundError
from functions.core.ids import id_bytes, id_text, keyed_hash
from functions.customers import consents
from functions.customers.consents import Consents
from functions.customers.customer import Customer
from functions.customers.details import completed_years
from functions.customers.identity import FAILED, VERIFIED, Identity
from functions.platform.crypto import Sealer
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import Check, Delete, Put, Update, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

PREFIX: Final = "cus"
SEALED: Final = ("name", "phone", "email", "document", "born_on", "address")
"""Personal fields, in the order of the item."""


class AlreadyRegisteredError(ConflictError):
    code, title = "already_registered", "A customer with these details exists; sign in instead"


class LineExistsError(ConflictError):
    code, title = "line_exists", "The customer has a credit line in this currency"


class CustomerItem(State):
    """Whom we know; 900 bytes as a rule, at most 2 KiB."""

    status = UnicodeAttribute(attr_name="st")
    identity = UnicodeAttribute(attr_name="idn")
    age = IntegerAttribute(attr_name="ag")
    country = UnicodeAttribute(attr_name="co")
    zone = UnicodeAttribute(attr_name="zn")
    language = UnicodeAttribute(attr_name="lg")
    aliases: MapAttribute[str, int] = MapAttribute(attr_name="al", default=dict)  # type: ignore[no-untyped-call]
    consents = UnicodeAttribute(attr_name="cs", default="{}")
    magic = UnicodeAttribute(attr_name="mg", null=True)
    wrapped_key = BinaryAttribute(legacy_encoding=False, attr_name="wk", null=True)
    name = BinaryAttribute(legacy_encoding=False, attr_name="nm", null=True)
    phone = BinaryAttribute(legacy_encoding=False, attr_name="ph", null=True)
    email = BinaryAttribute(legacy_encoding=False, attr_name="em", null=True)
    document = BinaryAttribute(legacy_encoding=False, attr_name="dc", null=True)
    born_on = BinaryAttribute(legacy_encoding=False, attr_name="bo", null=True)
    address = BinaryAttribute(legacy_encoding=False, attr_name="ad", null=True)
    phone_hash = BinaryAttribute(legacy_encoding=False, attr_name="th")
    document_hash = BinaryAttribute(legacy_encoding=False, attr_name="dh")
    key = BinaryAttribute(legacy_encoding=False, attr_name="ck")
    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")
    commands = CommandsAttribute()
    created_at_ms = IntegerAttribute(attr_name="t")
    ttl = IntegerAttribute(attr_name="ttl", null=True)


class ContactItem(Item):
    """Finds the customer of a phone."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="cu")
    status = UnicodeAttribute(attr_name="st")
    ttl = IntegerAttribute(attr_name="ttl", null=True)

    @property
    def customer_id(self) -> str:
        return id_text(PREFIX, self.customer)


class DocumentItem(Item):
    """Claims a document for the verified person who showed it."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="cu")


class ConsentChangeItem(Item):
    """What was answered in one version of the customer; kept as proof."""

    answers = UnicodeAttribute(attr_name="cs")
    at_ms = IntegerAttribute(attr_name="t")


def as_customer(item: CustomerItem, now: datetime) -> Customer:
    """The item as a value, with the age of today.

    Args:
        item: As read.
        now: Business time.
    """
    created_at = from_epoch_ms(item.created_at_ms)
    since = completed_years(local_date(created_at, item.zone), local_date(now, item.zone))
    return Customer(
        id=item.pk,
        status=item.status,
        identity=Identity.unpack(item.identity),
        country=item.country,
        zone=item.zone,
        language=item.language,
        age=item.age + max(0, since),
        aliases={currency: int(alias) for currency, alias in item.aliases.as_dict().items()},  # type: ignore[no-untyped-call]
        consents=consents.unpack(item.consents),
        magic=item.magic,
        created_at=created_at,
        version=item.version,
    )


def phone_hash(secret: bytes, phone: str) -> bytes:
    """What finds a phone, given in E.164."""
    return keyed_hash(secret, "phone", phone)


def document_hash(secret: bytes, kind: str, country: str, number: str) -> bytes:
    """What finds a document, given in normal form."""
    return keyed_hash(secret, "document", kind, country, number)


def _registered(_: RawItem | None) -> Exception:
    return AlreadyRegisteredError()


def plan_new(item: CustomerItem, answers: Consents, at: datetime) -> WriteSet:
    """A new customer with what finds them.

    A phone is free when nobody has it, or when the one who had it failed the identity check: else whoever types a
    stranger's number first would keep the stranger out.

    Raises (at commit):
        ConditionFailedError: The same command has made it meanwhile; carries the item.
        AlreadyRegisteredError: The phone, or the document of a verified person, is taken.
    """
    free = Path("pk").does_not_exist() | (Path("st") == FAILED)
    return (
        WriteSet.of(create(item), Put(_contact(item), free, _registered))
        + _plan_claim(item)
        + plan_consent_change(item, answers, at)
    )


def unknown(customer_id: str) -> WriteSet:
    """Requires that there is no such customer yet.

    Raises (at commit):
        ConditionFailedError: There is; carries the item.
    """
    return WriteSet.of(Check(CustomerItem, customer_id, keys.SELF, Path("pk").does_not_exist()))


def unchanged(item: CustomerItem) -> WriteSet:
    """Requires that a customer is still as it was read.

    Raises (at commit):
        ConditionFailedError: It changed.
    """
    return WriteSet.of(Check(CustomerItem, item.pk, keys.SELF, Path("v") == item.version))


def plan_identity(item: CustomerItem, seen_version: int) -> WriteSet:
    """A customer whose identity was decided after all.

    Raises (at commit):
        ConditionFailedError: The customer changed meanwhile.
        AlreadyRegisteredError: The document is another verified person's.
    """
    own = Path("cu") == id_bytes(item.pk)
    return WriteSet.of(replace(item, seen_version), Put(_contact(item), own, _registered)) + _plan_claim(item)


def _contact(item: CustomerItem) -> ContactItem:
    return ContactItem(
        pk=keys.contact(item.phone_hash.hex()), customer=id_bytes(item.pk), status=item.status, ttl=item.ttl
    )


def _plan_claim(item: CustomerItem) -> WriteSet:
    """Only who passed the check claims a document: a failed try must not lock its owner out."""
    if Identity.unpack(item.identity).status != VERIFIED:
        return WriteSet()
    claim = DocumentItem(pk=keys.identity(item.document_hash.hex()), customer=id_bytes(item.pk))
    return WriteSet.of(create(claim, _registered))


def plan_consent_change(item: CustomerItem, answers: Consents, at: datetime) -> WriteSet:
    """The proof of what was answered in this version of the customer; nothing if nothing was."""
    if not answers:
        return WriteSet()
    proof = ConsentChangeItem(
        pk=item.pk, sk=keys.consent_change(item.version), answers=consents.pack(answers), at_ms=epoch_ms(at)
    )
    return WriteSet.of(create(proof))


def consent_changes(tables: Tables, customer_id: str) -> list[ConsentChangeItem]:
    """Every proof of an answer to a consent, oldest first."""
    found: list[ConsentChangeItem] = []
    start: RawItem | None = None
    while True:
        page, start = tables.query(
            ConsentChangeItem, customer_id, limit=100, sort=Path("sk").startswith(keys.CONSENTS), start=start
        )
        found += page
        if start is None:
            return found


def plan_change(item: CustomerItem, seen_version: int) -> WriteSet:
    """A customer over the version that was read."""
    return WriteSet.of(replace(item, seen_version))


def plan_line_alias(customer_id: str, currency: str, alias: int) -> WriteSet:
    """Remember the line that a customer has in a currency.

    Raises (at commit):
        LineExistsError: There is one in that currency.
        NotFoundError: No such customer.
    """
    place = Path(["al", currency])

    def refused(raw: RawItem | None) -> Exception:
        return LineExistsError(currency=currency) if raw else NotFoundError()

    return WriteSet.of(
        Update(
            CustomerItem,
            customer_id,
            keys.SELF,
            # the outbox goes with its version: what it told has been told
            (place.set(alias), Path("v").set(Path("v") + 1), Path("ob").remove()),
            Path("pk").exists() & place.does_not_exist(),
            refused,
        )
    )


def plan_erasure(item: CustomerItem, seen_version: int, found_by: Iterable[ContactItem | DocumentItem]) -> WriteSet:
    """Forget a person: the key that opens their fields, the fields, and what finds them. The id stays as tombstone.

    Args:
        item: As read; is changed.
        seen_version: Of it as read.
        found_by: The contact and the document as read; those that are another's by now are left alone.
    """
    owner = id_bytes(item.pk)
    own = [one for one in found_by if one.customer == owner]
    item.wrapped_key, item.magic, item.age = None, None, 0
    for field in SEALED:
        setattr(item, field, None)
    item.phone_hash, item.document_hash = bytes(len(item.phone_hash)), bytes(len(item.document_hash))
    return WriteSet.of(
        replace(item, seen_version), *(Delete(type(one), one.pk, keys.SELF, Path("cu") == owner) for one in own)
    )


def seal(item: CustomerItem, sealer: Sealer, personal: Mapping[str, Any]) -> None:
    """Put the personal fields that are there into the item, each sealed under its own name."""
    for field, value in personal.items():
        if value is not None:
            setattr(item, field, sealer.seal(field, value))


def open_sealed(item: CustomerItem, sealer: Sealer) -> dict[str, Any]:
    """The personal fields that are there, in clear."""
    return {field: sealer.open(field, value) for field in SEALED if (value := getattr(item, field)) is not None}
