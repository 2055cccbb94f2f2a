"""Whether the people who are scored still look like those a model learned from: counted as they come, judged weekly.

Every scored row adds one to the bin of each of its features and of its points. A week's counts against the baseline of
training give the stability indices; from .25 on, with enough rows to mean it, people are called.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast

from functions.credit.drift import Drift, stability_index, verdict
from functions.credit.inputs.columns import MODELS, Model, read_columns
from functions.credit.models.artifacts import Artifact, artifact_of, loaded
from functions.credit.models.store import (
    DriftReportItem,
    plan_bins,
    plan_report,
    read_bins,
    read_registry,
    read_reports,
)
from functions.credit.scoring import points
from functions.platform.container import container
from functions.platform.observability import count, log
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit

ENOUGH_ROWS: Final = 200
"""Under so many rows an index is mostly chance: with ten bins it averages .05 at 200 though nothing has moved."""
SHOWN_REPORTS: Final = 13
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def week_of(at: datetime) -> str:
    """The ISO week of an instant, UTC: "2026-W47"."""
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02d}"


@lru_cache(maxsize=8)
def baseline_of(version: str) -> Mapping[str, Any]:
    """Bins and shares of a model's training sample, by quantity."""
    found: dict[str, Any] = json.loads((artifact_of(version).folder / "baseline.json").read_text(encoding="utf-8"))
    return found


def bin_name(quantity: int, place: int) -> str:
    """Attribute of a bin: number of the quantity in the baseline's order, and of the bin."""
    return f"q{quantity}{_DIGITS[place]}"


def bins_of(version: str, row: Mapping[str, Any], logit: float) -> dict[str, int]:
    """The bin of each quantity of one scored row.

    Args:
        version: Of the model that scored it.
        row: Its columns, by the names of the training file.
        logit: Its score.
    """
    model = loaded(version)
    vector = model.feature_set.vector(read_columns(cast("Model", artifact_of(version).model), row))
    values = dict(zip(model.names, vector, strict=True)) | {"points": float(points(logit))}
    out = {}
    for number, (name, bins) in enumerate(baseline_of(version).items()):
        value, edges = values[name], bins["edges"]
        out[bin_name(number, len(edges) + 1 if math.isnan(value) else bisect_left(edges, value))] = 1
    return out


def count_row(version: str, row: Mapping[str, Any], logit: float, event: Mapping[str, Any]) -> None:
    """Count a scored row in the week it was scored in, once per event.

    Args:
        version: Of the model that scored it.
        row: Its columns.
        logit: Its score.
        event: Our envelope; its id is the guard.
    """
    clock = container().clock
    week = week_of(clock.now())
    with suppress(ConditionFailedError):  # this event has been counted
        commit(container().tables, plan_bins(version, week, bins_of(version, row, logit), event["id"], clock.wall()))


def drifts_of(version: str, counts: Mapping[str, int]) -> tuple[int, list[Drift]]:
    """A week's counts against the baseline.

    Args:
        version: Of the model.
        counts: By `bin_name`.

    Returns:
        How many rows were counted, and each quantity's index, the most moved first; none without rows.
    """
    found, rows = [], 0
    for number, (name, bins) in enumerate(baseline_of(version).items()):
        observed = [counts.get(bin_name(number, place), 0) for place in range(len(bins["edges"]) + 2)]
        total = sum(observed)
        if total:
            rows = max(rows, total)
            index = stability_index(bins["shares"], [one / total for one in observed])
            found.append(Drift(name, index, verdict(index), total))
    return rows, sorted(found, key=lambda one: (-one.index, one.name))


def present_drift(one: Drift) -> dict[str, Any]:
    """An index as JSON values."""
    return {"name": one.name, "index": round(one.index, 6), "verdict": one.verdict, "rows": one.rows}


def weekly(event: Mapping[str, Any]) -> dict[str, int]:  # noqa: ARG001  when it was due does not matter
    """Judge last week of each credit champion, once; called by the schedule.

    Returns:
        How many quantities of each model have moved past the alarm.
    """
    last = week_of(container().clock.now() - timedelta(days=7))
    return {model: report(read_registry(model)[0].champion, last) for model in MODELS}


def report(version: str, week: str) -> int:
    """Write a week's report and, where something moved past the alarm, call people; how many did."""
    rows, drifts = drifts_of(version, read_bins(version, week))
    alarms = [one.name for one in drifts if one.verdict == "alarm"] if rows >= ENOUGH_ROWS else []
    item = DriftReportItem(
        pk=keys.drift(version),
        sk=f"{keys.DRIFT_REPORTS}{week}",
        version=1,
        model=artifact_of(version).model,
        rows=rows,
        drifts=[present_drift(one) for one in drifts],
        alarms=alarms,
    )
    now = container().clock.now()
    if alarms:
        item.tell(now, "", Pending("model.drifted", {"week": week, "quantities": len(alarms)}))
        log().warning("model has drifted", extra={"model_version": version, "week": week, "moved": alarms})
    with suppress(ConditionFailedError):  # the schedule came twice
        commit(container().tables, plan_report(item))
        count("ModelDriftAlarms", len(alarms))
    return len(alarms)


def _is_counted(artifact: Artifact) -> bool:
    """The fraud model's inputs are no rows of people, and nobody counts them."""
    return artifact.model in MODELS


def drift(version: str) -> dict[str, Any]:
    """A model's drift: this week so far, and the last quarter's reports; nothing of a model that is not counted.

    Raises:
        NotFoundError: This package does not carry it.
    """
    artifact, week = artifact_of(version), week_of(container().clock.now())
    rows, drifts = drifts_of(version, read_bins(version, week)) if _is_counted(artifact) else (0, [])
    return {
        "id": artifact.version,
        "object": "model_drift",
        "week": week,
        "rows": rows,
        "enough": rows >= ENOUGH_ROWS,
        "quantities": [present_drift(one) for one in drifts],
        "reports": [
            {
                "week": item.sk.removeprefix(keys.DRIFT_REPORTS),
                "rows": item.rows,
                "alarms": item.alarms,
                "quantities": item.drifts,
            }
            for item in read_reports(version, SHOWN_REPORTS)
        ],
    }
