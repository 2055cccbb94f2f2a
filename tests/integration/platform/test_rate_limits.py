"""Rate limits through HTTP: told on every answer, and refused with the time to come back."""

from __future__ import annotations

from tests.builders.platform import Platform, platform
from tests.builders.shop import a_merchant, all_api


def test_every_answer_to_a_known_principal_tells_what_is_left(platform: Platform) -> None:
    api = all_api()
    key = a_merchant(platform, api)["api_key"]["secret"]
    first, second = (api.get("/v1/api-keys", token=key) for _ in range(2))
    assert first.headers["ratelimit-policy"] == '"key";q=1000;w=5'
    left = [int(reply.headers["ratelimit"].split(";")[1].removeprefix("r=")) for reply in (first, second)]
    assert left[0] <= 999
    assert left[1] <= left[0]
    refused = api.get("/v1/me", token=platform.customer_token("cus_nobody"))
    assert refused.headers["ratelimit-policy"].startswith('"customer"')


def test_one_request_too_many_is_429_with_retry_after_and_changes_nothing() -> None:
    with platform(rate_limits="merchant=1:3") as small:
        api = all_api()
        key = a_merchant(small, api)["api_key"]["secret"]
        other = a_merchant(small, api)["api_key"]["secret"]
        replies = [api.post("/v1/api-keys", {}, token=key) for _ in range(5)]
        assert [reply.status for reply in replies[:3]] == [201, 201, 201]
        last = replies[-1]
        assert (last.status, last["code"], last.headers["retry-after"]) == (429, "rate_limited", "1")
        assert last.headers["ratelimit"].startswith('"key";r=0;t=')
        assert api.get("/v1/api-keys", token=other).status == 200
