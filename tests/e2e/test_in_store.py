"""A till on the platform of production's template: one code in a rush, the phone's word, the sweep, the undo."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.builders.phone import Phone
from tests.builders.remote import Newcomer, RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")
TILLS = 20


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    shop = RemoteShop(running_platform)
    # a rush finds warm functions, as it would in a shop; a cold one under load may answer 503, which is retried
    eventually("the payment API", lambda: shop.call("GET", "/v1/authorizations", token=shop.key).status_code == 200)
    return shop


def body(code: str, amount_minor: int, reference: str | None = None) -> dict[str, Any]:
    sale = reference or f"till-{time.time_ns()}"
    return {"code": code, "amount_minor": amount_minor, "currency": "CNY", "terminal_id": "till-1", "reference": sale}


def send(shop: RemoteShop, sale: dict[str, Any]) -> httpx.Response:
    """As a till does: with the sale's own key, and again as long as the answer is 503 or none came."""

    def answered() -> httpx.Response | None:
        answer = shop.call("POST", "/v1/in-store/payments", sale, token=shop.key, key=sale["reference"])
        return answer if answer.status_code != 503 else None

    answer: httpx.Response = eventually("an answer", answered)
    return answer


def a_phone(shop: RemoteShop, who: Newcomer) -> Phone:
    return Phone.of(shop.post("/v1/me/devices", {"name": "phone"}, token=who.token))


def test_one_code_at_twenty_tills_at_once_pays_once(shop: RemoteShop) -> None:
    who = shop.newcomer()
    code = a_phone(shop, who).code(datetime.now(UTC))
    bodies = [body(code, 1_000) for _ in range(TILLS)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: send(shop, one), bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (TILLS - 1)
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"code_used", "code_expired"}
    assert shop.line(who)["held_minor"] == 1_000


def test_twenty_copies_of_one_sale_are_one_payment(shop: RemoteShop) -> None:
    who = shop.newcomer()
    one = body(a_phone(shop, who).code(datetime.now(UTC)), 2_000)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(shop, one), range(TILLS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["authorization_id"] for answer in answers}) == 1
    assert shop.line(who)["held_minor"] == 2_000


def test_the_phone_confirms_and_the_shop_completes_and_undoes(shop: RemoteShop) -> None:
    who = shop.newcomer()
    code = shop.post("/v1/me/payment-codes", {}, token=who.token)["code"]
    paid = shop.post("/v1/in-store/payments", body(code, 120_000), token=shop.key)
    assert paid["status"] == "awaiting_confirmation"
    (shown,) = shop.get("/v1/me/in-store", who.token)["data"]
    yes = {"agreement_hash": shown["agreement"]["hash"]}
    shop.post(f"/v1/me/in-store/{paid['reference']}/confirm", yes, token=who.token, status=200)
    path = f"/v1/in-store/payments/{paid['reference']}"
    assert shop.post(f"{path}/complete", {}, token=shop.key, status=200)["status"] == "captured"
    assert shop.post(f"{path}/reverse", {}, token=shop.key, status=200)["status"] == "reversed"
    assert shop.get(path, shop.key)["refund_id"].startswith("ref_")
    line = shop.line(who)
    assert line["available_minor"] == line["limit_minor"]


def test_a_sale_is_captured_by_the_clock_and_the_queue_only_asks(shop: RemoteShop) -> None:
    who = shop.newcomer()
    paid = shop.post("/v1/in-store/payments", body(a_phone(shop, who).code(datetime.now(UTC)), 3_000), token=shop.key)
    sqs, queue = shop.platform.client("sqs"), shop.platform.ready["outputs"]["TillsQueueUrl"]
    early = json.dumps({"sale": paid["authorization_id"]})
    sqs.send_message(QueueUrl=queue, MessageBody=early, DelaySeconds=0)
    eventually("the timer of the sale", lambda: _timer(shop, paid["authorization_id"]))
    shop.pass_time(timedelta(hours=2))  # under way it would move time under the tests that follow
    path = f"/v1/in-store/payments/{paid['reference']}"
    done = eventually("the capture", lambda: _when(shop.get(path, shop.key), "captured"))
    assert done["capture_id"]
    assert shop.line(who)["outstanding_minor"] == 3_000
    sqs.send_message(QueueUrl=queue, MessageBody=early, DelaySeconds=0)
    assert shop.get(path, shop.key) == done


def _timer(shop: RemoteShop, authorization_id: str) -> Any:
    key = {"pk": {"S": f"till_{authorization_id.partition('_')[2]}"}, "sk": {"S": "timer"}}
    table = shop.platform.ready["outputs"]["TableName"]
    return shop.platform.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def _when(payment: dict[str, Any], status: str) -> dict[str, Any] | None:
    return payment if payment["status"] == status else None
