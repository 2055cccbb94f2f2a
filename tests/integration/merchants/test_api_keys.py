"""API keys: shown once, rotated with overlap, gone at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from pynamodb.expressions.operand import Path

from functions.core.errors import UnauthorizedError
from functions.merchants.api import blueprint
from functions.merchants.keyring import MerchantKeysItem, require_current
from functions.merchants.store import KeyEntryItem
from functions.platform.authorizer import identify
from functions.platform.bus.workers import publish
from functions.platform.credentials import MERCHANT_SCOPES
from functions.platform.storage import keys
from functions.platform.storage.transactions import Update, WriteSet, commit
from functions.platform.web.context import Principal
from tests.builders.api import Api
from tests.builders.merchants import a_merchant


@pytest.fixture
def api(platform):
    return Api(blueprint)


@pytest.fixture
def shop(platform):
    return a_merchant()


def works(secret):
    try:
        return identify(f"Bearer {secret}")
    except UnauthorizedError:
        return None


def listed(api, token):
    return {row["id"]: row for row in api.get("/v1/api-keys", token=token)["data"]}


def test_a_new_key_is_shown_and_opens_what_it_was_made_for(api, shop, platform):
    platform.events()
    body = {"name": "till 3", "scopes": ["payments:read", "payments:write"]}
    reply = api.post("/v1/api-keys", body, token=shop.secret)
    assert (reply.status, reply["name"], reply["status"]) == (201, "till 3", "live")
    assert reply["hint"] == f"sk_test_…{reply['secret'][-4:]}"
    judged = works(reply["secret"])
    assert (judged["id"], judged["scopes"], judged["key_id"]) == (shop.id, "payments:read payments:write", reply["id"])
    (event,) = platform.events()
    assert (event.type, event.object_id, event.merchant_id) == ("api_key.created", reply["id"], shop.id)
    assert reply["secret"] not in repr(event)


def test_a_list_shows_no_key(api, shop, platform):
    reply = api.post("/v1/api-keys", {}, token=shop.secret)
    text = repr(api.get("/v1/api-keys", token=shop.secret).body)
    assert reply["secret"] not in text
    assert shop.secret not in text
    assert shop.secret not in repr(platform.items())


def test_without_scopes_it_has_those_of_the_calling_key(api, shop):
    small = api.post("/v1/api-keys", {"scopes": ["keys:write", "events:read"]}, token=shop.secret)
    smaller = api.post("/v1/api-keys", {}, token=small["secret"])
    assert smaller["scopes"] == ["events:read", "keys:write"]


def test_a_key_gives_no_more_than_it_has(api, shop):
    small = api.post("/v1/api-keys", {"scopes": ["keys:write"]}, token=shop.secret)
    reply = api.post("/v1/api-keys", {"scopes": ["payments:write"]}, token=small["secret"])
    assert (reply.status, reply["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("scopes", [["payments:all"], [], ["x"], "payments:read"])
def test_a_scope_that_is_none_is_refused(api, shop, scopes):
    assert api.post("/v1/api-keys", {"scopes": scopes}, token=shop.secret).status == 422


def test_a_replay_shows_the_same_key_for_ten_minutes_and_never_again(api, shop, platform):
    first = api.post("/v1/api-keys", {}, token=shop.secret, key="k")
    platform.clock.advance(timedelta(minutes=9, seconds=59))
    soon = api.post("/v1/api-keys", {}, token=shop.secret, key="k")
    platform.clock.advance(timedelta(seconds=1))
    late = api.post("/v1/api-keys", {}, token=shop.secret, key="k")
    assert (soon.body, soon.replayed) == (first.body, True)
    assert (late["id"], late["secret"], late.replayed) == (first["id"], None, True)
    assert len(listed(api, shop.secret)) == 2


def test_a_revoked_key_is_not_shown_again_even_within_ten_minutes(api, shop):
    made = api.post("/v1/api-keys", {}, token=shop.secret, key="k")
    api.delete(f"/v1/api-keys/{made['id']}", token=shop.secret)
    assert api.post("/v1/api-keys", {}, token=shop.secret, key="k")["secret"] is None


def test_the_same_key_with_another_body_is_refused(api, shop):
    api.post("/v1/api-keys", {}, token=shop.secret, key="k")
    reply = api.post("/v1/api-keys", {"name": "x"}, token=shop.secret, key="k")
    assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")


def test_twenty_at_once_make_one_key(shop):
    replies = []
    apis = [Api(blueprint) for _ in range(20)]
    threads = [
        threading.Thread(target=lambda a=a: replies.append(a.post("/v1/api-keys", {}, token=shop.secret, key="k")))
        for a in apis
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.status for reply in replies} == {201}
    assert len({reply["secret"] for reply in replies}) == 1
    assert sum(not reply.replayed for reply in replies) == 1


def test_ten_keys_are_the_most(api, shop):
    for _ in range(9):
        assert api.post("/v1/api-keys", {}, token=shop.secret).status == 201
    reply = api.post("/v1/api-keys", {}, token=shop.secret)
    assert (reply.status, reply["code"]) == (409, "too_many_keys")


def test_a_rotated_key_stays_good_for_its_overlap(api, shop, platform):
    (old,) = listed(api, shop.secret)
    new = api.post(f"/v1/api-keys/{old}/rotate", {"overlap_s": 3600}, token=shop.secret)
    assert (new.status, new["scopes"]) == (201, list(MERCHANT_SCOPES))
    rows = listed(api, new["secret"])
    assert (rows[old]["status"], rows[old]["rotated_to"]) == ("expiring", new["id"])
    assert rows[old]["expires_at"] == "2026-11-22T09:00:00.000Z"
    platform.clock.advance(timedelta(minutes=59))
    assert works(shop.secret)
    assert works(new["secret"])
    platform.clock.advance(timedelta(minutes=1))
    assert not works(shop.secret)
    assert works(new["secret"])
    assert listed(api, new["secret"])[old]["status"] == "expired"


def test_a_replayed_rotation_shows_the_same_new_key(api, shop):
    (old,) = listed(api, shop.secret)
    first = api.post(f"/v1/api-keys/{old}/rotate", {}, token=shop.secret, key="k")
    again = api.post(f"/v1/api-keys/{old}/rotate", {}, token=shop.secret, key="k")
    assert (again.body, again.replayed) == (first.body, True)
    assert len(listed(api, shop.secret)) == 2


def test_a_key_is_rotated_once(api, shop):
    (old,) = listed(api, shop.secret)
    api.post(f"/v1/api-keys/{old}/rotate", {}, token=shop.secret)
    reply = api.post(f"/v1/api-keys/{old}/rotate", {}, token=shop.secret)
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "key_not_live", "expiring")


def test_a_leaked_key_is_rotated_without_overlap(api, shop, platform):
    (old,) = listed(api, shop.secret)
    new = api.post(f"/v1/api-keys/{old}/rotate", {"overlap_s": 0}, token=shop.secret)
    assert not works(shop.secret)
    judged = works(new["secret"])
    assert judged["keys_version"] == "2"
    assert listed(api, new["secret"])[old]["status"] == "revoked"


@pytest.mark.parametrize("overlap_s", [-1, 7 * 86_400 + 1, 1.5, "60"])
def test_an_overlap_is_at_most_a_week(api, shop, overlap_s):
    (old,) = listed(api, shop.secret)
    assert api.post(f"/v1/api-keys/{old}/rotate", {"overlap_s": overlap_s}, token=shop.secret).status == 422


def principal(judged):
    return Principal(
        judged["kind"], judged["id"], frozenset(judged["scopes"].split()), judged["key_id"], int(judged["keys_version"])
    )


def test_a_deleted_key_is_refused_at_once_even_by_who_holds_an_old_judgement(api, shop, platform):
    other = api.post("/v1/api-keys", {}, token=shop.secret)
    before, mine = principal(works(other["secret"])), principal(works(shop.secret))
    reply = api.delete(f"/v1/api-keys/{other['id']}", token=shop.secret)
    assert (reply.status, reply["status"], reply["revoked_at"]) == (200, "revoked", "2026-11-22T08:00:00.000Z")
    assert not works(other["secret"])
    ring = platform.tables.get(MerchantKeysItem, keys.merchant_keys(shop.id))
    with pytest.raises(UnauthorizedError):
        require_current(before, ring)
    require_current(mine, ring)


def test_the_keys_that_stay_join_the_new_generation(api, shop, platform):
    """Else, after sixteen revocations in a merchant's life, its oldest key would be refused."""
    for _ in range(18):
        key = api.post("/v1/api-keys", {}, token=shop.secret)
        assert api.delete(f"/v1/api-keys/{key['id']}", token=shop.secret).status == 200
    judged = works(shop.secret)
    assert judged["keys_version"] == "19"
    require_current(principal(judged), platform.tables.get(MerchantKeysItem, keys.merchant_keys(shop.id)))


def test_deleting_again_changes_nothing(api, shop, platform):
    key = api.post("/v1/api-keys", {}, token=shop.secret)
    first = api.delete(f"/v1/api-keys/{key['id']}", token=shop.secret)
    before = platform.items()
    assert api.delete(f"/v1/api-keys/{key['id']}", token=shop.secret).body == first.body
    assert platform.items() == before


def test_the_last_key_is_not_deleted(api, shop):
    (only,) = listed(api, shop.secret)
    reply = api.delete(f"/v1/api-keys/{only}", token=shop.secret)
    assert (reply.status, reply["code"]) == (409, "last_key")
    assert works(shop.secret)


@pytest.mark.parametrize("what", ["rotate", "delete"])
def test_another_merchants_key_is_not_found(api, shop, what):
    foreign = next(iter(listed(api, a_merchant().secret)))
    for key_id in (foreign, "key_" + "0" * 26, "nonsense"):
        path = f"/v1/api-keys/{key_id}"
        reply = api.delete(path, token=shop.secret) if what == "delete" else api.post(
            f"{path}/rotate", {}, token=shop.secret
        )  # fmt: skip
        assert (reply.status, reply["code"]) == (404, "not_found")


def test_staff_give_a_key_to_who_lost_theirs(api, shop, platform):
    token = platform.staff_token("operator")
    reply = api.post(f"/v1/merchants/{shop.id}/api-keys", {"scopes": ["keys:write"]}, token=token)
    assert works(reply["secret"])["id"] == shop.id
    assert api.post("/v1/merchants/mer_nonsense/api-keys", {}, token=token).status == 404


def test_a_closed_merchant_gets_no_new_key(api, platform):
    shop = a_merchant(status="closed")
    reply = api.post("/v1/api-keys", {}, token=shop.secret)
    assert (reply.status, reply["code"]) == (409, "merchant_not_live")


def test_on_a_live_stage_keys_are_live_keys(api, platform):
    import dataclasses

    platform.box.settings = dataclasses.replace(platform.settings, stage="live")
    assert a_merchant().secret.startswith("sk_live_")


def test_last_use_is_noted_from_the_stream_at_most_once_an_hour(api, shop, platform):
    def used(key):
        return listed(api, shop.secret)[key]["last_used_at"]

    made = api.post("/v1/api-keys", {}, token=shop.secret)
    spare = api.post("/v1/api-keys", {}, token=shop.secret)
    publish(platform.records(reader="keys"))
    (first,) = [row for row in listed(api, shop.secret).values() if row["id"] not in {made["id"], spare["id"]}]
    assert (first["last_used_at"], used(made["id"])) == ("2026-11-22T08:00:00.000Z", None)
    for minutes, expected in ((0, "08:05"), (30, "08:05"), (30, "09:05")):
        platform.clock.advance(timedelta(minutes=minutes or 5))
        api.post("/v1/api-keys", {}, token=made["secret"])
        publish(platform.records(reader="keys"))
        assert used(made["id"]) == f"2026-11-22T{expected}:00.000Z"
    assert used(spare["id"]) is None


def test_what_others_do_later_to_the_same_object_is_not_the_keys_use(api, shop, platform):
    made = api.post("/v1/api-keys", {}, token=shop.secret)
    publish(platform.records(reader="keys"))
    platform.clock.advance(timedelta(hours=2))
    commit(platform.tables, WriteSet.of(Update(KeyEntryItem, shop.id, keys.key_entry(made["id"]), (Path("v").add(1),))))
    publish(platform.records(reader="keys"))
    assert {row["last_used_at"] for row in listed(api, shop.secret).values()} == {"2026-11-22T08:00:00.000Z", None}
