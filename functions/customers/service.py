"""Use cases of customers: register, verify, read, consent, and what other slices may ask about a customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, isoformat, local_date
from functions.core.errors import ConflictError, NotFoundError
from functions.core.ids import derived_id, require_id
from functions.customers import consents, details, identity, magic, store
from functions.customers.customer import Contact, Customer, Profile
from functions.customers.identity import FAILED, PENDING, VERIFIED, Identity
from functions.customers.passkeys.store import passkeys_of, plan_forget
from functions.customers.ports import Applicant, IdentityCheckTimeoutError
from functions.customers.schemas import SignUp
from functions.customers.store import (
    AlreadyRegisteredError,
    ContactItem,
    CustomerItem,
    DocumentItem,
    LineExistsError,
    as_customer,
)
from functions.platform.container import Container, container
from functions.platform.crypto import Sealer
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call, Command
from functions.platform.web.started import begin

FAILED_KEPT: Final = timedelta(days=30)
"""How long someone who failed the identity check is remembered."""


class IdentityDecidedError(ConflictError):
    code, title = "identity_decided", "The identity check has its result"


def register(body: SignUp, call: Call) -> tuple[Customer, bool]:
    """Sign somebody up: check who they are, then remember them.

    Returns:
        The customer, and whether it is the same one again.

    Raises:
        AlreadyRegisteredError: The phone is taken, or a person who passed the check is known by their document.
        InProgressError: The same request is waiting for the identity provider.
    """
    box, command = container(), call.command()
    body = _normal(body, box.clock.now())
    applicant = body.applicant()
    # anonymous callers share one scope: the phone tells them apart
    customer_id = derived_id(store.PREFIX, box.secrets.key("ids"), command.scope, applicant.phone)
    phone_hash = store.phone_hash(box.secrets.key("lookup"), applicant.phone)
    own, contact = box.tables.batch_get(
        [(CustomerItem, customer_id, keys.SELF), (ContactItem, keys.contact(phone_hash.hex()), keys.SELF)],
        consistent=True,
    )
    if own is not None:
        return _replayed(own, command)
    if contact is not None and contact.status != FAILED:
        raise AlreadyRegisteredError
    try:
        with begin(box.tables, customer_id, command, box.clock.wall(), store.unknown(customer_id)) as started:
            item = _new_item(box, customer_id, applicant, body, command)
            item.tell(box.clock.now(), call.request_id, Pending("customer.created"))
            new = store.plan_new(item, consents.unpack(item.consents), box.clock.now())
            commit(box.tables, new, started.done())
    except ConditionFailedError as error:
        return _replayed(CustomerItem.from_raw_data(dict(error.item or {})), command)
    count(f"Customer_{item.status}")
    return _view(item), False


def _replayed(item: CustomerItem, command: Command) -> tuple[Customer, bool]:
    same_body(item.body, command)
    return _view(item), True


def _normal(body: SignUp, now: datetime) -> SignUp:
    """The details in the one form in which they are compared and kept; refused before anybody is asked."""
    country = details.require_country(body.country)
    kind = body.document_type or (details.RESIDENT_ID if country == details.CHINA else details.NATIONAL_ID)
    zone = details.require_zone(body.zone)
    return body.model_copy(
        update={
            "name": details.normal_name(body.name),
            "phone": details.normal_phone(body.phone, country),
            "document_type": kind,
            "document_number": details.normal_document(kind, body.document_number),
            "birth_on": details.require_past(body.birth_on, local_date(now, zone)),
            "email": details.normal_email(body.email) if body.email else None,
        }
    )


def _new_item(box: Container, customer_id: str, applicant: Applicant, body: SignUp, command: Command) -> CustomerItem:
    now, secret = box.clock.now(), box.secrets.key("lookup")
    today = local_date(now, body.zone)
    found = _identify(box, applicant, today, now)
    key, wrapped = box.key_wrapper.new_key(customer_id)
    personal = {
        "name": applicant.name,
        "phone": applicant.phone,
        "email": body.email,
        "document": [applicant.document_type, applicant.document_number],
        "born_on": applicant.born_on.isoformat(),
        "address": body.address,
    }
    item = CustomerItem(
        pk=customer_id,
        age=details.completed_years(applicant.born_on, today),
        country=applicant.country,
        zone=body.zone,
        language=body.language,
        consents=consents.pack(consents.answered({}, dict.fromkeys(body.consents, True), now)),
        magic=None if box.settings.is_live else magic.meaning_of(applicant.phone),
        wrapped_key=wrapped,
        phone_hash=store.phone_hash(secret, applicant.phone),
        document_hash=store.document_hash(
            secret, applicant.document_type, applicant.country, applicant.document_number
        ),
        key=command.key,
        body=command.body,
        created_at_ms=epoch_ms(now),
    )
    store.seal(item, Sealer(customer_id, key), personal)
    _decide(box, item, found)
    return item


def _identify(box: Container, applicant: Applicant, today: date, now: datetime) -> Identity:
    checks = identity.check_details(applicant, today)
    answer = None
    if all(checks.values()):
        try:
            answer = box.port("identity_check").check(applicant)
        except IdentityCheckTimeoutError:
            count("IdentityCheckTimeout")
    return identity.judge(checks, answer, now)


def _decide(box: Container, item: CustomerItem, found: Identity) -> None:
    item.status, item.identity = found.status, found.pack()
    item.ttl = int((box.clock.wall() + FAILED_KEPT).timestamp()) if found.status == FAILED else None


def check_identity_again(customer_id: str, call: Call) -> tuple[Customer, bool]:
    """Ask the identity provider once more about someone it did not answer about.

    Raises:
        IdentityDecidedError: There is a result.
    """
    box, command = container(), call.command()
    item = _loaded(customer_id)
    if is_replay(item.commands, command):
        return _view(item), True
    _require_pending(item)
    with begin(box.tables, customer_id, command, box.clock.wall(), store.unchanged(item)) as started:
        now = box.clock.now()
        found = _identify(box, _stored_applicant(item), local_date(now, item.zone), now)
        _commit_identity(item, found, command, call.request_id, started.done())
    return _view(item), False


def decide_identity(customer_id: str, reason: str, call: Call, *, accepted: bool) -> tuple[Customer, bool]:
    """A person's verdict on someone the provider did not answer about.

    Raises:
        IdentityDecidedError: There is a result.
    """
    command, now = call.command(), container().clock.now()
    item = _loaded(customer_id)
    if is_replay(item.commands, command):
        return _view(item), True
    _require_pending(item)
    found = identity.decided_by_staff(Identity.unpack(item.identity), call.who.id, reason, now, accepted=accepted)
    _commit_identity(item, found, command, call.request_id, WriteSet())
    return _view(item), False


def _require_pending(item: CustomerItem) -> None:
    if item.status != PENDING:
        raise IdentityDecidedError(current_status=item.status)


def _commit_identity(item: CustomerItem, found: Identity, command: Command, request_id: str, also: WriteSet) -> None:
    box = container()
    seen = item.version
    item.version = seen + 1
    item.commands = remember(item.commands, command)
    _decide(box, item, found)
    item.tell(box.clock.now(), request_id, Pending("customer.identity_decided"))
    commit(box.tables, store.plan_identity(item, seen), also)


def _stored_applicant(item: CustomerItem) -> Applicant:
    personal = _opened(item)
    kind, number = personal["document"]
    return Applicant(
        name=personal["name"],
        phone=personal["phone"],
        document_type=kind,
        document_number=number,
        born_on=date.fromisoformat(personal["born_on"]),
        country=item.country,
    )


def get_customer(customer_id: str) -> Customer:
    """A customer without personal data.

    Raises:
        NotFoundError: There is none, or it was erased.
    """
    return _view(_loaded(customer_id))


def get_profile(customer_id: str) -> Profile:
    """A customer's own data in clear, for the customer.

    Raises:
        NotFoundError: There is none, or it was erased.
        UnavailableError: The key service does not answer.
    """
    item = _loaded(customer_id)
    return Profile(_view(item), _opened(item))


def contact_of(customer_id: str) -> Contact:
    """How to reach a customer.

    Raises:
        NotFoundError: There is none, or it was erased.
        UnavailableError: The key service does not answer.
    """
    return contact_in(_loaded(customer_id))


def contact_key(customer_id: str) -> tuple[type[CustomerItem], str, str]:
    """What `contact_in` needs, for whoever reads other things with it."""
    return CustomerItem, customer_id, keys.SELF


def contact_in(item: CustomerItem) -> Contact:
    """How to reach a customer whose item is at hand.

    Raises:
        NotFoundError: It was erased.
        UnavailableError: The key service does not answer.
    """
    personal = _opened(item)
    return Contact(personal["phone"], personal.get("email"), personal["name"], item.language, item.zone)


def sealer_of(customer_id: str) -> Sealer:
    """What seals and opens what upper slices keep about a customer; erasing the customer makes it unreadable.

    Raises:
        NotFoundError: There is none, or it was erased.
        UnavailableError: The key service does not answer.
    """
    item = _loaded(customer_id)
    if item.wrapped_key is None:
        raise NotFoundError
    return Sealer(customer_id, container().key_wrapper.open_key(customer_id, item.wrapped_key))


def find_by_phone(phone: str) -> str | None:
    """The customer who has this phone, if anybody has.

    Args:
        phone: As typed; a Chinese mobile number may come without its country code.

    Raises:
        InvalidError: No phone number.
    """
    box = container()
    found = store.phone_hash(box.secrets.key("lookup"), details.normal_phone(phone))
    contact = box.tables.get(ContactItem, keys.contact(found.hex()), consistent=True)
    return contact.customer_id if contact else None


def answer_consents(customer_id: str, answers: Mapping[str, bool], call: Call) -> Customer:
    """Give or take back consents; those not named stay as they are."""
    box, item = container(), _loaded(customer_id)
    before = consents.unpack(item.consents)
    after = consents.answered(before, answers, box.clock.now())
    fresh = consents.changed(before, after)
    if fresh:
        seen = item.version
        item.version, item.consents = seen + 1, consents.pack(after)
        note = {code: answer.granted for code, answer in fresh.items()}
        item.tell(box.clock.now(), call.request_id, Pending("customer.consents_changed", note))
        commit(
            box.tables,
            store.plan_change(item, seen),
            store.plan_consent_change(item, fresh, box.clock.now()),
        )
    return _view(item)


def consent_history(customer_id: str) -> list[dict[str, Any]]:
    """Every answer a customer ever gave to a consent, oldest first."""
    items = store.consent_changes(container().tables, customer_id)
    return [
        {
            "code": code,
            "granted": answer.granted,
            "version": answer.version,
            "changed_at": isoformat(answer.at),
        }
        for item in items
        for code, answer in sorted(consents.unpack(item.answers).items())
    ]


def plan_line_alias(customer_id: str, currency: str, alias: int) -> WriteSet:
    """Remember the line that a customer has in a currency, together with whatever opens it.

    Raises (at commit):
        LineExistsError: There is one in that currency.
        NotFoundError: No such customer.
    """
    return store.plan_line_alias(customer_id, currency, alias)


def plan_erasure(customer_id: str, request_id: str) -> WriteSet:
    """Forget a person; the id and what is not personal stay as a tombstone.

    Raises:
        NotFoundError: There is none, or it was erased.
    """
    box, item = container(), _loaded(customer_id)
    seen = item.version
    item.version = seen + 1
    found_by = box.tables.batch_get(
        [
            (ContactItem, keys.contact(item.phone_hash.hex()), keys.SELF),
            (DocumentItem, keys.identity(item.document_hash.hex()), keys.SELF),
        ],
        consistent=True,
    )
    write = store.plan_erasure(item, seen, [one for one in found_by if one is not None])
    item.status, item.ttl = "erased", None
    item.tell(box.clock.now(), request_id, Pending("customer.erased"))
    return write + plan_forget(customer_id, passkeys_of(box.tables, customer_id, removed=True))


def _view(item: CustomerItem) -> Customer:
    return as_customer(item, container().clock.now())


def _loaded(customer_id: str) -> CustomerItem:
    item: CustomerItem | None = container().tables.get(
        CustomerItem, require_id(store.PREFIX, customer_id), consistent=True
    )
    if item is None or item.wrapped_key is None:
        raise NotFoundError
    return item


def _opened(item: CustomerItem) -> dict[str, Any]:
    if item.wrapped_key is None:
        raise NotFoundError
    sealer = Sealer(item.pk, container().key_wrapper.open_key(item.pk, item.wrapped_key))
    return store.open_sealed(item, sealer)


__all__ = [
    "VERIFIED",
    "AlreadyRegisteredError",
    "Contact",
    "Customer",
    "IdentityDecidedError",
    "LineExistsError",
    "Profile",
    "answer_consents",
    "check_identity_again",
    "consent_history",
    "contact_in",
    "contact_key",
    "contact_of",
    "decide_identity",
    "find_by_phone",
    "get_customer",
    "get_profile",
    "plan_erasure",
    "plan_line_alias",
    "register",
]
