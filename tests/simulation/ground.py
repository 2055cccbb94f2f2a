"""What the world stands on: the few things that a play needs of wherever it takes place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from functions.servicing import sweep
from functions.servicing.events import on_sweep_message
from tests.builders.customers import sign_up
from tests.builders.platform import Platform
from tests.builders.shop import all_api, deliver

Api = Any
"""`get(path, token=)` and `post(path, body, token=)`, each giving a `Reply`."""


CONSENTS: list[str] = ["bureau_query", "limit_increase"]


class Ground(Protocol):
    """Where a play takes place."""

    api: Api

    @property
    def now(self) -> datetime:
        """Business time."""
        ...

    def wait(self, time_passes: timedelta) -> None:
        """Let business time pass."""
        ...

    def sweep(self) -> None:
        """Do what has fallen due; everything told is heard."""
        ...

    def deliver(self) -> None:
        """Let everything told be heard."""
        ...

    def sign_up(self) -> str:
        """A new, verified customer; the id."""
        ...

    def customer_token(self, customer_id: str) -> str: ...

    def staff_token(self, role: str, second: bool = False) -> str: ...


@dataclass
class InProcess:
    """The real API and the real consumers on moto; the clock is ours, so a day passes as fast as its work is done."""

    platform: Platform
    api: Api = field(default_factory=all_api)

    @property
    def now(self) -> datetime:
        return self.platform.clock.now()

    def wait(self, time_passes: timedelta) -> None:
        self.platform.clock.advance(time_passes)

    def sweep(self) -> None:
        sweep.sweep(self.now)
        for body in self.platform.drain(self.platform.settings.sweep_queue_url):
            on_sweep_message(body)
        self.deliver()

    def deliver(self) -> None:
        deliver(self.platform)

    def sign_up(self) -> str:
        made = self.api.post("/v1/customers", sign_up(consents=CONSENTS))
        assert made.status == 201, made.body
        return str(made["id"])

    def customer_token(self, customer_id: str) -> str:
        return self.platform.customer_token(customer_id)

    def staff_token(self, role: str, second: bool = False) -> str:
        return self.platform.staff_token(role, subject=f"stf_{1 + second}")
