"""Where MiniStack does otherwise than AWS in a way that would hide a fault of ours, or make one: corrected here.

1. Streams: it ignores `batchItemFailures`, so a record that a consumer could not handle would be lost; it never gives
   up on a batch; and one slow consumer holds up all others. Here as Lambda does it: retry from the lowest failed
   record, bisect after a crash, OnFailure after the last attempt, consumers side by side.
2. Queues: a failed message would only come again after its visibility timeout, minutes later. Here after a second, so
   that retries and dead letters can be seen; the order of things is the same.
3. A crashed handler: it would answer 502 with the exception's text. AWS answers with its gateway response, and so here.
4. Scheduler: it does not fill in `<aws.scheduler.…>`.
5. It waits 50 ms after each call for log lines that may still come. 5 ms will do on a pipe.
6. A bucket made by CloudFormation has no Object Lock, whatever its template says.
7. All functions call with the same credentials. Here each has its name in them, so that calls can be told apart.
"""

# ruff: noqa: SLF001, ANN401, PLR0917  MiniStack's private names and its signatures, listed in infra.embedded.reliance

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from infra.embedded.calls import TOKEN_PREFIX
from infra.embedded.zygote import Zygote

_REDELIVERY_S = 1.0
_LOG_WAIT_S, _LOG_IDLE_S, _LOG_CAP_S = 0.005, 0.002, 0.25
_READ_RECORDS_KEPT = 1000
_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.2, 5.0


@dataclass(slots=True)
class _Attempt:
    """Where a consumer of a stream is stuck.

    Args:
        position: Of the record it is stuck at.
        failures: How often in a row.
        limit: Largest batch it is given now; halved after each crash.
    """

    position: int = -1
    failures: int = 0
    limit: int = 10_000


@dataclass(slots=True)
class StreamPoller:
    """Reads the streams for the functions mapped to them, one thread a mapping."""

    svc: Any
    tables: Any
    attempts: dict[str, _Attempt] = field(default_factory=dict)

    def poll(self) -> bool:
        """Hand out what is new; whether anything was."""
        self._forget_read()
        moved = False
        for account, region, esm in self.svc._iter_all_esms():
            if ":dynamodb:" in esm.get("EventSourceArn", "") and esm.get("Enabled", True):
                with self.svc.request_scope(account, region):
                    moved = self._poll_one(account, region, esm) or moved
        return moved

    def _forget_read(self) -> None:
        """Drop what every consumer has long read; kept for a day, it would be most of what every snapshot saves."""
        read: dict[tuple[str, str, str], int] = {}
        with self.svc._dynamodb_stream_positions_lock:
            for account, region, esm in self.svc._iter_all_esms():
                if ":dynamodb:" in esm.get("EventSourceArn", ""):
                    table = (account, region, _table_of(esm["EventSourceArn"]))
                    position = self.svc._dynamodb_stream_positions.get_scoped(account, region, esm["UUID"], 0)
                    read[table] = min(read.get(table, position), position)
            for table, position in read.items():
                trimmed = self.tables._stream_trimmed.get_scoped(*table, 0)
                surplus = position - trimmed - _READ_RECORDS_KEPT
                if surplus > 0:
                    del self.tables._stream_records.get_scoped(*table)[:surplus]
                    self.tables._stream_trimmed.set_scoped(*table, trimmed + surplus)

    def _poll_one(self, account: str, region: str, esm: dict[str, Any]) -> bool:
        svc, esm_id, source = self.svc, esm["UUID"], esm["EventSourceArn"]
        table = _table_of(source)
        function, _ = svc._get_func_record_for_qualifier(esm["FunctionName"], esm.get("Qualifier"))
        known = self.tables._tables.get(table)
        busy = svc._esm_inflight.get(esm_id) or svc._esm_backoff_until.get(esm_id, 0) > time.time()
        if function is None or busy or not known or known.get("LatestStreamArn") != source:
            return False
        with svc._dynamodb_stream_positions_lock:
            horizon = self.tables.stream_start_position(table)
            position = max(svc._dynamodb_stream_positions.get(esm_id, horizon), horizon)
        attempt = self.attempts.setdefault(esm_id, _Attempt())
        size = min(esm.get("BatchSize", 100), attempt.limit)
        batch = self.tables.stream_records_since(table, position, size)
        if not batch:
            return False
        wanted = svc._apply_filter_criteria(list(batch), esm)
        if not wanted:
            self._advance(account, region, esm_id, position + len(batch))
            return True
        svc._dispatch_esm_batch(esm_id, self._run, account, region, esm, function, position, batch, wanted)
        return True

    def _advance(self, account: str, region: str, esm_id: str, position: int) -> None:
        with self.svc._dynamodb_stream_positions_lock:
            self.svc._dynamodb_stream_positions.set_scoped(account, region, esm_id, position)

    def _run(
        self, account: str, region: str, esm: dict[str, Any], function: Any, position: int,
        batch: list[Any], wanted: list[Any],
    ) -> None:  # fmt: skip
        result = self.svc._execute_function(function, {"Records": wanted})
        failed, whole = _first_failure(result, wanted), bool(result.get("error"))
        esm_id, attempt = esm["UUID"], self.attempts[esm["UUID"]]
        if failed is None and not whole:
            attempt.position, attempt.failures, attempt.limit = -1, 0, 10_000
            self._advance(account, region, esm_id, position + len(batch))
            return
        stuck = position if whole or failed is None else position + _index(batch, failed)
        self._advance(account, region, esm_id, stuck)
        attempt.failures = attempt.failures + 1 if attempt.position == stuck else 1
        attempt.position = stuck
        if whole and esm.get("BisectBatchOnFunctionError") and len(batch) > 1:
            attempt.limit, attempt.failures = max(1, len(batch) // 2), 0
        most = int(esm.get("MaximumRetryAttempts", -1))
        if 0 <= most < attempt.failures:
            lost = batch[stuck - position : stuck - position + (len(batch) if whole else 1)]
            with self.svc.request_scope(account, region):
                self.svc._send_ddb_stream_failure_record(
                    esm, function, lost, esm["EventSourceArn"], result, "RetryAttemptsExhausted"
                )
            self._advance(account, region, esm_id, stuck + len(lost))
            attempt.position, attempt.failures, attempt.limit = -1, 0, 10_000
            return
        pause = min(_LONGEST_BACK_OFF_S, _BACK_OFF_S * 2 ** min(attempt.failures, 10))
        self.svc._esm_backoff_until.set_scoped(account, region, esm_id, time.time() + pause)


def _table_of(stream_arn: str) -> str:
    return stream_arn.split(":table/", 1)[1].split("/", 1)[0]


def _first_failure(result: dict[str, Any], wanted: list[Any]) -> str | None:
    body = result.get("body")
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return None
    if not isinstance(body, dict) or not body.get("batchItemFailures"):
        return None
    named = {item.get("itemIdentifier") for item in body["batchItemFailures"]}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in wanted]
    # An identifier that is not of this batch fails the batch as a whole, as Lambda has it.
    return str(next((number for number in numbers if number in named), numbers[0]))


def _index(batch: list[Any], number: str) -> int:
    return next(i for i, record in enumerate(batch) if record["dynamodb"]["SequenceNumber"] == number)


def _module(name: str) -> Any:
    return importlib.import_module(f"ministack.{name}")


def hold_consumers() -> Callable[[], None]:
    """Keep event source mappings still until the function returned is called: what they call is the platform itself."""
    svc = _module("services.lambda_svc")
    start = svc._ensure_poller
    svc._ensure_poller = lambda: None

    def release() -> None:
        svc._ensure_poller = start
        start()

    return release


def _streams() -> None:
    svc, tables = _module("services.lambda_svc"), _module("services.dynamodb")
    svc.request_scope = _module("core.responses").request_scope
    svc._poll_dynamodb_streams = StreamPoller(svc, tables).poll


def _queues() -> None:
    svc, sqs = _module("services.lambda_svc"), _module("services.sqs")
    original: Callable[..., None] = svc._run_sqs_batch

    def run(esm: Any, function: Any, event: Any, batch: list[dict[str, Any]], url: str, name: str) -> None:
        original(esm, function, event, batch, url, name)
        soon = time.time() + _REDELIVERY_S
        with sqs._queues_lock:
            for message in batch:
                if message.get("visible_at", 0) > soon:
                    message["visible_at"] = soon

    svc._run_sqs_batch = run


def _crashes() -> None:
    gateway = _module("services.apigateway_v1")
    proxy: Callable[..., Any] = gateway._invoke_lambda_proxy_v1
    interpret: Callable[..., Any] = gateway._lambda_proxy_response
    sentinel = uuid4().hex

    def response(result: Any) -> Any:
        if isinstance(result, dict) and result.get("error") and not result.get("throttle"):
            return None, sentinel
        return interpret(result)

    async def invoke(*args: Any, **kwargs: Any) -> Any:
        answer = await proxy(*args, **kwargs)
        if isinstance(answer, tuple) and answer[0] == 502 and sentinel.encode() in answer[2]:
            return gateway._gw_error("INTEGRATION_FAILURE", "Internal server error")
        return answer

    gateway._lambda_proxy_response = response
    gateway._invoke_lambda_proxy_v1 = invoke


def _schedules() -> None:
    bus = _module("services.eventbridge")
    original: Callable[..., Any] = bus._invoke_target

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None) -> Any:
        text = target.get("Input")
        if isinstance(text, str) and "<aws.scheduler." in text:
            at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            arn = str((event.get("Resources") or [""])[0])
            for mark, value in (("scheduled-time", at), ("execution-id", str(uuid4())), ("schedule-arn", arn)):
                text = text.replace(f"<aws.scheduler.{mark}>", value)
            target = {**target, "Input": text}
        return original(target, event, rule, view)

    bus._invoke_target = invoke


def _object_lock() -> None:
    provisioners, s3 = _module("services.cloudformation.provisioners"), _module("services.s3")
    original: Callable[..., None] = provisioners._s3_apply_configurations

    def apply(name: str, props: dict[str, Any], old_props: Any = None) -> None:
        original(name, props, old_props)
        if str(props.get("ObjectLockEnabled", False)).lower() == "true":
            rule = (props.get("ObjectLockConfiguration") or {}).get("Rule") or {}
            kept = {k: int(v) if k in {"Days", "Years"} else v for k, v in rule.get("DefaultRetention", {}).items()}
            s3._bucket_object_lock[name] = {"enabled": True, "default_retention": kept or None}

    provisioners._s3_apply_configurations = apply


def _log_waits() -> None:
    worker = _module("core.lambda_runtime").Worker
    worker._drain_stderr_bounded.__defaults__ = (_LOG_WAIT_S, _LOG_IDLE_S, _LOG_CAP_S)


def _identities() -> None:
    runtime = _module("core.lambda_runtime")
    original: Callable[[dict[str, Any]], dict[str, str]] = runtime.execution_credentials

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        return {**original(config), "AWS_SESSION_TOKEN": TOKEN_PREFIX + str(config.get("FunctionName", ""))}

    runtime.execution_credentials = credentials


class _Subprocess:
    """The `subprocess` module as the worker pool sees it: a Python worker is forked, all else is as it was.

    Args:
        zygote: Forks them.
    """

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, args: Any, **how: Any) -> Any:  # noqa: N802  the name it stands for
        if args[0] == sys.executable:
            with contextlib.suppress(OSError):
                return self._zygote.start(args, **how)
        return subprocess.Popen(args, **how)


def fork_workers() -> None:
    """From now on Python functions start as forks of a process that has their libraries loaded."""
    _module("core.lambda_runtime").subprocess = _Subprocess(Zygote())


def correct() -> None:
    """Apply all corrections; once, before the first request."""
    for correction in (_streams, _queues, _crashes, _schedules, _object_lock, _log_waits, _identities):
        correction()
