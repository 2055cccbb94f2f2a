"""Every port has its sandbox adapter, and a live stage refuses each of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.platform.container import SANDBOX_ADAPTERS, ConfigurationError, load_adapter, refuse_unfit
from functions.platform.settings import LIVE_STAGES, Settings
from tests.builders.platform import Platform

SETTINGS = Settings.from_environ({})


@pytest.mark.parametrize("port", SANDBOX_ADAPTERS)
def test_the_sandbox_adapter_of_a_port_can_be_made_and_says_what_it_is(platform: Platform, port: str) -> None:
    assert platform.box.port(port).sandbox is True


@pytest.mark.parametrize("stage", sorted(LIVE_STAGES))
@pytest.mark.parametrize("port", SANDBOX_ADAPTERS)
def test_a_live_stage_refuses_it(port: str, stage: str) -> None:
    with pytest.raises(ConfigurationError, match=port):
        load_adapter(replace(SETTINGS, stage=stage), {}, port)


def test_a_live_stage_does_not_start_while_one_port_has_no_adapter_of_its_own() -> None:
    with pytest.raises(ConfigurationError):
        refuse_unfit(replace(SETTINGS, stage="live"), {})
    refuse_unfit(SETTINGS, {})
