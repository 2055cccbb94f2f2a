"""The books and what proves them; what nobody could handle; the sandbox's clock; this document itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Final

from functions.ledger.events import sequence
from functions.ledger.log.service import write_checkpoint
from functions.platform.bus.workers import bury
from tests.builders.machine import sandbox_time
from tests.builders.platform import LEDGER_TABLE, REGION, Platform
from tests.builders.shop import a_shop
from tests.builders.story.recording import Recording

BUCKET: Final = "whitenote-locked-checkpoints"


def tell(world: Platform, api: Recording) -> None:
    _lock(world)
    a_shop(world).buy(60_000)
    sequence(world.records(LEDGER_TABLE))
    write_checkpoint()
    auditor = api.of(world.staff_token("auditor"))
    for path in ("accounts", "trial-balance", "periods", "checkpoints", "public-key"):
        auditor.get(f"/v1/ledger/{path}")
    entry = auditor.get("/v1/ledger/entries?limit=2")["data"][0]["id"]
    auditor.get(f"/v1/ledger/entries/{entry}")
    auditor.get(f"/v1/ledger/proofs?entry_id={entry}")
    _letter(world, api)
    for path in ("/openapi.json", "/docs", "/docs/reference.css"):
        api.get(path)
    world.clock.advance_business(timedelta(days=10))
    exposures = [{"currency": "CNY", "days_past_due": 0, "outstanding_minor": 60_000}]
    close = {"reason": "month end", "exposures": exposures}
    api.of(world.staff_token("finance")).post("/v1/ledger/periods/2026-11/close", close)
    sandbox_time(world)
    operator = api.of(world.staff_token("operator"))
    operator.get("/v1/test-clock")
    operator.post("/v1/test-clock/advance", {"to": "2026-12-03T00:00:00Z"})


def _lock(world: Platform) -> None:
    """Checkpoints are written where nobody can take them away."""
    place = {"LocationConstraint": REGION}
    world.client("s3").create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=place)
    world.box.settings = replace(world.settings, checkpoint_bucket=BUCKET)


def _letter(world: Platform, api: Recording) -> None:
    body = {"detail": {"id": "evt_00000000000000000000000000"}, "detail-type": "plan.created"}
    record = {
        "eventSourceARN": "arn:aws:sqs:eu-central-1:1:whitenote-projections-dlq", "messageId": "m1",
        "body": json.dumps(body), "attributes": {"SentTimestamp": "1795900000000"},
    }  # fmt: skip
    assert bury({"Records": [record]}) == {"batchItemFailures": []}
    operator = api.of(world.staff_token("operator"))
    letter = operator.get("/v1/dead-letters")["data"][0]["id"]
    operator.get(f"/v1/dead-letters/{letter}")
    operator.post(f"/v1/dead-letters/{letter}/replay")
