"""The card of a challenger: what it learned from, how it treats rejects, and how it does beside the champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_artifacts.training.release import read_version
from model_artifacts.training.retrain.sample import PRUDENCE, Outcomes

_BAD = {
    "application": "more than 60 days past due within the first twelve statements; good after twelve without that",
    "behavior": "more than 30 days past due at the next cut",
}
_EXCLUDED = {
    "application": "hard stops (no model had a say), lines too young to tell",
    "behavior": "cuts before the third, and each line's latest, whose outcome is not known yet",
}
_REJECTS = {
    "application": f"""\
Each rejected applicant takes part twice, as bad with {PRUDENCE:g} × the champion's portfolio probability as weight
and as good with the rest. No figure is made on them: nobody knows what would have become of them. The table shows what
they change.""",
    "behavior": """\
There are no rejects: every line has a next cut, whatever the review made of it. What a review does is part of the
outcome: a line that was cut or frozen could owe less afterwards, which flatters the model where it was followed. All
months of an account stand in one fold.""",
}


def write_card(folder: Path, learned: Outcomes, metrics: dict[str, Any], *, made_up: bool) -> None:
    """Write MODEL_CARD.md.

    Args:
        folder: The challenger's.
        learned: What it learned from.
        metrics: As `judge` made them.
        made_up: Whether the people are.
    """
    sample, version = learned.sample, read_version(folder)
    bad = int(sample.bad[: learned.accepted].sum())
    calibration = metrics["calibration"]
    source = "**Simulated people**: a dry run; it never decides on a live stage." if made_up else "This platform's own."
    rows = [
        ("AUC", f"{metrics['auc']:.4f} ({metrics['auc_95'][0]:.4f} … {metrics['auc_95'][1]:.4f})"),
        ("Brier", f"{metrics['brier']:.4f}"),
        ("calibration slope, intercept", f"{calibration['slope']:.2f}, {calibration['intercept']:+.2f}"),
    ]
    gain = metrics["auc_gain_95"]
    rows += [
        ("champion's AUC on the same people", f"{metrics['champion_auc']:.4f}"),
        ("AUC over the champion's", f"{metrics['auc_gain']:+.4f} ({gain[0]:+.4f} … {gain[1]:+.4f})"),
        ("champion's Brier", f"{metrics['champion_brier']:.4f}"),
        ("champion's calibration intercept", f"{metrics['champion_calibration']['intercept']:+.2f}"),
    ]
    if "auc_without_rejects" in metrics:
        rows.insert(1, ("AUC without rejected applicants in training", f"{metrics['auc_without_rejects']:.4f}"))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    page = f"""# Model card: {sample.model}, a challenger

Version `{version}`.

## Sample

{source} {learned.accepted} rows with an outcome,
{bad} of them bad; {learned.rejected} rejected applicants without one.

- **Bad**: {_BAD[sample.model]}.
- **Point in time**: rows as the decision record or the frozen cuts hold them; outcomes as of the export.
- **Exclusions**: {_EXCLUDED[sample.model]}, people who asked to be forgotten.

## Reject inference

{_REJECTS[sample.model]}

## How good

{metrics["protocol"]}.

| figure | value |
| --- | --- |
{table}

## Fairness

The platform keeps neither sex nor marital status, and age for legal majority alone, so the ratios of the released
model's card can't be made here. No protected attribute is a feature.

## Before it is promoted

Shadow it on a hundred decisions at least and read `/v1/models/{version}/compare`; two persons promote, one rolls back.
"""
    (folder / "MODEL_CARD.md").write_text(page, encoding="utf-8")
