"""Somebody about whom the provider did not answer: asked again, or decided by a person."""

from __future__ import annotations

import pytest

from functions.customers import service
from functions.customers.api import blueprint
from functions.customers.ports import IdentityAnswer
from functions.customers.service import get_customer
from functions.platform.web import started
from tests.builders.api import Api
from tests.builders.customers import a_customer, phone, resident_id

TIMES_OUT = "+861000006"


class LateAnswer:
    sandbox = True

    def __init__(self, *, match=True):
        self.match, self.asked = match, []

    def check(self, applicant):
        self.asked.append(applicant)
        return IdentityAnswer("late", "ref-9", details_match=self.match, watch_listed=False)


@pytest.fixture
def api(platform):
    return Api(blueprint)


@pytest.fixture
def pending(platform):
    return a_customer(phone=phone(TIMES_OUT))


def check_again(api, platform, customer, **options):
    return api.post("/v1/me/identity-check", {}, token=platform.customer_token(customer.id), **options)


def decide(api, platform, customer, decision="verified", **options):
    body = {"decision": decision, "reason": "saw the passport"}
    return api.post(
        f"/v1/customers/{customer.id}/identity",
        body,
        token=platform.staff_token("reviewer", subject="stf_7"),
        **options,
    )


@pytest.mark.parametrize(("match", "status"), [(True, "verified"), (False, "identity_failed")])
def test_a_later_answer_decides_on_the_details_given_at_sign_up(api, platform, pending, match, status):
    late = platform.box._ports["identity_check"] = LateAnswer(match=match)
    platform.events()
    reply = check_again(api, platform, pending)
    assert (reply.status, reply["status"], reply["version"]) == (200, status, 2)
    (asked,) = late.asked
    assert (asked.name, asked.document_type) == ("王小明", "resident_id")
    assert [event.type for event in platform.events()] == ["customer.identity_decided"]


def test_still_no_answer_is_still_pending_and_may_be_tried_again(api, platform, pending):
    assert check_again(api, platform, pending)["status"] == "identity_pending"
    platform.box._ports["identity_check"] = LateAnswer()
    assert check_again(api, platform, pending)["status"] == "verified"


def test_the_same_command_asks_once(api, platform, pending):
    late = platform.box._ports["identity_check"] = LateAnswer()
    first = check_again(api, platform, pending, key="k")
    again = check_again(api, platform, pending, key="k")
    assert (again.body, again.replayed) == (first.body, True)
    assert len(late.asked) == 1


def test_while_one_asks_another_waits(api, platform, pending):
    class Slow(LateAnswer):
        def check(self, applicant):
            self.inner = check_again(api, platform, pending)
            return super().check(applicant)

    slow = platform.box._ports["identity_check"] = Slow()
    assert check_again(api, platform, pending)["status"] == "verified"
    assert (slow.inner.status, slow.inner["code"]) == (409, "in_progress")


def test_who_read_before_another_finished_does_not_ask_again(api, platform, pending, monkeypatch):
    late = platform.box._ports["identity_check"] = LateAnswer()

    def begin(*arguments):
        monkeypatch.setattr(service, "begin", started.begin)
        assert check_again(api, platform, pending)["status"] == "verified"
        return started.begin(*arguments)

    monkeypatch.setattr(service, "begin", begin)
    reply = check_again(api, platform, pending)
    assert (reply.status, reply["code"]) == (409, "state_changed")
    assert len(late.asked) == 1


def test_a_person_may_decide(api, platform, pending):
    reply = decide(api, platform, pending)
    assert (reply.status, reply["status"]) == (200, "verified")
    found = get_customer(pending.id).identity
    assert (found.provider, found.reference) == ("staff:stf_7", "saw the passport")


def test_a_person_may_refuse_and_the_customer_hears_no_more_than_that(api, platform, pending):
    reply = decide(api, platform, pending, "failed")
    assert reply["identity"]["reasons"] == ["not_accepted"]
    assert "passport" not in str(reply.body)


@pytest.mark.parametrize("by", [check_again, decide])
def test_what_is_decided_stays_decided(api, platform, by):
    customer = a_customer()
    reply = by(api, platform, customer)
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "identity_decided", "verified")


def test_a_replayed_verdict_is_the_same_and_another_body_is_refused(api, platform, pending):
    first = decide(api, platform, pending, key="k")
    assert decide(api, platform, pending, key="k").body == first.body
    assert decide(api, platform, pending, "failed", key="k")["code"] == "idempotency_key_reused"


def test_once_verified_the_document_is_claimed(api, platform):
    document = resident_id()
    first, second = (a_customer(phone=phone(TIMES_OUT), document_number=document) for _ in range(2))
    assert decide(api, platform, first)["status"] == "verified"
    reply = decide(api, platform, second)
    assert (reply.status, reply["code"]) == (409, "already_registered")
    assert get_customer(second.id).status == "identity_pending"


def test_nobody_is_verified_who_is_not_there(api, platform):
    body = {"decision": "verified", "reason": "x"}
    token = platform.staff_token("reviewer")
    for nobody in ("cus_" + "0" * 26, "cus_nonsense", "mer_" + "0" * 26):
        assert api.post(f"/v1/customers/{nobody}/identity", body, token=token).status == 404
