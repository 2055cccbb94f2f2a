"""Rows 9, 10 and 12: signing a webhook, cold imports, package sizes."""

from __future__ import annotations

import base64
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from standardwebhooks import Webhook

from functions.webhooks.signature import signed_headers
from infra.manifest import ROOT, Manifest

SIGNED: Final = 2_000
STARTS: Final = 7
LIKE: Final = 0.8
"""It is the library that signs: what is left is one call and one list more."""
MOST_IMPORT: Final = 1.15
INDEX: Final = Path("build/package/index.json")
AWS: Final = "import botocore.session, botocore.client, pynamodb.models, pynamodb.connection"
OWN: Final = "import dataclasses, hashlib, hmac, json, zoneinfo"
"""Of the standard library: they cost a process as much as those of others."""
WEB: Final = f"import chalice.app; {OWN}"
STARTED: Final = {
    # what starts: how it is started, and the libraries that it can't do without
    "authorizer": ("import functions.platform.authorizer", WEB),
    "pay API": (
        "import app; from functions.risk.fraud.score import warm_up; warm_up()",
        f"{WEB}; {AWS}; import pydantic, aws_lambda_powertools.metrics, numpy, onnxruntime",
    ),
    "publisher": ("import app; import functions.platform.bus.workers", f"{WEB}; {AWS}"),
}  # fmt: skip
ENTRANCE: Final = {"pay API": "pay_api", "publisher": "publisher"}


def measure() -> list[dict[str, Any]]:
    return [_signing(), *_imports(), *_sizes()]


def _signing() -> dict[str, Any]:
    """One signature with its headers, beside the library with the same headers as its manual writes them."""
    at, body, secret = datetime(2026, 11, 22, tzinfo=UTC), json.dumps({"id": "evt_1", "data": "x" * 800}), bytes(32)
    peer = Webhook(base64.b64encode(secret).decode())
    ours, theirs = _interleaved(
        lambda: signed_headers("evt_1", at, body, [secret]),
        lambda: {
            "webhook-id": "evt_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign("evt_1", at, body),
        },
        SIGNED,
    )
    assert signed_headers("evt_1", at, body, [secret])["webhook-signature"] == peer.sign("evt_1", at, body)
    ratio = theirs / ours
    return {
        "id": 9, "name": "webhook signed, vs standardwebhooks (which signs it)", "ours": ours * 1e6,
        "peer": theirs * 1e6, "unit": "µs", "ratio": ratio, "reach": "≥ 1 less a call", "ok": ratio >= LIKE,
    }  # fmt: skip


def _interleaved(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, taken in zip((one, other), times, strict=True):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def _imports() -> list[dict[str, Any]]:
    """Processor time of a cold process with compiled files, less that of an interpreter that imports nothing."""
    rows = []
    for name, (ours, peer) in STARTED.items():
        taken: dict[str, list[float]] = {"ours": [], "peer": [], "empty": []}
        for _ in range(STARTS):
            for key, program in (("ours", ours), ("peer", peer), ("empty", "")):
                taken[key].append(_started(program, ENTRANCE.get(name, "")))
        empty = min(taken["empty"])
        mine, theirs = (statistics.median(taken[key]) - empty for key in ("ours", "peer"))
        rows.append(
            {
                "id": 10, "name": f"cold import: {name} vs its libraries", "ours": mine * 1000, "peer": theirs * 1000,
                "unit": "ms", "ratio": mine / theirs, "reach": f"≤ {MOST_IMPORT}", "ok": mine / theirs <= MOST_IMPORT,
            }
        )  # fmt: skip
    return rows


def _started(program: str, entrance: str) -> float:
    environ = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1", "WHITENOTE_ENTRANCE": entrance}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _sizes() -> list[dict[str, Any]]:
    """Of the packages as `make package` last built them; built here where they never were."""
    if not INDEX.exists():
        subprocess.run([sys.executable, "-m", "infra.package", "--arch", "x86_64"], check=True, cwd=ROOT)
    groups = Manifest.load().groups
    return [
        {
            "id": 12, "name": f"package {each['file']}", "ours": each["zipped"] / 1e6, "peer": None, "unit": "MB",
            "ratio": None, "reach": f"≤ {groups[each['group']].zip_mb}",
            "ok": each["zipped"] <= groups[each["group"]].zip_mb * 1e6,
        }
        for each in json.loads(INDEX.read_text())
    ]  # fmt: skip
