"""The receiver printed in docs/webhooks.md, run as printed, takes what we send and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.webhooks.payload import body_of
from functions.webhooks.sender import Answered, Sender
from functions.webhooks.signature import secret_of, secret_text, signed_headers
from infra.platform_local import free_port

ROOT = Path(__file__).resolve().parents[3]
SECRET = secret_of(b"k" * 32, "whk_1", 1)


class Running:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}/"

    def send(self, event_id: str, sequence: int, *, secret: bytes = SECRET) -> Answered:
        event = {
            "id": event_id, "type": "capture.created", "version": 1, "object_id": "cap_1", "sequence": sequence,
            "occurred_at": "2026-11-22T08:00:00.000Z", "request_id": "", "data": {"number": sequence},
        }  # fmt: skip
        body = body_of(event)
        headers = signed_headers(event_id, datetime.now(UTC), body, [secret])
        answer = Answered(None, "connection_failed", 0)
        for _ in range(500):  # until it listens
            answer = Sender(loopback=True).post(self.url, body.encode(), headers)
            if answer.problem != "connection_failed" or self.process.poll() is not None:
                break
        return answer


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Running]:
    (code,) = re.findall(r"```python receiver\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)
    (tmp_path / "receiver.py").write_text(code)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "receiver.py"], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PORT": str(port), "WHITENOTE_WEBHOOK_SECRET": secret_text(SECRET)},
    )  # fmt: skip
    yield Running(process, port)
    process.kill()
    process.wait()


def test_it_takes_what_is_signed_once_in_order_and_refuses_the_rest(receiver: Running) -> None:
    said = [
        receiver.send("evt_2", 2).status,
        receiver.send("evt_2", 2).status,  # again
        receiver.send("evt_1", 1).status,  # late
        receiver.send("evt_3", 3, secret=b"another").status,
        receiver.send("evt_4", 4).status,
    ]
    assert said == [204, 204, 204, 400, 204]
    receiver.process.terminate()
    printed, _ = receiver.process.communicate()
    assert [line.split()[0:2] for line in printed.splitlines()] == [["capture.created", "cap_1"]] * 2
    assert "{'number': 2}" in printed
    assert "{'number': 4}" in printed
