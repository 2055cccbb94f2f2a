"""`python -m infra.local` as an outside program sees it: the ready file, a clean end, and all still there after."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.server import SNAPSHOT_FILE
from infra.functions import load_specs
from infra.least_privilege import as_text, compare, recorded
from infra.manifest import ROOT

pytestmark = pytest.mark.xdist_group("embedded")

STAFF = {
    "reviewer", "reviewer2", "risk_admin", "finance", "finance2", "operator", "support", "support2", "auditor",
}  # fmt: skip


def start(state: Path, *more: str) -> tuple[subprocess.Popen[str], dict[str, Any], float]:
    ready = state.parent / "ready.json"
    ready.unlink(missing_ok=True)
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local", "--port", "0", "--state", str(state), "--ready-file", str(ready), *more],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while not ready.exists():
        if process.poll() is not None or time.monotonic() - began > 180:
            process.kill()
            pytest.fail(f"it did not start: {process.communicate()[0][-3000:]}")
        time.sleep(0.05)
    assert ready.stat().st_mode & 0o077 == 0
    return process, json.loads(ready.read_text()), time.monotonic() - began


def end(process: subprocess.Popen[str], sign: int = signal.SIGTERM) -> None:
    process.send_signal(sign)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def status(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_program_gets_all_it_needs_and_finds_it_again_after_a_restart(tmp_path: Path) -> None:
    process, ready, _ = start(tmp_path / "state")
    assert ready.keys() >= {"base_url", "merchant", "merchant2", "staff", "customers", "aws_endpoint"}
    assert ready["merchant"].keys() >= {"id", "secret_key"}
    assert ready["staff"].keys() >= STAFF
    assert ready["customers"].keys() >= {"approved", "declined", "held"}
    seed = tmp_path / "state" / "seed.json"
    assert seed.stat().st_mode & 0o077 == 0
    assert status(ready["base_url"] + "/v1/api-keys", ready["merchant"]["secret_key"]) == 200
    assert status(ready["base_url"] + "/v1/me", ready["customers"]["approved"]["token"]) == 200
    assert status(ready["base_url"] + "/v1/me", "nonsense") == 401
    missing, _ = compare(recorded(ready["aws_endpoint"]), ready["outputs"], load_specs())
    assert not missing, f"called without a right to it:\n{as_text(missing)}"
    end(process)

    process, again, _ = start(tmp_path / "state")
    assert again["merchant"] == ready["merchant"]
    assert again["customers"]["approved"]["id"] == ready["customers"]["approved"]["id"]
    assert status(again["base_url"] + "/v1/api-keys", ready["merchant"]["secret_key"]) == 200
    end(process, signal.SIGINT)


def test_an_ephemeral_platform_leaves_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    process, ready, _ = start(state, "--ephemeral")
    assert ready["base_url"].startswith("http://127.0.0.1:")
    end(process)
    assert list(state.iterdir()) == []
    assert not (state / SNAPSHOT_FILE).exists()
