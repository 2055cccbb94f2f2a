"""microburst between a test and the platform's AWS: it loses answers and makes conflicts, as AWS words them.

with running_proxy(running_platform.aws_endpoint) as proxy:
    proxy.lose_answers(3)                        # the next three transactions are applied, their answers never arrive
    proxy.conflict(0.3)                          # three in ten are cancelled with TransactionConflict
    proxy.fired(); proxy.clear()
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.platform_local import free_port

_TRANSACT = {"service": "dynamodb", "operation": "TransactWriteItems"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running one."""

    url: str

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/_microburst/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def lose_answers(self, times: int) -> None:
        self._ask("POST", "rules", [{**_TRANSACT, "times": times, "response": {"abort_frac": 0.0}}])

    def conflict(self, probability: float) -> None:
        reasons = {"CancellationReasons": [{"Code": "TransactionConflict"}]}
        error = {"code": "TransactionCanceledException", "fields": reasons}
        self._ask("POST", "rules", [{**_TRANSACT, "probability": probability, "error": error}])

    def fired(self) -> list[dict[str, Any]]:
        answer = self._ask("GET", "fired")
        return list(answer["fired"] if isinstance(answer, dict) else answer)

    def clear(self) -> None:
        self._ask("POST", "rules", [])  # the rules are replaced by none
        self._ask("DELETE", "fired")


@contextmanager
def running_proxy(upstream: str) -> Iterator[Proxy]:
    port = free_port()
    command = [sys.executable, "-m", "microburst", "--upstream", upstream, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    try:
        yield Proxy(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()
