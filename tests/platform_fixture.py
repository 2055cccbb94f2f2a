"""One embedded platform for all end-to-end tests of a run, however many xdist workers there are.

The first worker that needs it starts `python -m infra.local` exactly as an outside program would; the others wait for
its ready file; the last one out compares the AWS calls that the functions made with what their policies allow, and
ends it. It ends by itself when the test run is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.functions import load_specs
from infra.least_privilege import as_text, compare, recorded

ROOT = Path(__file__).resolve().parent.parent
START_S = 300
END_S = 60


@dataclass(frozen=True, slots=True)
class RunningPlatform:
    """What a test needs to know of the platform.

    Args:
        base_url: API and pages.
        aws_endpoint: For boto3 clients.
        ready: The whole ready file: merchants, staff, customers, outputs.
    """

    base_url: str
    aws_endpoint: str
    ready: dict[str, Any]

    def client(self, service: str) -> Any:
        """A boto3 client of the platform."""
        import boto3

        return boto3.client(
            service, endpoint_url=self.aws_endpoint, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _start(folder: Path, run_pid: int) -> None:
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "infra.local", "--port", "0", "--state", str(folder / "state"), "--ephemeral"]
    with (folder / "output.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready), "--while-pid", str(run_pid)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"the platform did not start:\n{(folder / 'output.log').read_text()[-4000:]}")
        time.sleep(0.05)
    (folder / "pid").write_text(str(process.pid))


def _stop(folder: Path) -> None:
    pid = int((folder / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_S
    # Its directory is the last thing to go. The process itself may stay a zombie of whichever worker started it.
    while any((folder / "state").glob("run-*")):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


@pytest.fixture(scope="session")
def running_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    base = tmp_path_factory.getbasetemp()
    shared = "PYTEST_XDIST_WORKER" in os.environ
    folder = (base.parent if shared else base) / "platform"
    folder.mkdir(exist_ok=True)
    users = folder / "users"
    with _locked(folder):
        count = int(users.read_text()) if users.exists() else 0
        if count == 0:
            _start(folder, os.getppid() if shared else os.getpid())
        users.write_text(str(count + 1))
    ready = json.loads((folder / "ready.json").read_text())
    yield RunningPlatform(ready["base_url"], ready["aws_endpoint"], ready)
    with _locked(folder):
        count = int(users.read_text()) - 1
        users.write_text(str(count))
        if count == 0:
            missing, _ = compare(recorded(ready["aws_endpoint"]), ready["outputs"], load_specs())
            _stop(folder)
            assert not missing, f"functions called what their policies do not allow:\n{as_text(missing)}"
