"""docs/quickstart.md, run as printed: with curl and with Python's httpx."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.manifest import ROOT
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


def printed(language: str) -> str:
    (code,) = re.findall(rf"```{language} quickstart\n(.*?)```", (ROOT / "docs/quickstart.md").read_text(), re.DOTALL)
    return str(code)


@pytest.fixture
def folder(running_platform: RunningPlatform, tmp_path: Path) -> Path:
    """A directory in which `make run` has been started."""
    (tmp_path / ".whitenote").mkdir()
    (tmp_path / ".whitenote" / "seed.json").write_text(json.dumps(running_platform.ready))
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_payment_with_curl(folder: Path) -> None:
    (folder / "first.sh").write_text(f"set -euo pipefail\n{printed('bash')}")
    refund = json.loads(run(["bash", "first.sh"], folder))
    assert (refund["object"], refund["amount_minor"], refund["remaining_minor"]) == ("refund", 9900, 50000)


def test_the_first_payment_with_python(folder: Path) -> None:
    (folder / "first.py").write_text(printed("python"))
    said = run([sys.executable, "first.py"], folder)
    assert "approved" in said
    assert "still refundable 50000" in said
