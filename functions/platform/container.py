"""The composition root: builds what has a connection or a secret, once per container, when first needed.

Alone reads the environment. Adapters of ports are named here by dotted path, so that this layer imports no slice.
"""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from functions.core.clock import Clock, OffsetClock, SystemClock
from functions.platform.secrets import Secrets
from functions.platform.settings import Settings
from functions.platform.storage import keys

CLOCK_CACHE_S = 0.1

SANDBOX_ADAPTERS: Mapping[str, str] = {
    "identity_check": "functions.customers.sandbox:SandboxIdentityCheck",
    "business_register": "functions.merchants.sandbox:SandboxBusinessRegister",
    "message_channel": "functions.messaging.sandbox:SandboxChannel",
    "credit_bureau": "functions.credit.deciding.sandbox:SandboxBureau",
    "income_verification": "functions.credit.deciding.sandbox:SandboxIncomeVerification",
    "purchase_history": "functions.credit.deciding.sandbox:SandboxPurchaseHistory",
    "payment_rail": "functions.servicing.sandbox:SandboxPaymentRail",
}
"""Deterministic stand-ins for parties that can't be reached here; a live stage refuses to start with one."""


LATE_CAPTURE = "functions.checkout.late_capture:require_still_good"
"""Judges a capture long after its approval; the rules it asks stand above the slice that captures."""


class ConfigurationError(Exception):
    """The deployment is not fit to run."""


@dataclass
class Container:
    """One Lambda container's long-lived things.

    Args:
        settings: Names and places.
        environ: For AWS region and endpoint and for adapter overrides.
    """

    settings: Settings
    environ: Mapping[str, str]

    @cached_property
    def tables(self) -> Any:  # noqa: ANN401  imported late: see functions.platform.storage.table.Tables
        from functions.platform.storage.table import Tables, connect

        return Tables(
            connect(self.region, self.environ.get("AWS_ENDPOINT_URL")),
            self.settings.table,
            self.settings.ledger_table,
        )

    @property
    def region(self) -> str:
        return self.environ.get("AWS_REGION") or self.environ.get("AWS_DEFAULT_REGION") or "eu-central-1"

    @cached_property
    def secrets(self) -> Secrets:
        if not self.settings.secret_id:
            raise ConfigurationError("WHITENOTE_SECRET_ID is not set")
        answer = self.client("secretsmanager").get_secret_value(SecretId=self.settings.secret_id)
        return Secrets.from_json(json.loads(answer["SecretString"]))

    @cached_property
    def clock(self) -> Clock:
        if self.settings.is_live:
            return SystemClock()
        return OffsetClock(self._offset)

    def _offset(self) -> timedelta:
        """The sandbox's offset, read at most ten times a second."""
        read_at, offset = self._offset_read
        if time.monotonic() - read_at > CLOCK_CACHE_S:
            from functions.platform.sandbox_clock import ClockItem

            item = self.tables.get(ClockItem, keys.CLOCK, consistent=True)
            offset = timedelta(seconds=item.offset_s if item else 0)
            self._offset_read = (time.monotonic(), offset)
        return offset

    _offset_read: tuple[float, timedelta] = (float("-inf"), timedelta())

    def client(self, service: str) -> Any:  # noqa: ANN401  boto3 clients are made at run time
        """A boto3 client, made once."""
        found = self._clients.get(service)
        if found is None:
            import boto3
            from botocore.config import Config

            make: Any = boto3.client  # the stubs know each service by its literal name only
            found = self._clients[service] = make(
                service,
                region_name=self.region,
                endpoint_url=self.environ.get("AWS_ENDPOINT_URL"),
                config=Config(connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 3, "mode": "standard"}),
            )
        return found

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def bus(self) -> Any:  # noqa: ANN401  see functions.platform.bus.publisher.Bus
        from functions.platform.bus.publisher import EventBridgeBus

        return EventBridgeBus(self.client("events"), self.settings.bus)

    @cached_property
    def key_wrapper(self) -> Any:  # noqa: ANN401  see functions.platform.crypto.KeyWrapper
        from functions.platform.crypto import KmsKeyWrapper

        return KmsKeyWrapper(self.client("kms"), self.settings.data_key_id)

    def queue(self, url: str) -> Any:  # noqa: ANN401  see functions.platform.bus.queues.Queue
        from functions.platform.bus.queues import Queue

        return Queue(self.client("sqs"), url)

    @cached_property
    def parking(self) -> Any:  # noqa: ANN401  see functions.platform.bus.stream.Parking
        from functions.platform.bus.queues import ParkingQueue

        return ParkingQueue(self.queue(self.settings.parking_queue_url))

    @cached_property
    def late_capture(self) -> Callable[..., None]:
        """See `LATE_CAPTURE`; imported at the first such capture."""
        module, _, name = LATE_CAPTURE.partition(":")
        judge: Callable[..., None] = getattr(importlib.import_module(module), name)
        return judge

    def port(self, name: str) -> Any:  # noqa: ANN401  each port has its own Protocol in its slice
        """The adapter of a port, made once.

        Raises:
            ConfigurationError: A live stage without an adapter of its own, or with a sandbox one.
        """
        found = self._ports.get(name)
        if found is None:
            found = self._ports[name] = load_adapter(self.settings, self.environ, name)(self)
        return found

    @cached_property
    def _ports(self) -> dict[str, Any]:
        return {}


def load_adapter(settings: Settings, environ: Mapping[str, str], name: str) -> Callable[[Container], Any]:
    """The adapter class of a port: WHITENOTE_ADAPTER_<PORT> if set, else the sandbox one where that is allowed."""
    path = environ.get(f"WHITENOTE_ADAPTER_{name.upper()}") or SANDBOX_ADAPTERS.get(name, "")
    module, _, attribute = path.partition(":")
    if not attribute:
        raise ConfigurationError(f"no adapter for the {name} port")
    adapter = getattr(importlib.import_module(module), attribute)
    if settings.is_live and getattr(adapter, "sandbox", True):
        raise ConfigurationError(f"the {settings.stage} stage refuses the sandbox adapter of {name}")
    made: Callable[[Container], Any] = adapter
    return made


def refuse_unfit(settings: Settings, environ: Mapping[str, str]) -> None:
    """Check every port of a live stage before anything is deployed or served.

    Raises:
        ConfigurationError: Names the first port without a real adapter, or a setting for local development.
    """
    if settings.is_live:
        if settings.webhooks_to_loopback:
            raise ConfigurationError(f"the {settings.stage} stage refuses to send webhooks to its own machine")
        for name in SANDBOX_ADAPTERS:
            load_adapter(settings, environ, name)


_current: list[Container] = []


def container() -> Container:
    """This process's container, built from the environment at first use."""
    if not _current:
        settings = Settings.from_environ(os.environ)
        refuse_unfit(settings, os.environ)
        _current.append(Container(settings, os.environ))
    return _current[0]


def served_here(groups: Mapping[str, set[str]]) -> list[str]:
    """Which modules of routes this function needs: all of them where nobody says which function this is.

    Args:
        groups: Functions by module; WHITENOTE_ENTRANCE names this one, and a worker is in no group.
    """
    own = os.environ.get("WHITENOTE_ENTRANCE", "")
    return [module for module, functions in groups.items() if not own or own in functions]


def install_named(variables: Mapping[str, str], endpoint: str = "", region: str = "") -> None:
    """Put a container for a deployment named on a command line in place, if one is named; else the environment's stays.

    Args:
        variables: Settings by their name in the environment without WHITENOTE_; empty ones are not given.
        endpoint: Of AWS; the real one if empty.
        region: Of AWS; the default one if empty.
    """
    given = {f"WHITENOTE_{name}": value for name, value in variables.items() if value}
    if given:
        places = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region}
        install(Container(Settings.from_environ(given), {name: value for name, value in places.items() if value}))


def install(replacement: Container | None) -> None:
    """Put another container in place (tests, tools), or none, so that the next use builds one."""
    _current[:] = [replacement] if replacement else []
