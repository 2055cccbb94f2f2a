"""Applications through HTTP: decided by the real model, one line per currency, replayed by key."""

from __future__ import annotations

from typing import Any

from functions.credit.replay import replay
from functions.credit.service import decision_record
from functions.customers import magic
from tests.builders.api import Reply
from tests.builders.customers import sign_up
from tests.builders.platform import Platform
from tests.builders.shop import a_shop, all_api


def test_an_approved_applicant_gets_a_line_whose_parts_add_up(platform: Platform) -> None:
    shop = a_shop(platform)
    assert shop.application["status"] == "approved"
    line = shop.line()
    assert line["limit_minor"] == shop.application["limit_minor"] > 0
    assert (line["available_minor"], line["held_minor"], line["outstanding_minor"]) == (line["limit_minor"], 0, 0)


def test_a_declined_applicant_hears_why_and_gets_no_line(platform: Platform) -> None:
    shop = a_shop(platform, magic.DECLINED)
    assert shop.application["status"] == "declined"
    assert shop.application["reasons"] and all(r["text_en"] and r["text_zh"] for r in shop.application["reasons"])
    assert shop.api.get("/v1/me/credit-line", token=shop.customer).status == 404


def test_a_bureau_that_times_out_refers_and_never_approves(platform: Platform) -> None:
    assert a_shop(platform, magic.BUREAU_TIMES_OUT).application["status"] == "referred"


STATED = {
    "currency": "CNY", "requested_limit_minor": 3_000_000, "income_minor": 1_200_000, "expenses_minor": 300_000,
    "assets_minor": 30_000_000, "debts_minor": 0, "housing": "owner", "job": "fixed", "seniority_years": 12.5,
}  # fmt: skip


def apply_as(platform: Platform, ending: str, consents: list[str], **stated: object) -> dict[str, object]:
    """An ordinary person's application; the document number's last four digits make the sandbox's answers."""
    api = all_api()
    person = api.post(
        "/v1/customers",
        sign_up(document_type="passport", country="DE", document_number=f"P{ending}", zone="Europe/Berlin",
                phone=f"+4915100{ending}", consents=consents),
    )  # fmt: skip
    assert person.status == 201, person.body
    token = platform.customer_token(person["id"])
    reply = api.post("/v1/credit-applications", {**STATED, **stated}, token=token)
    assert reply.status == 201, reply.body
    body: dict[str, object] = reply.body
    return body


def test_an_ordinary_applicant_is_asked_for_at_the_bureau(platform: Platform) -> None:
    assert apply_as(platform, "10001111", ["bureau_query"])["status"] == "approved"


def test_an_open_default_at_the_bureau_declines(platform: Platform) -> None:
    declined = apply_as(platform, "10009004", ["bureau_query"])
    assert (declined["status"], declined["limit_minor"]) == ("declined", 0)


def test_nobody_is_asked_without_consent_and_the_limit_is_a_thin_files(platform: Platform) -> None:
    known = apply_as(platform, "10001112", ["bureau_query"])
    unknown = apply_as(platform, "10001113", [])
    assert unknown["limit_minor"] < known["limit_minor"]


def test_income_over_the_threshold_is_verified(platform: Platform) -> None:
    proven = apply_as(platform, "10001114", ["bureau_query"], income_minor=4_000_000)
    unproven = apply_as(platform, "10009102", ["bureau_query"], income_minor=4_000_000)
    assert proven["status"] == "approved"
    assert unproven["limit_minor"] <= proven["limit_minor"]


def test_a_try_that_looked_before_another_finished_asks_nobody_and_gets_the_same_answer(platform: Platform) -> None:
    shop = a_shop(platform, None)
    tables, original = platform.tables, platform.tables.dispatch
    body = {"currency": "USD", "requested_limit_minor": 100_000}
    inner: list[Reply] = []

    def dispatch(operation: str, arguments: dict[str, Any]) -> Any:
        found = original(operation, arguments)
        if operation == "GetItem" and "capp_" in repr(arguments) and not inner:
            del tables.dispatch
            inner.append(shop.api.post("/v1/credit-applications", body, token=shop.customer, key="same"))
            platform.box._ports["credit_bureau"] = None  # who asks it again breaks
        return found

    tables.dispatch = dispatch  # type: ignore[method-assign]
    outer = shop.api.post("/v1/credit-applications", body, token=shop.customer, key="same")
    assert inner and (inner[0].status, inner[0].replayed) == (201, False)
    assert (outer.status, outer.replayed, outer.body) == (201, True, inner[0].body)


def test_a_bureau_that_does_not_answer_refers_an_ordinary_applicant(platform: Platform) -> None:
    assert apply_as(platform, "10009006", ["bureau_query"])["status"] == "referred"


def test_a_second_application_in_the_same_currency_is_refused(platform: Platform) -> None:
    shop = a_shop(platform)
    body = {"currency": "CNY", "requested_limit_minor": 100_000}
    reply = shop.api.post("/v1/credit-applications", body, token=shop.customer)
    assert (reply.status, reply["code"]) == (409, "line_exists")


def test_the_decision_replays_bit_for_bit_from_its_record(platform: Platform) -> None:
    shop = a_shop(platform)
    record = decision_record(shop.application["id"], shop.customer_id)
    assert replay(record).record == record


def test_an_applicants_statements_are_nowhere_in_clear(platform: Platform) -> None:
    a_shop(platform)
    stored = repr(platform.items())
    assert "income_minor" not in stored
    assert "1500000" not in stored


def test_another_customer_cannot_read_an_application(platform: Platform) -> None:
    shop, other = a_shop(platform), a_shop(platform)
    reply = shop.api.get(f"/v1/credit-applications/{shop.application['id']}", token=other.customer)
    assert reply.status == 404
