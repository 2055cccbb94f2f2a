"""MiniStack's private names that the embedded platform leans on, with the signatures it expects of them.

The server refuses to start when one has moved, and says which; so does tests/infrastructure/test_embedded.py. When that
happens after a new version is pinned: read the change, adapt snapshot.py, fidelity.py or speed.py, and record the
signature here.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping

from infra.embedded.snapshot import BY_NAME

FUNCTIONS: Mapping[str, Mapping[str, str]] = {
    "app": {
        "_build_persistence_save_dict": "()",
        "_get_module": "(name: str)",
    },
    "core.lambda_runtime": {
        "Worker._drain_stderr_bounded": (
            "(self, first_line_wait: float = 0.05, idle_confirm: float = 0.005, hard_cap: float = 0.25) -> str"
        ),
        "execution_credentials": "(config: dict) -> dict[str, str]",
        "reset": "()",
    },
    "core.responses": {"request_scope": "(account_id: str, region: str)"},
    "services.apigateway_v1": {
        "_gw_error": "(response_type, message)",
        "_invoke_lambda_proxy_v1": (
            "(integration, api_id, stage_name, stage, resource, request_path, method, headers, body, query_params, "
            "path_params, *, owner_account_id=None, owner_region=None, binary_media_types=None, "
            "authorizer_context=None, caller_identity=None)"
        ),
        "_lambda_proxy_response": "(result)",
    },
    "services.cloudformation.provisioners": {
        "_s3_apply_configurations": "(name, props, old_props=None)",
    },
    "services.dynamodb": {
        "_condition_syntax_error": "(expr: str, slot: str) -> str | None",
        "_ddb_canonicalize_number": "(s: str) -> str | None",
        "_number_error": "(text) -> str | None",
        "_number_size_bytes": "(text) -> int",
        "_tokenize": "(expr)",
        "stream_records_since": (
            "(table_name: str, position: int, limit: int, *, account_id=None, region=None) -> list[dict]"
        ),
        "stream_start_position": "(table_name: str, *, account_id=None, region=None) -> int",
    },
    "services.eventbridge": {"_invoke_target": "(target, event, rule, view=None)"},
    "services.lambda_svc": {
        "_apply_filter_criteria": "(records: list[dict], esm: dict) -> list[dict]",
        "_dispatch_esm_batch": "(esm_id: str, fn, *args) -> None",
        "_ensure_poller": "()",
        "_execute_function": "(func: dict, event: dict) -> dict",
        "_get_func_record_for_qualifier": "(name: str, qualifier: str | None) -> tuple[dict | None, dict | None]",
        "_iter_all_esms": "()",
        "_poll_dynamodb_streams": "()",
        "_run_sqs_batch": "(esm, func_rec, event, batch, queue_url, queue_name)",
        "_send_ddb_stream_failure_record": "(esm, func_rec, batch, stream_arn, result, condition)",
        "load_persisted_state": "(data) -> None",
        "parse_arn": "(value: str) -> ministack.core.arn.Arn",
    },
    "services.sqs": {"_receive_messages_for_esm": "(queue_url: str, max_number: int) -> list[dict]"},
}

VALUES: Mapping[str, tuple[str, ...]] = {
    **{f"services.{module}": tuple(f"_{name}" for name in names) for module, names in BY_NAME.items()},
    "app": ("_state_map", "formatdate"),
    "core.lambda_runtime": ("subprocess",),
    "services.dynamodb": ("_tables", "_stream_records", "_stream_trimmed", "_stream_seq_counter"),
    "services.lambda_svc": (
        *(f"_{name}" for name in BY_NAME["lambda_svc"]), "_dynamodb_stream_positions_lock", "_esm_backoff_until",
        "_esm_inflight", "_ESM_IDLE_WAKE_GAP_SECONDS",
    ),
    "services.s3": (
        "_bucket_object_lock", "_buckets", "_object_acl", "_object_legal_hold", "_object_retention", "_object_tags",
        "_object_versions",
    ),
    "services.scheduler": ("_schedule_last_fired",),
    "services.ses": ("_sent_emails",),
    "services.sqs": ("_queues", "_queues_lock"),
}  # fmt: skip


def moved() -> list[str]:
    """What is not as it is recorded here; empty when all is."""
    found = []
    for module, functions in FUNCTIONS.items():
        for name, expected in functions.items():
            value: object = importlib.import_module(f"ministack.{module}")
            for part in name.split("."):
                value = getattr(value, part, None)
            actual = str(inspect.signature(value)) if callable(value) else "gone"
            if actual != expected:
                found.append(f"{module}.{name}{expected} is {actual}")
    for module, values in VALUES.items():
        held = vars(importlib.import_module(f"ministack.{module}"))
        found += [f"{module}.{name} is gone" for name in values if name not in held]
    return found
