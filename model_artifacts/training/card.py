"""MODEL_CARD.md: what the model is for, how good it is, for whom, and when to stop using it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from functions.credit.policies.policy import Policy, load_policy
from functions.credit.scoring import sigmoid
from model_artifacts.training import measures
from model_artifacts.training.card_text import ABOUT, FAIRNESS, TAIL
from model_artifacts.training.data import Floats, Sample
from model_artifacts.training.recipe import RECIPES
from model_artifacts.training.reject_section import reject_section
from model_artifacts.training.search.section import alternatives_section, has_alternatives, tried_section

_BANDS = 10


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _range(pair: list[float], digits: int = 4) -> str:
    return f"{pair[0]:.{digits}f} … {pair[1]:.{digits}f}"


def _figures(metrics: dict[str, Any]) -> str:
    calibration = metrics["calibration"]
    rows = [
        ["AUC", f"{metrics['auc']:.4f}", _range(metrics["auc_95"])],
        ["AUC over the peer's", f"{metrics['auc_gain']:+.4f}", _range(metrics["auc_gain_95"])],
        ["Brier", f"{metrics['brier']:.4f}", _range(metrics["brier_95"])],
        ["calibration error (10 equal-count bins)", f"{calibration['ece']:.4f}",
         f"≤ {calibration['ece_95th_percentile_if_perfect']:.4f} by chance alone (95 %)"],
        ["calibration slope", f"{calibration['slope']:.3f}", "wanted 0.9 … 1.1"],
        ["calibration intercept", f"{calibration['intercept']:+.3f}", "wanted ± 0.1"],
        ["Spiegelhalter z", f"{calibration['spiegelhalter_z']:+.2f}", "wanted under 2"],
    ]  # fmt: skip
    return _table(["figure", "value", "95 % interval or bound"], rows)


def _bands(bad: Floats, pd: Floats) -> str:
    order = np.argsort(pd, kind="stable")
    rows = []
    for number, part in enumerate(np.array_split(order, _BANDS), 1):
        rows.append([number, len(part), f"{pd[part].mean():.4f}", f"{bad[part].mean():.4f}"])
    return _table(["band", "rows", "mean probability", "observed bad rate"], rows)


def _segments(sample: Sample, logit: Floats, approved: Floats) -> str:
    """Fairness: approval at the card's cut-off by group, against the group most often approved."""
    rows = []
    for name, values in sample.groups.items():
        groups = sorted(set(values))
        members = {group: np.array([value == group for value in values]) for group in groups}
        rates = {group: float(approved[mask].mean()) for group, mask in members.items()}
        best = max(rates.values())
        for group, mask in members.items():
            both = 0 < sample.bad[mask].sum() < mask.sum()
            rows.append(
                [
                    name,
                    group,
                    int(mask.sum()),
                    f"{sample.bad[mask].mean():.3f}",
                    f"{measures.sigmoid(logit[mask]).mean():.3f}",
                    f"{measures.auc(sample.bad[mask], logit[mask]):.3f}" if both else "–",
                    f"{rates[group]:.3f}",
                    f"{rates[group] / best:.2f}",
                ]
            )
    head = ["attribute", "group", "rows", "bad rate", "mean probability", "AUC", "approved", "adverse-impact ratio"]
    return _table(head, rows)


def _features(manifest: dict[str, Any]) -> str:
    sign = {1: "only up", -1: "only down", 0: "free"}
    ranked = sorted(manifest["features"], key=lambda one: -one["mean_absolute_contribution"])
    rows = []
    for one in ranked:
        weight = f"{one['mean_absolute_contribution']:.3f}"
        rows.append([f"`{one['name']}`", one["family"], sign[one["monotone"]], weight, one["definition"]])
    return _table(["feature", "family", "with it the probability goes", "mean |contribution|", "definition"], rows)


def _cut_offs(sample: Sample, logit: Floats, policy: Policy) -> str:
    """Grades of the policy beside what they were in the sample."""
    offset = policy.offset("default", sample.model)
    shifted = [sigmoid(float(value) + offset) for value in logit]
    grades = [policy.grade(sample.model, pd) or "none" for pd in shifted]
    rows = []
    for grade in [*policy.grades[sample.model], "none"]:
        mask = [one == grade for one in grades]
        count = sum(mask)
        rate = f"{sample.bad[mask].mean():.3f}" if count else "–"
        at_most = policy.grades[sample.model].get(grade)
        rows.append([grade, at_most if at_most is not None else "over E", count, f"{count / len(mask):.3f}", rate])
    return _table(["grade", "portfolio probability at most", "rows", "share", "bad rate in the sample"], rows)


def _comparison(entries: list[dict[str, Any]]) -> str:
    rows = [
        [one["name"], f"{one['auc']:.4f}", f"{one['brier']:.4f}", f"{one['slope']:.2f}", f"{one['ours_minus']:+.4f}",
         _range(one["ours_minus_95"])]
        for one in entries
    ]  # fmt: skip
    return _table(["model, same folds", "AUC", "Brier", "slope", "ours − its AUC", "95 %"], rows)


def _rejects(found: dict[str, Any] | None) -> list[str]:
    return [f"## Reject inference\n\n{reject_section(found)}"] if found else []


def card(
    sample: Sample,
    manifest: dict[str, Any],
    logit: Floats,
    studies: Mapping[str, Any],
    *,
    plots: bool,
) -> str:
    """The card's Markdown.

    Args:
        sample: The training sample.
        manifest: As written.
        logit: Out-of-fold logits of the sample's rows.
        studies: What stands beside the manifest, by name, each None if it was not run: "comparison" (`report`),
            "reject_inference" (`reject_study`), "search".
        plots: Whether the plots stand beside the card.
    """
    model, metrics, recipe = sample.model, manifest["metrics"], RECIPES[sample.model]
    pd = measures.sigmoid(logit)
    approved = (pd <= recipe.approved_pd).astype(float)
    judged = (
        f"{metrics['protocol']}. Pairs of features are chosen again inside each fold. Features, directions, category "
        "ranks and parameters were chosen by hand on folds of the same rows, so the figures are a little kind: rows "
        f"nobody worked with have the last word. Peer: {metrics['peer']}."
    )
    parts = [
        f"# Model card: {model}",
        f"Version `{manifest['version']}`.",
        ABOUT[model],
        f"## How good\n\n{judged}\n\n{_figures(metrics)}",
    ]
    search = studies["search"]
    if studies["comparison"]:
        parts.append(f"### Beside other models\n\n{_comparison(studies['comparison'])}")
    if search:
        parts.append(tried_section(model, search))
    parts += [
        f"### Calibration by band\n\n{_bands(sample.bad, pd)}",
        f"## Fairness\n\n{FAIRNESS.format(pd=recipe.approved_pd)}\n\n{_segments(sample, logit, approved)}",
        *_rejects(studies["reject_inference"]),
        *([alternatives_section(model, search)] if search and has_alternatives(model) else []),
        f"## Cut-offs\n\n{_cut_offs(sample, logit, load_policy())}\n\nLimits follow `policy.json`: see docs/credit.md.",
        f"## Features and directions\n\n{_features(manifest)}",
    ]
    if plots:
        named = {"roc": "ROC", "calibration": "calibration", "scores": "score distribution", "reasons": "contributions"}
        parts.append("## Plots\n\n" + "\n".join(f"![{title}]({name}.png)" for name, title in named.items()))
    parts.append(TAIL)
    return "\n\n".join(parts)


def _study(path: Path) -> Any:  # noqa: ANN401  JSON
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write_card(sample: Sample, folder: Path, logit: Floats) -> None:
    """Write MODEL_CARD.md from the manifest, the out-of-fold logits and whatever studies and plots stand beside them.

    Args:
        sample: The training sample.
        folder: The model's folder.
        logit: Out-of-fold logits of the sample's rows.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    studies = {name: _study(folder / f"{name}.json") for name in ("comparison", "reject_inference", "search")}
    page = card(sample, manifest, logit, studies, plots=(folder / "roc.png").exists())
    (folder / "MODEL_CARD.md").write_text(page, encoding="utf-8")
