"""The whole purchase on the platform that production's template makes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.customers import magic
from tests.builders.remote import RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def test_a_shopper_buys_and_the_books_show_it(shop: RemoteShop) -> None:
    who = shop.newcomer()
    auth = shop.authorize(who, 129_900, term=6)
    assert auth["status"] == "approved"
    capture = shop.post(f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": 129_900}, token=shop.key)
    assert sum(row["principal_minor"] for row in capture["schedule"]) == 129_900
    assert shop.line(who)["outstanding_minor"] == 129_900
    listed = eventually(
        "the list row",
        lambda: [a for a in shop.get("/v1/authorizations?limit=100", shop.key)["data"] if a["id"] == auth["id"]],
    )
    assert listed[0]["status"] == "captured"
    entry = eventually(
        "the logged entry",
        lambda: shop.get(f"/v1/ledger/entries?owner={who.id}", shop.staff("auditor"))["data"],
    )[0]
    path = f"/v1/ledger/entries/{entry['id']}"
    eventually("its place in the log", lambda: shop.call("GET", path, token=shop.staff("auditor")).status_code == 200)
    assert shop.get(path, shop.staff("auditor"))["log"]
    balance = shop.get("/v1/ledger/trial-balance", shop.staff("auditor"))
    assert all(currency["difference_minor"] == 0 for currency in balance["currencies"])


def test_a_watched_shoppers_order_waits_for_a_person(shop: RemoteShop) -> None:
    who = shop.newcomer(magic.HELD)
    # she is an ordinary shopper until the stream has put her on the list
    auth = eventually("a hold", lambda: _held(shop, who))
    case = eventually("the case", lambda: _case(shop, auth["id"]))
    shop.post(f"/v1/reviews/{case['id']}/approve", {"reason": "known"}, token=shop.staff("reviewer"), status=200)
    assert shop.get(f"/v1/authorizations/{auth['id']}", shop.key)["status"] == "approved"


def _held(shop: RemoteShop, who: object) -> dict[str, object] | None:
    auth = shop.authorize(who, 30_000)  # type: ignore[arg-type]
    return auth if auth["status"] == "held" else None


def _case(shop: RemoteShop, authorization_id: str) -> dict[str, object] | None:
    cases = shop.get("/v1/reviews?limit=100", shop.staff("reviewer"))["data"]
    return next((case for case in cases if case["authorization_id"] == authorization_id), None)


def test_a_rush_of_orders_is_suspended_and_told_to_merchant_and_staff(shop: RemoteShop) -> None:
    who = shop.newcomer()
    orders = [shop.authorize(who, 10_000 + i)["id"] for i in range(9)]

    def suspended() -> list[str]:
        return [o for o in orders if shop.get(f"/v1/authorizations/{o}", shop.key)["suspension"]]

    stopped = eventually("a suspension", suspended)
    refused = shop.call("POST", f"/v1/authorizations/{stopped[0]}/captures", {"amount_minor": 1}, token=shop.key)
    assert (refused.status_code, refused.json()["code"]) == (409, "authorization_suspended")
    alerts = eventually("the alert", lambda: shop.get("/v1/alerts?limit=100", shop.staff("reviewer"))["data"])
    assert {a["authorization_id"] for a in alerts} & set(stopped)


def test_twenty_copies_of_one_request_are_one_authorization(shop: RemoteShop) -> None:
    who = shop.newcomer()
    body = shop.pay_body(who, 60_000)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: shop.call("POST", "/v1/authorizations", body, token=shop.key, key=body["reference"]),
                range(20),
            )
        )
    assert {a.status_code for a in answers} == {201}, [a.text for a in answers if a.status_code != 201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert sum("idempotent-replayed" not in a.headers for a in answers) == 1
    assert shop.line(who)["held_minor"] == 60_000


def test_twenty_copies_of_one_capture_are_one_plan(shop: RemoteShop) -> None:
    who = shop.newcomer()
    auth = shop.authorize(who, 60_000)
    path, body = f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": 60_000}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.call("POST", path, body, token=shop.key, key=auth["id"]), range(20)))
    assert {a.status_code for a in answers} == {201}, [a.text for a in answers if a.status_code != 201]
    assert len({a.json()["plan_id"] for a in answers}) == 1
    assert shop.line(who)["outstanding_minor"] == 60_000


@pytest.mark.pain(22)
def test_parallel_orders_never_take_more_than_the_line_has(shop: RemoteShop) -> None:
    who = shop.newcomer()
    amount = who.limit_minor // 5 * 2
    bodies = [shop.pay_body(who, amount) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(lambda body: shop.post("/v1/authorizations", body, token=shop.key), bodies))
    promised = [o for o in orders if o["status"] == "approved"]
    line = shop.line(who)
    assert len(promised) == 2
    assert line["held_minor"] == 2 * amount
    assert line["available_minor"] >= 0


@pytest.mark.pain(23)
def test_one_key_with_two_amounts_has_one_effect(shop: RemoteShop) -> None:
    who = shop.newcomer()
    auth = shop.authorize(who, 60_000)
    path = f"/v1/authorizations/{auth['id']}/captures"
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda amount: shop.call("POST", path, {"amount_minor": amount}, token=shop.key, key=auth["id"]),
                (20_000, 30_000),
            )
        )
    assert sorted(a.status_code for a in answers) == [201, 422]
    assert shop.line(who)["outstanding_minor"] in {20_000, 30_000}


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status", "code"),
    [
        ("POST", "/v1/quotes", {}, b"{", 401, "unauthorized"),
        ("POST", "/v1/quotes", {"Authorization": "Bearer sk_test_nonsense"}, b"{}", 401, "unauthorized"),
        ("GET", "/v1/nothing-here", {}, b"", 404, "not_found"),
        ("POST", "/v1/quotes", {"Authorization": "KEY"}, b"{", 400, "malformed"),
        ("POST", "/v1/quotes", {"Authorization": "KEY"}, b'{"amount_minor": 1.5}', 422, "invalid"),
        ("POST", "/v1/quotes", {"Authorization": "KEY"}, b" " * 70_000, 413, "too_large"),
        ("POST", "/v1/checkouts", {"Authorization": "KEY"}, b"{}", 400, "malformed"),
        ("POST", "/v1/checkouts", {"Authorization": "KEY", "Idempotency-Key": "bad"}, b"{}", 422, "invalid"),
        ("DELETE", "/v1/quotes", {"Authorization": "KEY"}, b"", 404, "not_found"),
    ],
)
def test_bad_requests_are_refused_in_one_form(
    shop: RemoteShop, method: str, path: str, headers: dict[str, str], content: bytes, status: int, code: str
) -> None:
    sent = {name: f"Bearer {shop.key}" if value == "KEY" else value for name, value in headers.items()}
    answer = shop.http.request(method, path, content=content, headers={"Content-Type": "application/json", **sent})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
