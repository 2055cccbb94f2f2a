"""One platform for the run, and hands to use it with."""

from __future__ import annotations

from tests.platform_fixture import running_platform

__all__ = ["running_platform"]
