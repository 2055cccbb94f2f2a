"""What every test stands on: no real AWS, no state left behind, slow tests only on request.

Fixtures: `platform` (everything AWS gives us, in process; see tests/builders/platform.py).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.builders.environment import stand_apart

if TYPE_CHECKING:
    from tests.builders.platform import Platform

# a loaded machine is not a wrong answer: speed is judged by make bench, against a peer
settings.register_profile("whitenote", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("whitenote"), max_examples=6)  # make check
settings.load_profile("whitenote")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests marked slow (make campaign)")


def pytest_configure(config: pytest.Config) -> None:
    stand_apart()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of one `xdist_group` in one process: they share a platform, or a package, that takes long to make.

    pytest-xdist 3.8 does so by renaming tests, of which pytest 9.2 takes no notice.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group_of(config.rootpath / nodeid.partition("::")[0]) or nodeid

    return ByGroup(config, log)


@cache
def _group_of(file: Path) -> str | None:
    """As the module's `pytestmark` says."""
    found = re.search(r'^pytestmark = .*xdist_group\("(\w+)"\)', file.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tests that start moto by themselves get it repaired too."""
    if "moto" in sys.modules:
        from tests.builders.moto_repairs import repair

        repair()


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Drop the container and every in-process cache (a module that has one offers `forget()`)."""
    yield
    if container := sys.modules.get("functions.platform.container"):
        container.install(None)
    for forget in _forgetting(len(sys.modules)):
        forget()


@lru_cache(maxsize=1)
def _forgetting(_loaded: int) -> list[Callable[[], None]]:
    """What forgets; looked for again when more has been imported."""
    own = [module for name, module in list(sys.modules.items()) if name.startswith("functions.")]
    return [forget for module in own if callable(forget := getattr(module, "forget", None))]


@pytest.fixture
def platform() -> Iterator[Platform]:
    from tests.builders.platform import platform as build

    with build() as built:
        yield built
