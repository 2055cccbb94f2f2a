"""Logs and metrics. A log line never carries personal data: unknown keys are scrubbed by name and by shape.

Source: powertools Logger and EMF Metrics; no X-Ray SDK (it costs a third of a second of cold start).
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

_PRIVATE_KEYS = re.compile(
    r"name|phone|email|mail|address|document|identity|iban|account_number|token|secret|password|authorization$"
    r"|cookie|code$|otp|body|income|expenses|birth",
    re.IGNORECASE,
)
_PUBLIC_KEYS = frozenset({"error_code", "status_code", "function_name", "exception_name", "table_name", "code"})
_PRIVATE_TEXT = re.compile(
    r"(?:\+?\d[\d -]{7,}\d)"  # phone, document and card numbers
    r"|[\w.+-]+@[\w-]+\.[\w.]+"  # e-mail
    r"|(?:sk_(?:test|live)|whsec)_\w+"  # our secrets
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"  # JWT
)
_OWN_ID = re.compile(r"\b[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z?\b")
MASK = "[…]"


def scrub_text(text: str) -> str:
    """The text without anything that looks like a person's datum or a secret; our own ids and instants stay."""
    kept = [match.group() for match in _OWN_ID.finditer(text)]
    parts = [_PRIVATE_TEXT.sub(MASK, part) for part in _OWN_ID.split(text)]
    return "".join(part + own for part, own in zip(parts, [*kept, ""], strict=True))


def scrub(value: Any, key: str = "") -> Any:  # noqa: ANN401  any JSON value
    """A copy fit for a log line.

    Args:
        value: Any JSON-like value.
        key: The name it stands under; private names hide their value whole.
    """
    if key and key not in _PUBLIC_KEYS and _PRIVATE_KEYS.search(key):
        return MASK
    if isinstance(value, dict):
        return {name: scrub(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub_text(str(value))  # an exception or another object would be written as text after us


_STANDARD_KEYS = frozenset(
    {"level", "location", "timestamp", "service", "xray_trace_id", "function_arn", "function_request_id", "cold_start",
     "function_name", "function_memory_size", "sampling_rate", "request_id"}
)  # fmt: skip


@lru_cache(maxsize=1)
def log() -> Logger:
    """The structured logger; every line goes through `scrub`."""
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    class Scrubbing(LambdaPowertoolsFormatter):
        def serialize(self, log: Any) -> str:  # noqa: ANN401  powertools' LogRecord dict
            clean = {k: v if k in _STANDARD_KEYS else scrub(v, k) for k, v in log.items()}
            return super().serialize(clean)

    return Logger(
        service=os.environ.get("POWERTOOLS_SERVICE_NAME", "whitenote"),
        level=os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"),
        logger_formatter=Scrubbing(),
    )


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    """EMF metrics: written as one log line, no request."""
    from aws_lambda_powertools import Metrics

    return Metrics(namespace="Whitenote", service=os.environ.get("POWERTOOLS_SERVICE_NAME", "whitenote"))


def count(name: str, value: int = 1, unit: str = "Count") -> None:
    """Add to a metric; flushed by the handler that runs."""
    metrics().add_metric(name=name, unit=unit, value=value)


def flush() -> None:
    """Write what was counted as one EMF line; nothing was counted, nothing is written."""
    if metrics.cache_info().currsize and metrics().provider.metric_set:
        metrics().flush_metrics()
