"""Sign-up: who is checked, who is remembered, what a retry gets."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import timedelta

import pytest
from botocore.exceptions import ConnectionClosedError

from functions.core.ids import derived_id
from functions.customers import magic, store
from functions.customers.api import blueprint
from functions.customers.ports import IdentityAnswer
from functions.platform.storage import keys
from functions.platform.storage.meter import item_bytes
from functions.platform.web.started import begin
from tests.builders.api import Api
from tests.builders.customers import a_call, a_customer, phone, resident_id, sign_up


@pytest.fixture
def api(platform):
    return Api(blueprint)


class CountingCheck:
    """A provider that counts who asks, and can be made to hang on."""

    sandbox = True

    def __init__(self):
        self.asked, self.meanwhile = [], lambda: None

    def check(self, applicant):
        self.asked.append(applicant)
        self.meanwhile()
        return IdentityAnswer("counting", "ref", details_match=True, watch_listed=False)


@pytest.fixture
def provider(platform):
    check = platform.box._ports["identity_check"] = CountingCheck()
    return check


def test_somebody_who_passes_is_verified(api, platform):
    reply = api.post("/v1/customers", sign_up(consents=["bureau_query"], language="en", zone="Europe/Berlin"))
    assert reply.status == 201
    assert reply["status"] == "verified"
    assert reply["identity"] == {"status": "verified", "reasons": [], "decided_at": "2026-11-22T08:00:00.000Z"}
    assert (reply["language"], reply["zone"], reply["consents"]) == ("en", "Europe/Berlin", ["bureau_query"])
    (event,) = platform.events()
    assert (event.type, event.object_id, event.customer_id) == ("customer.created", reply["id"], reply["id"])
    assert event.data == {
        "status": "verified", "country": "CN", "language": "en", "reasons": [], "provider": "sandbox"
    }  # fmt: skip


BAD_CHECK = resident_id(sequence=7)[:17] + ("0" if resident_id(sequence=7)[17] != "0" else "1")


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"document_number": BAD_CHECK}, ["document_invalid"]),
        ({"birth_on": "1990-03-15", "document_number": resident_id(sequence=8)}, ["details_do_not_match"]),
        ({"birth_on": "2010-03-14"}, ["underage"]),
        ({"name": "观察名单"}, ["not_accepted"]),
        ({"phone": phone("+861000005")}, ["details_do_not_match"]),
    ],
    ids=["checksum", "birth date", "minor", "watch list", "magic number"],
)
def test_somebody_who_fails_is_told_why_and_remembered_for_thirty_days(api, platform, changes, reasons):
    reply = api.post("/v1/customers", sign_up(**changes))
    assert (reply.status, reply["status"], reply["identity"]["reasons"]) == (201, "identity_failed", reasons)
    ends = int((platform.clock.wall() + timedelta(days=30)).timestamp())
    assert {int(item["ttl"]["N"]) for item in platform.items()} == {ends}


def test_nobody_is_asked_about_details_that_fail_by_themselves(api, provider):
    api.post("/v1/customers", sign_up(document_number=BAD_CHECK))
    assert provider.asked == []


def test_a_provider_that_does_not_answer_refers_and_never_approves(api, platform):
    reply = api.post("/v1/customers", sign_up(phone=phone("+861000006")))
    assert (reply.status, reply["status"]) == (201, "identity_pending")
    assert not [item for item in platform.items() if item["pk"]["S"].startswith("doc#")]
    assert "ttl" not in json.dumps(platform.items(), default=repr)


@pytest.mark.pain(23)
def test_the_same_command_has_one_effect_and_the_same_answer(api, platform, provider):
    body = sign_up()
    first = api.post("/v1/customers", body, key="k")
    platform.clock.advance(timedelta(hours=1))
    again = api.post("/v1/customers", body, key="k")
    assert (again.status, again.body, again.replayed) == (201, first.body, True)
    assert not first.replayed
    assert len(provider.asked) == 1
    assert len(platform.events()) == 1


def test_the_same_key_with_another_body_is_refused(api):
    body = sign_up()
    api.post("/v1/customers", body, key="k")
    reply = api.post("/v1/customers", {**body, "name": "王大明"}, key="k")
    assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")


def test_two_people_may_happen_to_use_the_same_key(api):
    one, other = (api.post("/v1/customers", sign_up(), key="1") for _ in range(2))
    assert (one.status, other.status) == (201, 201)
    assert one["id"] != other["id"]


def test_a_failed_outcome_replays_too(api):
    body = sign_up(birth_on="2010-03-14")
    first = api.post("/v1/customers", body, key="k")
    assert api.post("/v1/customers", body, key="k").body == first.body


def test_a_phone_that_is_taken_is_said_so_and_nothing_more(api, platform):
    taken = sign_up()
    first = api.post("/v1/customers", taken)
    before = platform.items()
    reply = api.post("/v1/customers", sign_up(phone=taken["phone"]))
    assert (reply.status, reply["code"]) == (409, "already_registered")
    assert first["id"] not in json.dumps(reply.body)
    assert platform.items() == before


def test_another_spelling_of_a_phone_is_the_same_phone(api):
    body = sign_up(phone="13800138000")
    assert api.post("/v1/customers", body).status == 201
    assert api.post("/v1/customers", sign_up(phone="+86 138-0013-8000"))["code"] == "already_registered"


def test_a_document_belongs_to_one_verified_person(api):
    """Its holder, who passes the check from another phone, hears it; somebody else does not."""
    first = sign_up()
    api.post("/v1/customers", first)
    own = api.post("/v1/customers", sign_up(document_number=first["document_number"]))
    assert (own.status, own["code"]) == (409, "already_registered")
    stranger = sign_up(document_number=first["document_number"], phone=phone("+861000005"))
    assert api.post("/v1/customers", stranger)["status"] == "identity_failed"


def test_who_failed_with_a_strangers_number_does_not_keep_the_stranger_out(api):
    number = phone()
    squatter = api.post("/v1/customers", sign_up(phone=number, birth_on="2010-03-14"))
    owner = api.post("/v1/customers", sign_up(phone=number))
    assert (squatter["status"], owner["status"]) == ("identity_failed", "verified")
    assert api.post("/v1/customers", sign_up(phone=number)).status == 409


def test_a_failed_try_does_not_lock_a_document(api):
    document = resident_id()
    thief = sign_up(document_number=document, phone=phone("+861000005"))
    assert api.post("/v1/customers", thief)["status"] == "identity_failed"
    assert api.post("/v1/customers", sign_up(document_number=document))["status"] == "verified"


def test_while_the_provider_is_asked_a_retry_waits(api, platform, provider):
    body, replies = sign_up(), []
    provider.meanwhile = lambda: replies.append(api.post("/v1/customers", body, key="k"))
    outer = api.post("/v1/customers", body, key="k")
    (inner,) = replies
    assert (inner.status, inner["code"], inner.headers["retry-after"]) == (409, "in_progress", "30")
    assert outer.status == 201
    assert len(provider.asked) == 1


def test_two_commands_for_one_phone_make_one_customer(api, provider):
    """Both are past the first read when the quicker one writes."""
    body, replies = sign_up(), []

    def other():
        provider.meanwhile = lambda: None
        replies.append(api.post("/v1/customers", body, key="other"))

    provider.meanwhile = other
    slower = api.post("/v1/customers", body, key="k")
    assert replies[0].status == 201
    assert (slower.status, slower["code"]) == (409, "already_registered")


def test_twenty_at_once_make_one_customer(platform, provider):
    body, replies = sign_up(), []
    apis = [Api(blueprint) for _ in range(20)]

    def post(api):
        replies.append(api.post("/v1/customers", body, key="k"))

    threads = [threading.Thread(target=post, args=(api,)) for api in apis]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.status for reply in replies} <= {201, 409}
    assert {reply["code"] for reply in replies if reply.status == 409} <= {"in_progress"}
    assert len({reply["id"] for reply in replies if reply.status == 201}) == 1
    assert sum(not reply.replayed for reply in replies if reply.status == 201) == 1
    assert len(provider.asked) == 1


def test_a_dead_tries_mark_is_taken_over_when_its_lease_is_over(api, platform):
    body = sign_up()
    dead = a_call("/v1/customers", json.dumps(body).encode(), key="k").command()
    customer_id = derived_id("cus", platform.secrets.key("ids"), dead.scope, body["phone"])
    begin(platform.tables, customer_id, dead, platform.clock.wall())
    assert api.post("/v1/customers", body, key="k")["code"] == "in_progress"
    platform.clock.advance(timedelta(seconds=30))
    assert api.post("/v1/customers", body, key="k").status == 201


@pytest.mark.parametrize("service", ["kms", "storage"])
def test_when_a_service_is_away_nothing_is_kept_and_a_retry_works_at_once(api, platform, service):
    body = sign_up()
    if service == "kms":
        wrapper, platform.box.key_wrapper = platform.box.key_wrapper, dataclasses.replace(
            platform.box.key_wrapper, key_id="alias/none"
        )  # fmt: skip
        reply = api.post("/v1/customers", body, key="k")
        platform.box.key_wrapper = wrapper
    else:
        with platform.failing("BatchGetItem"):
            reply = api.post("/v1/customers", body, key="k")
    assert (reply.status, reply["code"]) == (503, "unavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert platform.items() == []
    assert api.post("/v1/customers", body, key="k").status == 201


def test_a_lost_acknowledgement_is_made_good_by_the_retry(api, platform, provider):
    body, original = sign_up(), platform.tables.connection.client._make_api_call
    writes = []

    def lose_the_second(name, parameters):
        answer = original(name, parameters)
        if name == "TransactWriteItems":
            writes.append(name)
            if len(writes) == 2:
                raise ConnectionClosedError(endpoint_url="injected")
        return answer

    platform.tables.connection.client._make_api_call = lose_the_second
    lost = api.post("/v1/customers", body, key="k")
    platform.tables.connection.client._make_api_call = original
    again = api.post("/v1/customers", body, key="k")
    assert lost.status == 503
    assert (again.status, again.replayed, again["status"]) == (201, True, "verified")
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"phone": "138"}, "/phone"),
        ({"phone": "not a phone"}, "/phone"),
        ({"name": " "}, "/name"),
        ({"document_number": "12345"}, "/document_number"),
        ({"document_type": "library_card"}, "/document_type"),
        ({"birth_on": "1990-02-30"}, "/birth_on"),
        ({"birth_on": "2027-01-01", "document_number": resident_id(sequence=9)}, "/birth_on"),
        ({"birth_on": 19900314, "document_number": resident_id(sequence=9)}, "/birth_on"),
        ({"email": "nobody"}, "/email"),
        ({"zone": "Asia/Atlantis"}, "/zone"),
        ({"country": "ZZ"}, "/country"),
        ({"language": "tlh"}, "/language"),
        ({"consents": ["soul"]}, "/consents/0"),
        ({"passport": "x"}, "/passport"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(api, platform, changes, pointer):
    body = {**sign_up(), **changes}
    reply = api.post("/v1/customers", body)
    assert reply.status == 422
    assert reply["errors"][0]["pointer"] == pointer
    assert platform.items() == []


@pytest.mark.parametrize("field", ["phone", "name", "document_number", "birth_on"])
def test_what_is_needed_is_said(api, field):
    reply = api.post("/v1/customers", {k: v for k, v in sign_up().items() if k != field})
    assert (reply.status, reply["errors"][0]["pointer"], reply["errors"][0]["code"]) == (422, f"/{field}", "required")


def test_the_largest_customer_fits_in_two_kilobytes(platform):
    customer = a_customer(
        name="名" * 64,
        email="x" * 60 + "@" + "d" * 180 + ".example",
        address="址" * 200,
        zone="America/Argentina/ComodRivadavia",
        consents=["bureau_query", "bureau_reporting", "purchase_history", "marketing", "limit_increase"],
        phone=phone("+861000009"),
    )
    (size,) = [
        item_bytes(item) for item in platform.items() if item["pk"]["S"] == customer.id and item["sk"]["S"] == "-"
    ]
    assert size <= 2048


def test_sign_up_costs_three_requests(platform):
    with platform.metered() as meter:
        a_customer()
    assert meter.requests == ["BatchGetItem", "TransactWriteItems", "TransactWriteItems"]


def test_magic_is_remembered_in_the_sandbox_only(platform):
    assert a_customer(phone=phone("+861000003")).magic == magic.HELD
    platform.box.settings = dataclasses.replace(platform.settings, stage="live")
    assert a_customer(phone=phone("+861000003")).magic is None


def test_the_lookup_items_hold_hashes_only(platform):
    body = sign_up()
    a_customer(**body)
    lookups = [item["pk"]["S"] for item in platform.items() if "#" in item["pk"]["S"]]
    secret = platform.secrets.key("lookup")
    number = "+86" + body["phone"].removeprefix("+86")
    assert set(lookups) == {
        keys.contact(store.phone_hash(secret, number).hex()),
        keys.identity(store.document_hash(secret, "resident_id", "CN", body["document_number"]).hex()),
    }
