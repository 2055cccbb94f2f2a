"""The composition root: what it takes from the environment and what it refuses to start with."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from functions.core.clock import SystemClock
from functions.platform import container as module
from functions.platform.container import (
    SANDBOX_ADAPTERS,
    ConfigurationError,
    Container,
    container,
    install,
    load_adapter,
    refuse_unfit,
)
from functions.platform.settings import Settings

ENVIRON = {
    "WHITENOTE_STAGE": "dev",
    "WHITENOTE_TABLE": "whitenote-dev",
    "WHITENOTE_SHARDS": "64",
    "WHITENOTE_CUSTOMER_JWKS": "{}",
}


class LiveIdentityCheck:
    sandbox = False

    def __init__(self, box):
        self.box = box


class Unlabelled:
    def __init__(self, box):
        self.box = box


@pytest.fixture(autouse=True)
def _own_adapters(monkeypatch):
    """The adapters of this file, wherever the test runner has put the file."""
    import sys
    import types

    fake = types.ModuleType("own_adapters")
    fake.LiveIdentityCheck, fake.Unlabelled = LiveIdentityCheck, Unlabelled
    monkeypatch.setitem(sys.modules, "own_adapters", fake)


def settings(**changes):
    return dataclasses.replace(Settings.from_environ(ENVIRON), **changes)


def test_settings_come_from_the_environment_and_the_rest_is_empty():
    found = Settings.from_environ(ENVIRON)
    assert (found.stage, found.table, found.shards, found.secret_id) == ("dev", "whitenote-dev", 64, "")


@pytest.mark.parametrize(("stage", "live"), [("live", True), ("staging", True), ("dev", False), ("local", False)])
def test_money_is_real_on_live_and_staging(stage, live):
    assert settings(stage=stage).is_live is live


def test_a_live_stage_does_not_start_with_a_sandbox_adapter():
    with pytest.raises(ConfigurationError, match="identity_check"):
        refuse_unfit(settings(stage="live"), {})


def test_a_live_stage_starts_when_every_port_has_its_own_adapter():
    own = {f"WHITENOTE_ADAPTER_{port.upper()}": "own_adapters:LiveIdentityCheck" for port in SANDBOX_ADAPTERS}
    refuse_unfit(settings(stage="live"), own)


def test_an_adapter_that_does_not_say_what_it_is_counts_as_sandbox():
    with pytest.raises(ConfigurationError):
        load_adapter(
            settings(stage="live"), {"WHITENOTE_ADAPTER_IDENTITY_CHECK": "own_adapters:Unlabelled"}, "identity_check"
        )


def test_an_adapter_is_made_once_with_the_container():
    box = Container(settings(), {"WHITENOTE_ADAPTER_IDENTITY_CHECK": "own_adapters:LiveIdentityCheck"})
    adapter = box.port("identity_check")
    assert adapter is box.port("identity_check")
    assert adapter.box is box


def test_a_port_without_adapter_is_named():
    with pytest.raises(ConfigurationError, match="horoscope"):
        load_adapter(settings(), {}, "horoscope")


def test_without_a_secret_nothing_is_derived():
    with pytest.raises(ConfigurationError, match="WHITENOTE_SECRET_ID"):
        _ = Container(settings(), {}).secrets


def test_a_live_stage_has_no_movable_clock():
    assert isinstance(Container(settings(stage="live"), {}).clock, SystemClock)


def test_the_process_has_one_container_built_from_its_environment(monkeypatch):
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    install(None)
    assert container() is container()
    assert container().settings.table == "whitenote-dev"


def test_a_live_process_without_adapters_refuses_to_start(monkeypatch):
    monkeypatch.setenv("WHITENOTE_STAGE", "live")
    install(None)
    with pytest.raises(ConfigurationError):
        container()


def test_the_region_is_that_of_the_function():
    assert Container(settings(), {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "x"}).region == "eu-west-1"
    assert Container(settings(), {}).region == "eu-central-1"


def test_the_offset_is_read_at_most_ten_times_a_second(monkeypatch):
    box, reads, ticks = Container(settings(), {}), [], iter([10.0, 10.0, 10.05, 10.16, 10.16])

    class Tables:
        def get(self, model, pk, *, consistent):
            reads.append(pk)

    box.tables = Tables()
    monkeypatch.setattr(module.time, "monotonic", lambda: next(ticks))
    clock = box.clock
    assert [clock.offset() for _ in range(3)] == [timedelta()] * 3
    assert reads == ["clock", "clock"]
