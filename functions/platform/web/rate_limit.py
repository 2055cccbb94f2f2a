"""How often one principal may call: a token bucket per principal in each container, and no write for it.

Containers do not share their buckets: a principal spread over n of them may do n times as much, up to the stage's own
throttle. It is there so that one careless integration does not take a container for itself.
Source: draft-ietf-httpapi-ratelimit-headers-10 (RateLimit, RateLimit-Policy).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from types import MappingProxyType
from typing import Final

from functions.core.errors import TooManyRequestsError
from functions.platform.container import container
from functions.platform.web.context import Principal

_MOST_BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """One kind of principal's allowance.

    Args:
        name: As headers spell it.
        per_s: Requests a second in the long run.
        burst: Requests at once after a rest.
    """

    name: str
    per_s: int
    burst: int

    @property
    def header(self) -> str:
        """Value of `RateLimit-Policy`: so many, in the seconds it takes to earn them."""
        return f'"{self.name}";q={self.burst};w={ceil(self.burst / self.per_s)}'


DEFAULTS: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "merchant": Policy("key", 200, 1000),
        "customer": Policy("customer", 50, 500),
        "staff": Policy("staff", 50, 500),
    }
)


@lru_cache(maxsize=4)
def policies_of(text: str) -> Mapping[str, Policy]:
    """The defaults, changed by a deployment's setting.

    Args:
        text: For example "merchant=400:2000 customer=20:100": kind, requests a second, burst; "" for the defaults.

    Raises:
        ValueError: Another kind, or not two positive numbers.
    """
    out = dict(DEFAULTS)
    for part in text.split():
        kind, _, figures = part.partition("=")
        per_s, burst = (int(figure) for figure in figures.split(":"))
        if kind not in out or per_s < 1 or burst < 1:
            raise ValueError(f"no such rate limit: {part}")
        out[kind] = Policy(out[kind].name, per_s, burst)
    return out


@dataclass(frozen=True, slots=True)
class Spent:
    """A request taken from an allowance.

    Args:
        policy: Whose.
        left: What is left after it, at least 0.
        whole_in_s: Seconds until the allowance is whole again.
        allowed: Whether there was one to take.
    """

    policy: Policy
    left: int
    whole_in_s: int
    allowed: bool

    def require_allowed(self) -> None:
        """Refuse a request that was one too many.

        Raises:
            RateLimitedError: It was; says when the next is earned.
        """
        if not self.allowed:
            raise RateLimitedError(retry_after_s=1)

    @property
    def headers(self) -> dict[str, str]:
        """As the answer carries them."""
        return {
            "RateLimit-Policy": self.policy.header,
            "RateLimit": f'"{self.policy.name}";r={self.left};t={self.whole_in_s}',
        }


class RateLimitedError(TooManyRequestsError):
    code, title = "rate_limited", "Too many requests; slow down"


@dataclass(slots=True)
class Buckets:
    """The allowances of this container's principals."""

    _levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def spend(self, policy: Policy, who: str, now_s: float) -> Spent:
        """Take one request from a principal's allowance.

        Args:
            policy: Of its kind.
            who: Key, customer or staff id.
            now_s: Seconds of a clock that never goes back.
        """
        level, seen_s = self._levels.get((policy.name, who), (float(policy.burst), now_s))
        level = min(float(policy.burst), level + (now_s - seen_s) * policy.per_s)
        allowed = level >= 1
        level -= allowed
        if len(self._levels) >= _MOST_BUCKETS:
            self.clear()  # a full bucket for everybody costs less than remembering everybody
        self._levels[policy.name, who] = (level, now_s)
        return Spent(policy, int(level), ceil((policy.burst - level) / policy.per_s), allowed)

    def clear(self) -> None:
        """Everybody's allowance is whole again."""
        self._levels.clear()


_buckets = Buckets()


def spend(who: Principal) -> Spent:
    """Take one request from this principal's allowance in this container."""
    policy = policies_of(container().settings.rate_limits)[who.kind]
    return _buckets.spend(policy, who.key_id or who.id, time.monotonic())


def forget() -> None:
    """Drop all levels: after a SnapStart restore, and between tests."""
    _buckets.clear()
