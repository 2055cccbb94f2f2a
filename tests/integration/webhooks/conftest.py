"""A merchant whose receiver runs on this machine, and the queue in virtual time.

Imports stand inside the fixtures: pytest reads this file before tests/conftest.py has prepared Chalice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.builders.platform import Platform
    from tests.builders.webhooks import Hooked, Receiver, Wire


@pytest.fixture
def platform() -> Iterator[Platform]:
    from tests.builders.platform import platform as build

    with build(webhooks_to_loopback=True) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    from tests.builders.webhooks import Receiver

    with Receiver() as made:
        yield made


@pytest.fixture
def wire(platform: Platform) -> Iterator[Wire]:
    from tests.builders.webhooks import Wire

    with Wire(platform) as made:
        yield made


@pytest.fixture
def merchant(platform: Platform, wire: Wire) -> Hooked:
    from tests.builders.webhooks import a_hooked_merchant

    made = a_hooked_merchant(platform)
    wire.tell()
    wire.run()
    return made
