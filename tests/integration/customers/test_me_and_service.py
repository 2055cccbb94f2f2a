"""A customer's own data, their consents, and what other slices may ask and plan."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from botocore.stub import Stubber

from functions.core.errors import NotFoundError, UnavailableError
from functions.customers import service
from functions.customers.api import blueprint
from functions.customers.consents import CONSENTS
from functions.customers.service import LineExistsError
from functions.customers.store import ConsentChangeItem
from functions.platform.observability import log
from functions.platform.storage.transactions import ConditionFailedError, commit
from tests.builders.api import Api
from tests.builders.customers import a_call, a_customer, phone, resident_id, sign_up

PERSON = {
    "name": "欧阳娜娜",
    "email": "nana.ouyang@example.com",
    "address": "北京市海淀区中关村大街 1 号",
    "birth_on": "1991-07-09",
}


@pytest.fixture
def api(platform):
    return Api(blueprint)


def test_a_customer_sees_their_own_data_in_clear(api, platform):
    body = sign_up(**PERSON)
    customer = a_customer(**body)
    reply = api.get("/v1/me", token=platform.customer_token(customer.id))
    assert reply.status == 200
    assert {name: reply[name] for name in ("name", "email", "address", "birth_on")} == PERSON
    assert reply["phone"] == body["phone"]
    assert reply["document"] == {"type": "resident_id", "number": body["document_number"]}


def test_personal_data_stands_in_clear_nowhere_else(api, platform):
    """Planted values, after everything a customer can do here: items, events, queue, logs, errors."""
    stream = io.StringIO()
    handler = log().registered_handler
    before = handler.setStream(stream)
    body = sign_up(**PERSON, phone=phone())
    reply = api.post("/v1/customers", body)
    token = platform.customer_token(reply["id"])
    api.put("/v1/me/consents", {"consents": {"marketing": True}}, token=token)
    api.post("/v1/sign-in/code", {"phone": body["phone"]}, key=None)
    refusals = [
        api.post("/v1/customers", body),
        api.post("/v1/customers", {**body, "email": body["name"]}),
        api.post("/v1/customers", {**body, "birth_on": body["name"]}),
    ]
    with platform.failing("GetItem", "ValidationException"):
        refusals.append(api.get("/v1/me", token=token))
    handler.setStream(before)
    seen = " ".join(
        [
            repr(platform.items()),
            repr(platform.events()),
            repr(platform.drain(platform.settings.messages_queue_url)),
            stream.getvalue(),
            repr(refusals),
            repr(service.get_customer(reply["id"])),
            repr(service.contact_of(reply["id"])),
            repr(service.get_profile(reply["id"])),
        ]
    )
    assert "ValidationException" in stream.getvalue()
    for planted in (*PERSON.values(), body["phone"], body["phone"][3:], body["document_number"]):
        assert planted not in seen
        assert planted.encode("unicode_escape").decode() not in seen or planted.isascii()


def test_a_customer_without_line_has_no_aliases(platform):
    customer = service.get_customer(a_customer().id)
    assert customer.aliases == {}
    assert (customer.status, customer.age, customer.country, customer.zone) == ("verified", 36, "CN", "Asia/Shanghai")


def test_age_is_counted_on_and_never_ahead(platform):
    """Born 1990-03-14, 36 at sign-up in November 2026: on the 37th birthday 36 is kept until a year has passed."""
    customer_id = a_customer().id
    ages = []
    for days in (0, 200, 165):
        platform.clock.advance_business(timedelta(days=days))
        ages.append(service.get_customer(customer_id).age)
    assert ages == [36, 36, 37]


def test_a_line_is_remembered_once_per_currency(platform):
    customer_id = a_customer().id
    commit(platform.tables, service.plan_line_alias(customer_id, "CNY", 123_456_789))
    commit(platform.tables, service.plan_line_alias(customer_id, "JPY", 7))
    assert service.get_customer(customer_id).aliases == {"CNY": 123_456_789, "JPY": 7}
    with pytest.raises(LineExistsError) as raised:
        commit(platform.tables, service.plan_line_alias(customer_id, "CNY", 1))
    assert (raised.value.status, raised.value.code, raised.value.extra) == (409, "line_exists", {"currency": "CNY"})
    assert service.get_customer(customer_id).aliases["CNY"] == 123_456_789


def test_nobody_who_is_not_there_gets_a_line(platform):
    with pytest.raises(NotFoundError):
        commit(platform.tables, service.plan_line_alias("cus_" + "0" * 26, "CNY", 1))


def test_a_line_tells_nothing_twice(platform):
    customer_id = a_customer().id
    platform.events()
    commit(platform.tables, service.plan_line_alias(customer_id, "CNY", 1))
    assert platform.events() == []
    (item,) = [item for item in platform.items() if item["pk"]["S"] == customer_id]
    assert (item["v"], "ob" in item) == ({"N": "2"}, False)


def test_a_line_opened_meanwhile_is_not_overwritten_by_a_consent(platform):
    customer_id = a_customer().id
    original, done = platform.tables.connection.client._make_api_call, []

    def open_line_first(name, parameters):
        if name == "TransactWriteItems" and not done:
            done.append(name)
            commit(platform.tables, service.plan_line_alias(customer_id, "CNY", 1))
        return original(name, parameters)

    platform.tables.connection.client._make_api_call = open_line_first
    try:
        with pytest.raises(ConditionFailedError):
            service.answer_consents(customer_id, {"marketing": True}, a_call())
    finally:
        platform.tables.connection.client._make_api_call = original
    assert service.get_customer(customer_id).aliases == {"CNY": 1}


def test_how_to_reach_somebody(platform):
    body = sign_up(**PERSON, language="en", zone="Europe/Berlin")
    contact = service.contact_of(a_customer(**body).id)
    assert (contact.phone, contact.email, contact.name) == (body["phone"], PERSON["email"], PERSON["name"])
    assert (contact.language, contact.zone) == ("en", "Europe/Berlin")
    assert repr(contact) == "Contact(language='en', zone='Europe/Berlin')"


def test_without_the_key_service_nothing_is_shown(api, platform):
    customer = a_customer()
    with Stubber(platform.client("kms")) as stub:
        for _ in range(2):
            stub.add_client_error("decrypt", "AccessDeniedException")
        with pytest.raises(UnavailableError):
            service.contact_of(customer.id)
        assert api.get("/v1/me", token=platform.customer_token(customer.id)).status == 503
    assert service.get_customer(customer.id).status == "verified"


def test_a_phone_finds_its_customer(platform):
    text = phone()
    customer = a_customer(phone=text)
    assert service.find_by_phone(text) == service.find_by_phone(text[3:]) == customer.id
    assert service.find_by_phone(phone()) is None


def test_consents_are_all_listed_answered_or_not(api, platform):
    customer = a_customer(consents=["bureau_query"])
    reply = api.get("/v1/me/consents", token=platform.customer_token(customer.id))
    assert [row["code"] for row in reply["consents"]] == list(CONSENTS)
    given = {row["code"]: row for row in reply["consents"]}
    assert given["bureau_query"] == {
        "code": "bureau_query", "granted": True, "version": "2026-11",
        "changed_at": "2026-11-22T08:00:00.000Z", "current_version": "2026-11",
    }  # fmt: skip
    assert given["marketing"] == {
        "code": "marketing", "granted": False, "version": None, "changed_at": None, "current_version": "2026-11",
    }  # fmt: skip


def test_a_consent_is_as_easily_taken_back_as_given_and_each_answer_is_proved(api, platform):
    customer = a_customer(consents=["bureau_query"])
    token = platform.customer_token(customer.id)
    platform.events()
    api.put("/v1/me/consents", {"consents": {"marketing": True}}, token=token)
    platform.clock.advance_business(timedelta(days=1))
    api.put("/v1/me/consents", {"consents": {"marketing": False, "bureau_query": True}}, token=token)
    found = service.get_customer(customer.id)
    assert found.has_consented("bureau_query")
    assert not found.has_consented("marketing")
    assert not found.has_consented("limit_increase")
    assert [event.data["consents"] for event in platform.events()] == [{"marketing": True}, {"marketing": False}]
    proofs, _ = platform.tables.query(ConsentChangeItem, customer.id, limit=10)
    answers = [json.loads(proof.answers) for proof in proofs if proof.sk.startswith("consent#")]
    assert [{code: granted for code, (granted, *_) in answer.items()} for answer in answers] == [
        {"bureau_query": 1}, {"marketing": 1}, {"marketing": 0},
    ]  # fmt: skip


def test_saying_the_same_again_writes_nothing(api, platform):
    customer = a_customer(consents=["marketing"])
    before = platform.items()
    api.put("/v1/me/consents", {"consents": {"marketing": True}}, token=platform.customer_token(customer.id))
    assert platform.items() == before


@pytest.mark.parametrize("body", [{}, {"consents": {"soul": True}}, {"consents": {"marketing": "yes"}}])
def test_what_is_no_answer_is_refused(api, platform, body):
    token = platform.customer_token(a_customer().id)
    assert api.put("/v1/me/consents", body, token=token).status == 422


def test_erasure_forgets_the_person_and_what_found_them(api, platform):
    body = sign_up(**PERSON)
    customer = a_customer(**body)
    platform.events()
    commit(platform.tables, service.plan_erasure(customer.id, "req"))
    for ask in (service.get_customer, service.get_profile, service.contact_of):
        with pytest.raises(NotFoundError):
            ask(customer.id)
    assert service.find_by_phone(body["phone"]) is None
    assert api.get("/v1/me", token=platform.customer_token(customer.id)).status == 404
    (tombstone,) = platform.items()
    assert tombstone["pk"]["S"] == customer.id
    assert not set(tombstone) & {"wk", "nm", "ph", "em", "dc", "bo", "ad"}
    assert (tombstone["th"]["B"], tombstone["dh"]["B"]) == (bytes(16), bytes(16))
    assert [event.type for event in platform.events()] == ["customer.erased"]


def test_who_was_erased_may_come_back_as_somebody_new(platform):
    body = sign_up(**PERSON)
    first = a_customer(**body)
    commit(platform.tables, service.plan_erasure(first.id, "req"))
    second = a_customer(**body)
    assert second.id != first.id


def test_erasing_who_lost_a_phone_to_another_leaves_the_other_alone(platform):
    number = phone()
    failed = a_customer(phone=number, birth_on="2010-03-14")
    owner = a_customer(phone=number)
    commit(platform.tables, service.plan_erasure(failed.id, "req"))
    with pytest.raises(NotFoundError):
        service.get_customer(failed.id)
    assert service.find_by_phone(number) == owner.id


def test_a_foreign_document_has_no_checksum_here(platform):
    customer = a_customer(country="DE", document_number="C01X00T47", phone="+4915123456789", zone="Europe/Berlin")
    assert customer.status == "verified"
    assert set(customer.identity.checks) == {"majority", "details_match", "watch_list"}


def test_the_same_number_in_another_country_is_another_document(platform):
    for country, text in (("DE", "+4915123456780"), ("FR", "+33612345678")):
        assert a_customer(country=country, document_number="C01X00T47", phone=text).status == "verified"


def test_resident_ids_of_the_builder_are_all_different():
    assert len({resident_id() for _ in range(50)}) == 50
