"""Champion and challenger of the fraud model: by the registry, the acts and the events of the credit models."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from functions.credit.models import report
from functions.credit.models.artifacts import release_of, shipped
from functions.credit.models.events import assess
from functions.credit.models.store import ShadowItem, read_registry, shadow_scores
from functions.payments.store import AuthorizationItem
from functions.platform.storage import keys
from functions.risk.fraud import score as fraud_score
from functions.risk.fraud.shadow import KEPT
from functions.risk.rule_life import live
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.builders.suspicion import suspect
from tests.integration.checkout.test_risk_in_authorization import attack
from tests.integration.risk.test_casework import decide, the_case

RELEASE = release_of("fraud").version
CHALLENGER = next(one.version for one in shipped().values() if one.model == "fraud" and not one.released)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform, None)


def act(shop: Shop, what: str, *, by: str, role: str = "modeller") -> Reply:
    token = shop.platform.staff_token(role, subject=by)
    reply: Reply = shop.api.post(f"/v1/models/{CHALLENGER}/{what}", {"reason": "tested"}, token=token)
    return reply


def read(shop: Shop, rest: str = "") -> Reply:
    reply: Reply = shop.api.get(f"/v1/models{rest}", token=shop.platform.staff_token("modeller"))
    return reply


def promoted(shop: Shop) -> None:
    act(shop, "challenge", by="ann")
    act(shop, "propose", by="ann")
    assert act(shop, "promote", by="bob", role="risk_admin")["role"] == "champion"


def asked(shop: Shop) -> list[dict[str, Any]]:
    """What the stream's consumer has put on the assessments queue."""
    shop.settle()
    return shop.platform.drain(shop.platform.settings.assessments_queue_url)


def assessed(bodies: list[dict[str, Any]]) -> None:
    records = [{"messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(bodies)]
    assert assess({"Records": records}) == {"batchItemFailures": []}


def scored_by(shop: Shop, authorization_id: str) -> str:
    item = shop.platform.tables.get(AuthorizationItem, authorization_id)
    scored = live.read_record(item.decision)[0].scored
    assert scored is not None
    return scored.model_version


def replayed(shop: Shop, authorization_id: str) -> tuple[bool, str]:
    token = shop.platform.staff_token("auditor")
    replay = shop.api.get(f"/v1/risk-decisions/{authorization_id}/replay", token=token)
    return replay["identical"], replay["model_version"]


def test_while_there_is_no_challenger_nobody_is_asked(shop: Shop) -> None:
    shop.authorize(60_000)
    assert asked(shop) == []
    act(shop, "challenge", by="ann")
    act(shop, "withdraw", by="ann")
    shop.authorize(60_000)
    assert asked(shop) == []


def test_a_challenger_judges_every_decided_order_beside_the_champion_and_nobody_hears(shop: Shop) -> None:
    act(shop, "challenge", by="ann")
    orders = [shop.authorize(60_000)["id"], shop.authorize(70_000)["id"]]
    shop.authorize(shop.line()["available_minor"] + 100_000)  # credit said no: no model had a say
    bodies = asked(shop)
    assert sorted(each for body in bodies for each in body["authorizations"]) == sorted(orders)
    before = {each: scored_by(shop, each) for each in orders}
    with shop.platform.metered() as meter:
        assessed(bodies)
    assert meter.requests == ["GetItem", "BatchGetItem", "TransactWriteItems"]
    assert meter.write_units == 2 * len(orders)
    assessed(bodies)  # delivered twice
    assert shop.platform.events() == []
    assert set(before.values()) == {RELEASE}
    found = read(shop, f"/{CHALLENGER}/compare")
    assert (found["champion"], found["cases"], found["agreement"]) == (RELEASE, 2, 1.0)
    assert found["matrix"] == [{"champion": "approved", "challenger": "approved", "cases": 2}]
    assert [(week["week"], week["cases"]) for week in found["weeks"]] == [("2026-W47", 2)]
    assert sum(bin_["challenger"] for bin_ in found["scores"]) == 2


def test_the_challenger_is_given_what_the_decision_stored_not_what_is_known_by_now(shop: Shop) -> None:
    act(shop, "challenge", by="ann")
    order = shop.authorize(60_000)["id"]
    shop.settle()
    attack(shop)  # would be a held order by now
    assessed([{"kind": "orders_decided", "authorizations": [order]}])
    [row] = read(shop, f"/{CHALLENGER}/compare")["matrix"]
    assert row == {"champion": "approved", "challenger": "approved", "cases": 1}
    case = shop.platform.tables.get(ShadowItem, keys.shadow(CHALLENGER), order)
    stored = live.read_record(shop.platform.tables.get(AuthorizationItem, order).decision)[0].scored
    assert case.figures["challenger"]["logit"] == fraud_score.model_of(CHALLENGER).score(stored.inputs).logit
    assert case.ttl == int((shop.platform.clock.wall() + KEPT).timestamp())


def test_an_order_is_judged_when_it_is_new_and_not_at_its_later_changes(shop: Shop) -> None:
    act(shop, "challenge", by="ann")
    order = shop.authorize(60_000)["id"]
    assert len(asked(shop)) == 1
    assert shop.capture(order, 60_000).status == 201
    assert asked(shop) == []


def test_what_a_case_finds_out_is_in_the_comparison(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    act(shop, "challenge", by="ann")
    good = shop.authorize(60_000)["id"]
    shop.settle()
    attack(shop)
    assert shop.authorize(60_000)["status"] == "held"
    assessed(asked(shop))
    assert read(shop, f"/{CHALLENGER}/compare")["outcomes"]["known"] == 0
    assert decide(shop, the_case(shop), "decline", outcome="confirmed_fraud").status == 200
    suspect(shop, "velocity", "line", "alert", "suspend", "open_case", order=good)
    assert decide(shop, the_case(shop), "approve", outcome="cleared").status == 200
    outcomes = read(shop, f"/{CHALLENGER}/compare")["outcomes"]
    assert (outcomes["known"], outcomes["bad"]) == (2, 1)
    assert outcomes["stopped"]["champion"] == {"bad": 1, "good": 0, "bad_minor": {"CNY": 60_000}}
    assert outcomes["stopped"]["challenger"] == outcomes["stopped"]["champion"]
    assert outcomes["auc"] == {"champion": 1.0, "challenger": 1.0}
    monkeypatch.setattr(report, "MOST_CASES", 0)  # labels are few among many orders: a sample seldom holds them
    beyond = read(shop, f"/{CHALLENGER}/compare")
    assert (beyond["cases"], beyond["outcomes"]) == (0, outcomes)


def test_two_persons_promote_and_orders_before_and_after_come_out_the_same(shop: Shop) -> None:
    before = shop.authorize(60_000)["id"]
    act(shop, "challenge", by="ann")
    assert act(shop, "promote", by="ann", role="risk_admin")["code"] == "nothing_proposed"
    act(shop, "propose", by="ann")
    assert act(shop, "promote", by="ann", role="risk_admin")["code"] == "same_person"
    assert act(shop, "promote", by="bob", role="risk_admin")["role"] == "champion"
    told = [event for event in shop.platform.events() if event.type.startswith("model.")]
    assert [event.type for event in told] == ["model.challenged", "model.proposed", "model.promoted"]
    assert told[-1].data == {"what": "promoted", "version": CHALLENGER, "champion": CHALLENGER}
    after = shop.authorize(60_000)["id"]
    token = shop.platform.staff_token("risk_admin", subject="carl")
    back = shop.api.post(f"/v1/models/{CHALLENGER}/roll-back", {"reason": "too many held"}, token=token)
    assert back["role"] == "candidate"
    last = shop.authorize(60_000)["id"]
    assert [replayed(shop, each) for each in (before, after, last)] == [
        (True, RELEASE), (True, CHALLENGER), (True, RELEASE)
    ]  # fmt: skip


def test_a_container_learns_of_a_new_champion_within_half_a_minute_and_asks_nothing_more(shop: Shop) -> None:
    shop.authorize(60_000)
    before = live.live()
    promoted(shop)
    live._copy.live, live._copy.read_at = before, time.monotonic()  # another container, that has just read
    assert scored_by(shop, shop.authorize(60_000)["id"]) == RELEASE
    live._copy.read_at -= live.CACHED_S + 1
    with shop.platform.metered() as meter:
        live.live()
    assert meter.requests == ["BatchGetItem"]
    assert scored_by(shop, shop.authorize(60_000)["id"]) == CHALLENGER


def test_with_another_champion_an_order_is_still_two_requests(shop: Shop) -> None:
    promoted(shop)
    shop.authorize(60_000)
    body = shop.pay_body(60_000)
    with shop.platform.metered() as meter:
        order = shop.api.post("/v1/authorizations", body, token=shop.key)
    assert [r for r in meter.requests if r != "GetItem"] == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 4
    assert scored_by(shop, order["id"]) == CHALLENGER


def test_a_package_that_does_not_carry_the_champion_scores_by_its_release_and_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(shop)
    fraud_score.unload()
    monkeypatch.setattr(fraud_score, "shipped", dict)
    order = shop.authorize(60_000)
    assert (order["status"], scored_by(shop, order["id"])) == ("approved", RELEASE)


def test_a_package_that_does_not_carry_the_challenger_compares_nothing_and_fails_no_message(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(shop, "challenge", by="ann")
    shop.authorize(60_000)
    bodies = asked(shop)
    fraud_score.unload()
    monkeypatch.setattr(fraud_score, "shipped", dict)
    assessed(bodies)
    assert shadow_scores(CHALLENGER, 10) == []


def test_a_live_stage_promotes_no_model_that_learned_from_made_up_people_but_goes_back_to_its_release(
    shop: Shop,
) -> None:
    promoted(shop)
    shop.platform.box.settings = replace(shop.platform.settings, stage="live")
    assert act(shop, "roll-back", by="carl")["role"] == "candidate"
    assert read_registry("fraud")[0].champion == RELEASE
    act(shop, "challenge", by="ann")
    act(shop, "propose", by="ann")
    assert act(shop, "promote", by="bob", role="risk_admin")["code"] == "simulated_model"


def test_the_fraud_model_is_read_as_any_other_and_its_drift_is_not_counted(shop: Shop) -> None:
    model = read(shop, f"/{RELEASE}")
    assert (model["model"], model["role"], model["simulated"]) == ("fraud", "champion", True)
    assert model["card"].startswith(f"# Fraud model {RELEASE}")
    drift = read(shop, f"/{RELEASE}/drift")
    assert (drift["rows"], drift["enough"], drift["quantities"], drift["reports"]) == (0, False, [], [])


def test_a_queue_that_takes_nothing_delays_no_order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    act(shop, "challenge", by="ann")
    shop.authorize(60_000)
    settings = replace(shop.platform.settings, assessments_queue_url="http://localhost/none")
    monkeypatch.setattr(shop.platform.box, "settings", settings)
    assert "authorization.approved" in shop.settle()
