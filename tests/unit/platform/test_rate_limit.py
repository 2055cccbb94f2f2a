"""Allowances: spent one by one, earned by the second, told on the answer."""

from __future__ import annotations

import pytest

from functions.platform.web.rate_limit import DEFAULTS, Buckets, Policy, RateLimitedError, policies_of

POLICY = Policy("key", 10, 20)


def test_a_rested_principal_has_its_burst_and_then_what_it_earns() -> None:
    buckets = Buckets()
    first = [buckets.spend(POLICY, "a", 0.0) for _ in range(21)]
    assert [s.allowed for s in first] == [True] * 20 + [False]
    assert [s.left for s in first[-3:]] == [1, 0, 0]
    later = [buckets.spend(POLICY, "a", 0.35).allowed for _ in range(4)]
    assert later == [True, True, True, False]


def test_a_refused_request_costs_nothing() -> None:
    buckets = Buckets()
    for _ in range(20):
        buckets.spend(POLICY, "a", 0.0)
    for _ in range(50):
        assert not buckets.spend(POLICY, "a", 0.0).allowed
    assert buckets.spend(POLICY, "a", 0.1).allowed


def test_no_rest_makes_more_than_the_burst() -> None:
    buckets = Buckets()
    buckets.spend(POLICY, "a", 0.0)
    assert buckets.spend(POLICY, "a", 1e6).left == 19


def test_one_principal_does_not_spend_anothers() -> None:
    buckets = Buckets()
    for _ in range(25):
        buckets.spend(POLICY, "a", 0.0)
    assert buckets.spend(POLICY, "b", 0.0).left == 19


def test_headers_say_the_policy_and_what_is_left() -> None:
    buckets = Buckets()
    spent = [buckets.spend(POLICY, "a", 0.0) for _ in range(3)][-1]
    assert spent.headers == {"RateLimit-Policy": '"key";q=20;w=2', "RateLimit": '"key";r=17;t=1'}


def test_a_request_too_many_says_when_to_come_back() -> None:
    buckets = Buckets()
    spent = [buckets.spend(Policy("key", 1, 1), "a", 0.0) for _ in range(2)]
    spent[0].require_allowed()
    with pytest.raises(RateLimitedError) as refused:
        spent[1].require_allowed()
    assert refused.value.retry_after_s == 1


def test_a_deployment_may_set_its_own() -> None:
    changed = policies_of("merchant=5:9 staff=1:2")
    assert (changed["merchant"], changed["staff"]) == (Policy("key", 5, 9), Policy("staff", 1, 2))
    assert changed["customer"] == DEFAULTS["customer"]


@pytest.mark.parametrize("text", ["merchant=0:9", "merchant=5", "nobody=1:1", "merchant=a:b"])
def test_a_setting_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|unpack|literal"):
        policies_of(text)
