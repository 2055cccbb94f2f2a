"""Passkeys through HTTP: registered, used to sign in once per challenge, removed; nothing else opens a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.core.ids import id_bytes, new_id
from functions.customers.passkeys.events import on_event
from functions.customers.passkeys.service import note_use
from functions.customers.passkeys.store import MOST, PasskeyItem
from functions.customers.service import plan_erasure
from functions.messaging.service import id_of, state_of
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from tests.builders.api import Api, Reply
from tests.builders.authenticator import Authenticator, b64
from tests.builders.customers import a_customer
from tests.builders.platform import START, Platform
from tests.builders.shop import a_shop, all_api


@pytest.fixture
def api(platform: Platform) -> Api:
    return all_api()


@pytest.fixture
def customer(platform: Platform) -> str:
    return a_customer().id


def register(api: Api, platform: Platform, customer: str, phone: Authenticator, **how: Any) -> Reply:
    token = platform.customer_token(customer)
    begun = api.post("/v1/passkeys/register/begin", {}, token=token, key=None)
    assert begun.status == 200, begun.body
    body = {"state": begun["state"], "credential": phone.register(begun["options"], **how), "name": "Phone"}
    return api.post("/v1/passkeys/register/finish", body, token=token, key=None)


def begin(api: Api) -> Reply:
    begun = api.post("/v1/passkeys/authenticate/begin", {}, key=None)
    assert begun.status == 200, begun.body
    return begun


def finish(api: Api, begun: Reply, credential: Any) -> Reply:
    return api.post("/v1/passkeys/authenticate/finish", {"state": begun["state"], "credential": credential}, key=None)


def sign_in(api: Api, phone: Authenticator, **how: Any) -> Reply:
    begun = begin(api)
    return finish(api, begun, phone.sign(begun["options"], **how))


@pytest.fixture
def phone(api: Api, platform: Platform, customer: str) -> Authenticator:
    made = Authenticator()
    assert register(api, platform, customer, made).status == 201
    return made


def test_a_registered_passkey_signs_its_owner_in(api: Api, customer: str, phone: Authenticator) -> None:
    reply = sign_in(api, phone)
    assert (reply.status, reply["customer_id"]) == (200, customer)
    assert api.get("/v1/me", token=reply["access_token"])["id"] == customer
    renewed = api.post("/v1/sign-in/refresh", {"refresh_token": reply["refresh_token"]}, key=None)
    assert renewed.status == 200


def test_the_options_ask_for_a_verified_user_and_bind_the_passkey_to_our_domain(
    api: Api, platform: Platform, customer: str
) -> None:
    options = api.post("/v1/passkeys/register/begin", {}, token=platform.customer_token(customer), key=None)["options"]
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert begin(api)["options"]["userVerification"] == "required"


def test_an_answer_is_good_once(api: Api, phone: Authenticator) -> None:
    """Reliability R8: a captured assertion opens nothing."""
    begun = begin(api)
    answer = phone.sign(begun["options"])
    assert finish(api, begun, answer).status == 200
    again = finish(api, begun, answer)
    assert (again.status, again["code"]) == (401, "passkey_refused")


def test_an_answer_without_a_counter_is_good_once_too(api: Api, platform: Platform, customer: str) -> None:
    synced = Authenticator(counts=False)
    assert register(api, platform, customer, synced).status == 201
    begun = begin(api)
    answer = synced.sign(begun["options"])
    assert finish(api, begun, answer).status == 200
    assert finish(api, begun, answer).status == 401
    assert sign_in(api, synced).status == 200


def test_a_challenge_is_good_for_five_minutes(api: Api, platform: Platform, phone: Authenticator) -> None:
    begun = begin(api)
    answer = phone.sign(begun["options"])
    platform.clock.advance(timedelta(minutes=5))
    assert finish(api, begun, answer).status == 401


def test_an_answer_to_another_challenge_is_refused(api: Api, phone: Authenticator) -> None:
    first, second = begin(api), begin(api)
    assert finish(api, second, phone.sign(first["options"])).status == 401


@pytest.mark.parametrize(
    "lie",
    [
        {"verified": False},
        {"challenge": b64(b"x" * 32)},
        {"rp_id": "evil.example"},
    ],
    ids=["user not verified", "another challenge", "another domain"],
)
def test_an_answer_made_otherwise_is_refused(api: Api, phone: Authenticator, lie: dict[str, Any]) -> None:
    reply = sign_in(api, phone, **lie)
    assert (reply.status, reply["code"]) == (401, "passkey_refused")


def test_an_answer_made_on_another_page_is_refused(api: Api, phone: Authenticator) -> None:
    phone.origin = "https://whitenote.evil.example"
    assert sign_in(api, phone).status == 401


def test_a_copied_authenticator_is_refused(api: Api, phone: Authenticator) -> None:
    """Its counter stands behind that of the original."""
    copy = Authenticator(count=phone.count, credential=phone.credential, handle=phone.handle, key=phone.key)
    assert sign_in(api, phone).status == 200
    assert sign_in(api, phone).status == 200
    assert sign_in(api, copy).status == 401


def test_a_stranger_with_our_credential_id_is_refused(api: Api, phone: Authenticator) -> None:
    stranger = Authenticator(credential=phone.credential, handle=phone.handle, count=100)
    assert sign_in(api, stranger).status == 401


def test_a_passkey_signs_in_nobody_but_its_owner(api: Api, phone: Authenticator) -> None:
    phone.handle = id_bytes(a_customer().id)
    assert sign_in(api, phone).status == 401


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"id": 5, "response": 7},
        {"id": "AAAA", "response": {"userHandle": "AAAA"}},
        {"id": "A" * 5000, "response": {"userHandle": b64(b"x" * 16)}},
        {"id": "ü", "response": {"userHandle": b64(b"x" * 16)}},
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"userHandle": b64(b"x" * 16)}},
    ],
)
def test_garbage_is_refused_like_a_wrong_answer(api: Api, garbage: dict[str, Any]) -> None:
    reply = finish(api, begin(api), garbage)
    assert (reply.status, reply["code"]) == (401, "passkey_refused")


def test_garbage_for_a_known_passkey_is_refused_too(api: Api, phone: Authenticator) -> None:
    begun = begin(api)
    good = phone.sign(begun["options"])
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        bad = {**good, "response": {**good["response"], name: b64(b"\xff" * 40)}}
        assert finish(api, begun, bad).status == 401
    assert finish(api, begun, good).status == 200


def test_a_passkey_made_by_an_unverified_user_is_not_kept(api: Api, platform: Platform, customer: str) -> None:
    reply = register(api, platform, customer, Authenticator(), verified=False)
    assert (reply.status, reply["code"]) == (422, "passkey_invalid")


def test_the_answer_to_a_registration_is_good_once_and_for_its_customer(
    api: Api, platform: Platform, customer: str
) -> None:
    phone, token = Authenticator(), platform.customer_token(customer)
    other = platform.customer_token(a_customer().id)
    begun = api.post("/v1/passkeys/register/begin", {}, token=token, key=None)
    body = {"state": begun["state"], "credential": phone.register(begun["options"])}
    stolen = api.post("/v1/passkeys/register/finish", body, token=other, key=None)
    first = api.post("/v1/passkeys/register/finish", body, token=token, key=None)
    again = api.post("/v1/passkeys/register/finish", body, token=token, key=None)
    assert (stolen.status, stolen["code"]) == (422, "passkey_invalid")
    assert (first.status, again.status, again["code"]) == (201, 409, "passkey_known")


LONG_AGO = timedelta(minutes=10)


@pytest.mark.parametrize("path", ["/v1/passkeys/register/begin", "/v1/me/devices"])
def test_another_way_in_or_to_pay_is_added_by_who_has_just_proved_who_she_is(platform: Platform, path: str) -> None:
    shop = a_shop(platform)
    for ago, status in ((LONG_AGO - timedelta(seconds=1), {200, 201}), (LONG_AGO, {409})):
        reply = shop.api.post(path, {}, token=platform.customer_token(shop.customer_id, signed_in_ago=ago))
        assert reply.status in status, reply.body
    assert (reply["code"], reply["step_up"]) == ("proof_required", None)  # she has no passkey: she signs in anew


@pytest.mark.parametrize("path", ["/v1/passkeys/register/begin", "/v1/me/devices"])
def test_a_passkey_signs_this_very_act_once(platform: Platform, path: str) -> None:
    shop, phone = a_shop(platform), Authenticator()
    assert register(shop.api, platform, shop.customer_id, phone).status == 201
    token = platform.customer_token(shop.customer_id, signed_in_ago=LONG_AGO)
    asked = shop.api.post(path, {}, token=token)["step_up"]
    proof = {"step_up": {"state": asked["state"], "credential": phone.sign(asked["options"])}}
    other = "/v1/me/devices" if "register" in path else "/v1/passkeys/register/begin"
    assert shop.api.post(other, proof, token=token)["code"] == "passkey_refused"
    assert shop.api.post(path, proof, token=token).status in {200, 201}
    again = shop.api.post(path, proof, token=token)
    assert (again.status, again["code"]) == (401, "passkey_refused")


def test_a_refreshed_session_is_as_old_as_its_sign_in(api: Api, platform: Platform, phone: Authenticator) -> None:
    begun = begin(api)
    session = finish(api, begun, phone.sign(begun["options"]))
    platform.clock.advance(LONG_AGO)
    renewed = api.post("/v1/sign-in/refresh", {"refresh_token": session["refresh_token"]}, key=None)
    reply = api.post("/v1/passkeys/register/begin", {}, token=renewed["access_token"], key=None)
    assert (reply.status, reply["code"]) == (409, "proof_required")


def test_a_sign_in_state_registers_nothing_and_the_other_way_round(
    api: Api, platform: Platform, customer: str, phone: Authenticator
) -> None:
    token = platform.customer_token(customer)
    making = api.post("/v1/passkeys/register/begin", {}, token=token, key=None)
    entering = begin(api)
    crossed = finish(api, making, phone.sign({**entering["options"], "challenge": making["options"]["challenge"]}))
    assert crossed.status == 401
    made = Authenticator().register({**making["options"], "challenge": entering["options"]["challenge"]})
    body = {"state": entering["state"], "credential": made}
    assert api.post("/v1/passkeys/register/finish", body, token=token, key=None).status == 422


def test_a_customer_has_several_and_removes_one(
    api: Api, platform: Platform, customer: str, phone: Authenticator
) -> None:
    laptop, token = Authenticator(), platform.customer_token(customer)
    platform.clock.advance(timedelta(minutes=1))
    kept = register(api, platform, customer, laptop)["id"]
    listed = api.get("/v1/me/passkeys", token=token)["data"]
    assert [each["id"] == kept for each in listed] == [False, True]
    gone = api.delete(f"/v1/me/passkeys/{listed[0]['id']}", token=token)
    assert (gone.status, gone["status"]) == (200, "removed")
    assert api.delete(f"/v1/me/passkeys/{listed[0]['id']}", token=token).status == 200
    assert (sign_in(api, phone).status, sign_in(api, laptop).status) == (401, 200)
    assert [each["id"] for each in api.get("/v1/me/passkeys", token=token)["data"]] == [kept]
    assert register(api, platform, customer, phone).status == 201


def test_another_customers_passkey_is_not_there(
    api: Api, platform: Platform, customer: str, phone: Authenticator
) -> None:
    (own,) = api.get("/v1/me/passkeys", token=platform.customer_token(customer))["data"]
    other = platform.customer_token(a_customer().id)
    assert api.delete(f"/v1/me/passkeys/{own['id']}", token=other).status == 404
    assert sign_in(api, phone).status == 200


def test_there_is_an_end_to_them(api: Api, platform: Platform, customer: str) -> None:
    for _ in range(MOST):
        assert register(api, platform, customer, Authenticator()).status == 201
    reply = api.post("/v1/passkeys/register/begin", {}, token=platform.customer_token(customer), key=None)
    assert (reply.status, reply["code"]) == (409, "too_many_passkeys")


def test_a_use_seen_on_the_stream_raises_the_counter_and_never_lowers_it(
    api: Api, platform: Platform, customer: str, phone: Authenticator
) -> None:
    (own,) = api.get("/v1/me/passkeys", token=platform.customer_token(customer))["data"]

    def stored() -> PasskeyItem:
        return platform.tables.get(PasskeyItem, customer, keys.passkey(own["id"]), consistent=True)

    note_use(customer, own["id"], 7, START + timedelta(minutes=2))
    note_use(customer, own["id"], 5, START + timedelta(minutes=3))
    note_use(customer, own["id"], 7, START + timedelta(minutes=1))
    assert (stored().counter, stored().used_at_ms) == (7, int((START + timedelta(minutes=2)).timestamp() * 1000))
    phone.count = 6
    assert sign_in(api, phone).status == 401
    assert sign_in(api, phone).status == 200


def test_the_owner_is_told_of_it_once(api: Api, platform: Platform, customer: str, phone: Authenticator) -> None:
    (event,) = [e for e in platform.events() if e.type == "passkey.added"]
    assert event.customer_id == customer
    assert event.data == {"passkey_id": event.object_id}
    for _ in range(2):
        on_event(event.to_dict())
    assert state_of(id_of("passkey_notice", event.object_id, step="passkey.added.1")) == "sent"
    sent = [i for i in platform.items() if i["pk"]["S"].startswith("sent#")]
    assert len(sent) == 1


def test_no_secret_of_the_customer_leaves_with_the_public_ceremony(api: Api) -> None:
    assert "allowCredentials" not in begin(api)["options"] or begin(api)["options"]["allowCredentials"] == []


def test_a_forgotten_customer_has_no_passkeys(
    api: Api, platform: Platform, customer: str, phone: Authenticator
) -> None:
    commit(platform.tables, plan_erasure(customer, "req-test"))
    assert sign_in(api, phone).status == 401
    assert [i for i in platform.items() if i["sk"]["S"].startswith(keys.PASSKEYS)] == []


def test_an_id_that_never_was_is_404(api: Api, platform: Platform, customer: str) -> None:
    token = platform.customer_token(customer)
    assert api.delete(f"/v1/me/passkeys/{new_id('pky', START)}", token=token).status == 404
    assert api.delete("/v1/me/passkeys/nonsense", token=token).status == 404
