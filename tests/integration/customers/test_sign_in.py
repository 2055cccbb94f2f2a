"""Signing in: codes, tries, rates, sessions that end when a token comes back."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta

import jwt
import pytest

from functions.customers import events, service, sign_in
from functions.customers.api import blueprint
from functions.messaging.service import id_of, state_of
from functions.platform.authorizer import identify
from functions.platform.storage.transactions import commit
from tests.builders.api import Api
from tests.builders.customers import a_customer, phone


@pytest.fixture
def api(platform):
    return Api(blueprint)


@pytest.fixture
def number(platform):
    """The phone of a customer."""
    text = phone()
    a_customer(phone=text)
    return text


def ask(api, text):
    return api.post("/v1/sign-in/code", {"phone": text}, key=None)


def answer(api, challenge, code):
    return api.post("/v1/sign-in/verify", {"challenge_id": challenge["challenge_id"], "code": code}, key=None)


def right(platform, challenge):
    return sign_in.code_of(platform.secrets.key("sign-in"), challenge["challenge_id"])


def wrong(platform, challenge):
    return f"{(int(right(platform, challenge)) + 1) % 10**6:06d}"


def signed_in(api, platform, text):
    challenge = ask(api, text)
    return answer(api, challenge, right(platform, challenge))


def refresh(api, token):
    return api.post("/v1/sign-in/refresh", {"refresh_token": token}, key=None)


class Outbox:
    """A message channel that keeps what it is given."""

    sandbox = True

    def __init__(self):
        self.sent = []

    def send(self, outgoing):
        self.sent.append(outgoing)
        return "id"

    def find(self, tag, channel):
        return False


def test_the_code_goes_to_the_phone_in_the_customers_language(api, platform):
    outbox = platform.box._ports["message_channel"] = Outbox()
    text = phone()
    a_customer(phone=text, language="en")
    challenge = ask(api, text)
    (message,) = platform.drain(platform.settings.messages_queue_url)
    assert events.handles(message)
    events.on_message(message)
    events.on_message(message)
    (outgoing,) = outbox.sent
    assert (outgoing.channel, outgoing.address, outgoing.secret) == ("sms", text, True)
    assert right(platform, challenge) in outgoing.text
    assert "5 minutes" in outgoing.text


def test_neither_queue_nor_table_carries_code_or_phone(api, platform, number):
    challenge = ask(api, number)
    stored = f"{platform.items()} {platform.drain(platform.settings.messages_queue_url)}"
    assert right(platform, challenge) not in stored
    assert number not in stored


def test_strangers_and_customers_get_the_same_answer_and_only_customers_a_message(api, platform, number):
    outbox = platform.box._ports["message_channel"] = Outbox()
    known, unknown = ask(api, number), ask(api, phone())
    assert known.status == unknown.status == 202
    assert set(known.body) == set(unknown.body) == {"challenge_id", "expires_at"}
    messages = platform.drain(platform.settings.messages_queue_url)
    assert [set(message) for message in messages] == [{"kind", "challenge_id"}] * 2
    for message in messages:
        events.on_message(message)
    assert [outgoing.address for outgoing in outbox.sent] == [number]
    assert state_of(id_of("sign_in_code", unknown["challenge_id"])) == "suppressed"


def test_a_strangers_challenge_is_refused_as_a_wrong_code_is(api, platform, number):
    known, unknown = ask(api, number), ask(api, phone())
    one = answer(api, known, wrong(platform, known))
    other = answer(api, unknown, right(platform, unknown))
    assert (one.status, one["code"], one["tries_left"]) == (other.status, other["code"], other["tries_left"])


def test_a_code_that_is_too_old_is_not_sent(api, platform, number):
    outbox = platform.box._ports["message_channel"] = Outbox()
    ask(api, number)
    platform.clock.advance(timedelta(minutes=5))
    (message,) = platform.drain(platform.settings.messages_queue_url)
    events.on_message(message)
    assert outbox.sent == []


def test_the_right_code_signs_in(api, platform, number):
    reply = signed_in(api, platform, number)
    assert reply.status == 200
    assert reply["token_type"] == "Bearer"
    assert reply["expires_at"] == "2026-11-22T08:15:00.000Z"
    judged = identify(f"Bearer {reply['access_token']}")
    assert (judged["kind"], judged["id"]) == ("customer", reply["customer_id"])
    assert reply["customer_id"] == service.find_by_phone(number)


def test_an_access_token_lives_a_quarter_of_an_hour(api, platform, number):
    reply = signed_in(api, platform, number)
    claims = jwt.decode(reply["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900
    platform.clock.advance(timedelta(minutes=15))
    assert api.get("/v1/me", token=reply["access_token"]).status == 401


def test_a_code_signs_in_once(api, platform, number):
    challenge = ask(api, number)
    code = right(platform, challenge)
    assert answer(api, challenge, code).status == 200
    reply = answer(api, challenge, code)
    assert (reply.status, reply["code"]) == (401, "code_refused")


def test_a_code_lives_five_minutes(api, platform, number):
    challenge = ask(api, number)
    platform.clock.advance(timedelta(minutes=5))
    assert answer(api, challenge, right(platform, challenge))["code"] == "code_refused"


def test_business_time_does_not_age_a_code(api, platform, number):
    challenge = ask(api, number)
    platform.clock.advance_business(timedelta(days=30))
    assert answer(api, challenge, right(platform, challenge)).status == 200


def test_five_wrong_codes_lock_the_challenge(api, platform, number):
    challenge = ask(api, number)
    replies = [answer(api, challenge, wrong(platform, challenge)) for _ in range(5)]
    assert [reply["code"] for reply in replies] == ["code_refused"] * 4 + ["challenge_locked"]
    assert [reply["tries_left"] for reply in replies[:4]] == [4, 3, 2, 1]
    assert answer(api, challenge, right(platform, challenge))["code"] == "challenge_locked"


def test_parallel_guesses_share_the_five(platform, number):
    """Twenty at once: a right one that comes sixth must not be judged at all."""
    challenge = sign_in.request_code(number)
    judged, refused = [], []
    code = f"{(int(sign_in.code_of(platform.secrets.key('sign-in'), challenge.id)) + 1) % 10**6:06d}"

    def guess():
        try:
            sign_in.verify_code(challenge.id, code)
        except sign_in.ChallengeLockedError:
            refused.append("locked")
        except sign_in.CodeRefusedError as error:
            judged.append(error.extra["tries_left"])
        except Exception as error:  # noqa: BLE001  a race that did not end is 503, and judged nothing
            refused.append(type(error).__name__)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(judged, reverse=True) == list(range(4, 4 - len(judged), -1))
    assert len(judged) <= 4
    assert len(judged) + len(refused) == 20


@pytest.mark.parametrize("challenge", ["cha_" + "0" * 26, "cha_nonsense", "otp", "cus_" + "0" * 26])
def test_a_challenge_that_never_was_is_refused(api, platform, challenge):
    assert answer(api, {"challenge_id": challenge}, "123456")["code"] == "code_refused"


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "１２３４５６", " 12345", ""])
def test_what_is_no_code_costs_no_try(api, platform, number, code):
    challenge = ask(api, number)
    assert answer(api, challenge, code).status == 422
    assert answer(api, challenge, wrong(platform, challenge))["tries_left"] == 4


@pytest.mark.parametrize("known", [True, False])
def test_three_codes_in_ten_minutes_and_not_a_fourth(api, platform, number, known):
    text = number if known else phone()
    for _ in range(3):
        assert ask(api, text).status == 202
        platform.clock.advance(timedelta(minutes=1))
    reply = ask(api, text)
    assert (reply.status, reply["code"], reply.headers["retry-after"]) == (429, "too_many_codes", "420")
    assert reply.headers["ratelimit"] == '"too_many_codes";r=0;t=420'
    platform.clock.advance(timedelta(minutes=7))
    assert ask(api, text).status == 202
    assert ask(api, text).status == 429


def test_codes_at_the_same_instant_are_counted_apart(api, platform, number):
    assert [ask(api, number).status for _ in range(4)] == [202, 202, 202, 429]


def test_one_phones_limit_is_not_anothers(api, platform, number):
    for _ in range(4):
        ask(api, number)
    assert ask(api, phone()).status == 202


def test_a_magic_number_signs_in_with_six_zeros(api, platform):
    text = phone("+861000001")
    a_customer(phone=text)
    assert answer(api, ask(api, text), "000000").status == 200


def test_six_zeros_open_nothing_else(api, platform, number):
    challenge = ask(api, number)
    if right(platform, challenge) != "000000":
        assert answer(api, challenge, "000000").status == 401
    assert answer(api, ask(api, phone("+861000001")), "000000").status == 401


def test_six_zeros_open_nothing_on_a_live_stage(api, platform):
    """Neither for a number asked about there, nor for a challenge that was made before."""
    text = phone("+861000001")
    a_customer(phone=text)
    before = ask(api, text)
    platform.box.settings = dataclasses.replace(platform.settings, stage="live")
    assert answer(api, before, "000000").status == 401
    assert answer(api, ask(api, text), "000000").status == 401


def test_a_refresh_token_is_good_once_and_gives_the_next(api, platform, number):
    first = signed_in(api, platform, number)
    second = refresh(api, first["refresh_token"])
    third = refresh(api, second["refresh_token"])
    assert (second.status, third.status) == (200, 200)
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert third["refresh_expires_at"] == first["refresh_expires_at"] == "2026-12-22T08:00:00.000Z"
    assert identify(f"Bearer {third['access_token']}")["id"] == first["customer_id"]


def test_a_refresh_token_that_comes_back_ends_its_session(api, platform, number):
    first = signed_in(api, platform, number)
    second = refresh(api, first["refresh_token"])
    stolen = refresh(api, first["refresh_token"])
    assert (stolen.status, stolen["code"]) == (401, "refresh_refused")
    assert refresh(api, second["refresh_token"])["code"] == "refresh_refused"


def test_another_session_goes_on(api, platform, number):
    first, other = signed_in(api, platform, number), signed_in(api, platform, number)
    refresh(api, first["refresh_token"])
    refresh(api, first["refresh_token"])
    assert refresh(api, other["refresh_token"]).status == 200


@pytest.fixture
def between(monkeypatch):
    """Do something after a refresh has read its session and before it writes."""

    def arrange(action):
        def get_customer(customer_id):
            monkeypatch.setattr(sign_in, "get_customer", service.get_customer)
            action()
            return service.get_customer(customer_id)

        monkeypatch.setattr(sign_in, "get_customer", get_customer)

    return arrange


def test_one_token_used_by_two_at_once_ends_the_session(platform, number, api, between):
    token, inner = signed_in(api, platform, number)["refresh_token"], []
    between(lambda: inner.append(sign_in.refresh(token)))
    with pytest.raises(sign_in.RefreshRefusedError):
        sign_in.refresh(token)
    with pytest.raises(sign_in.RefreshRefusedError):
        sign_in.refresh(inner[0].refresh_token)


def test_a_refresh_does_not_win_against_a_sign_out_at_the_same_moment(platform, number, api, between):
    held = signed_in(api, platform, number)
    session = identify(f"Bearer {held['access_token']}")["session"]
    between(lambda: sign_in.sign_out(session))
    with pytest.raises(sign_in.RefreshRefusedError):
        sign_in.refresh(held["refresh_token"])


def test_a_session_lives_thirty_days_however_often_it_is_refreshed(api, platform, number):
    token = signed_in(api, platform, number)["refresh_token"]
    for _ in range(3):
        platform.clock.advance(timedelta(days=9))
        token = refresh(api, token)["refresh_token"]
    platform.clock.advance(timedelta(days=3))
    assert refresh(api, token).status == 401


@pytest.mark.parametrize("token", ["x", "e30", "A" * 2048])
def test_what_is_no_refresh_token_is_refused(api, platform, token):
    assert refresh(api, token)["code"] == "refresh_refused"


def test_an_access_token_does_not_refresh_nor_the_other_way_round(api, platform, number):
    held = signed_in(api, platform, number)
    assert refresh(api, held["access_token"]).status == 401
    assert api.get("/v1/me", token=held["refresh_token"]).status == 401


def test_signing_out_ends_the_session_and_may_be_said_twice(api, platform, number):
    held = signed_in(api, platform, number)
    for _ in range(2):
        assert api.post("/v1/sign-out", {}, token=held["access_token"], key=None).body == {"status": "signed_out"}
    assert refresh(api, held["refresh_token"]).status == 401


def test_signing_out_of_a_session_that_never_was_is_no_error(api, platform):
    for session in ("ses_" + "0" * 26, "", "nonsense"):
        token = platform.customer_token("cus_" + "0" * 26, session)
        assert api.post("/v1/sign-out", {}, token=token, key=None).status == 200


def test_who_was_erased_is_not_refreshed(api, platform, number):
    held = signed_in(api, platform, number)
    commit(platform.tables, service.plan_erasure(held["customer_id"], "req"))
    assert refresh(api, held["refresh_token"]).status == 401


def test_a_queue_that_is_away_is_503(api, platform, number):
    platform.client("sqs").delete_queue(QueueUrl=platform.settings.messages_queue_url)
    assert (ask(api, number).status, ask(api, number)["code"]) == (503, "unavailable")
