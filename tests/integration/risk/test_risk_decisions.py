"""A risk decision explained and made again bit for bit, after rules and model have changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.payments.store import AuthorizationItem
from functions.risk.fraud import score as fraud_score
from functions.risk.record import unpack
from functions.risk.rule_life import live
from functions.risk.rule_life.replay_service import decide_again, replay_decision
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.integration.risk.test_rules_api import Staff


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform, None)


def decision(shop: Shop, authorization_id: str, rest: str = "") -> dict[str, object]:
    token = shop.platform.staff_token("auditor")
    body: dict[str, object] = shop.api.get(f"/v1/risk-decisions/{authorization_id}{rest}", token=token).body
    return body


def test_a_decision_is_explained_by_its_rules_and_its_model(shop: Shop) -> None:
    auth = shop.api.post(
        "/v1/authorizations", {**shop.pay_body(60_000), "device": {"id": "a-phone-of-hers"}}, token=shop.key
    )
    told = decision(shop, auth["id"])
    assert (told["outcome"], told["trusted"], told["blocked"]) == ("approve", False, False)
    assert told["signals"]["amount_minor"] == 60_000
    assert told["signals"]["device_known"] is False
    score = told["score"]
    assert score["inputs"]["amount_to_usual"] == 0.75
    assert set(score["inputs"]) == set(score["contributions"])
    assert told["signals"]["fraud_score_bps"] == score["score_bps"]


def test_it_comes_out_the_same_after_the_rules_have_changed(shop: Shop) -> None:
    before = shop.authorize(60_000)
    shop.settle()
    Staff(shop).carried()
    after = shop.authorize(60_000)
    live.forget()
    assert (before["status"], after["status"]) == ("approved", "held")
    replays = [decision(shop, each["id"], "/replay") for each in (before, after)]
    assert [replay["identical"] for replay in replays] == [True, True]
    assert replays[0]["ruleset"] != replays[1]["ruleset"]


@pytest.fixture
def another_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Puts a model of another version in the place of the package's release."""

    def deploy() -> None:
        folder = tmp_path / "fraud"
        shutil.copytree(fraud_score.MODEL_FOLDER, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, "version": "fraud-000000000000"}))
        monkeypatch.setattr(fraud_score, "MODEL_FOLDER", folder)
        fraud_score.unload()

    yield deploy
    monkeypatch.undo()
    fraud_score.unload()


def test_it_comes_out_the_same_after_the_model_has_changed(shop: Shop, another_release: Callable[[], None]) -> None:
    version = fraud_score.load_model().version
    auth = shop.authorize(60_000)
    another_release()  # the release before it is carried on
    after = shop.authorize(60_000)
    replays = [decision(shop, each["id"], "/replay") for each in (auth, after)]
    assert [(replay["identical"], replay["model_version"]) for replay in replays] == [
        (True, version),
        (True, "fraud-000000000000"),
    ]


def test_a_decision_whose_model_is_no_longer_carried_says_so(
    shop: Shop, another_release: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = shop.authorize(60_000)
    another_release()
    monkeypatch.setattr(fraud_score, "shipped", dict)
    token = shop.platform.staff_token("auditor")
    gone = shop.api.get(f"/v1/risk-decisions/{auth['id']}/replay", token=token)
    assert (gone.status, gone["code"]) == (409, "model_not_kept")


def test_a_record_that_was_tampered_with_does_not_come_out_the_same(shop: Shop) -> None:
    auth = shop.authorize(60_000)
    item = shop.platform.tables.get(AuthorizationItem, auth["id"])
    record, rules = live.read_record(item.decision)
    raw = bytearray(item.decision)
    place = bytes(raw).index(record.bits)
    raw[place] ^= 1  # the first rule is said to have matched
    shop.platform.client("dynamodb").update_item(
        TableName="whitenote", Key={"pk": {"S": auth["id"]}, "sk": {"S": "-"}},
        UpdateExpression="SET dr = :d", ExpressionAttributeValues={":d": {"B": bytes(raw)}},
    )  # fmt: skip
    assert unpack(bytes(raw), rules).bits != record.bits
    assert replay_decision(auth["id"])["differences"] == ["rules"]


def test_trust_and_canaries_are_part_of_what_is_made_again(platform: Platform) -> None:
    shop = a_shop(platform)
    auth = shop.authorize(60_000)
    again = decide_again(auth["id"])
    assert again.record.listed.trusted
    assert again.differences() == []


def test_an_order_that_credit_refused_has_no_risk_decision(shop: Shop) -> None:
    auth = shop.authorize(shop.line()["available_minor"] + 100_000)
    token = shop.platform.staff_token("auditor")
    assert shop.api.get(f"/v1/risk-decisions/{auth['id']}", token=token).status == 404
