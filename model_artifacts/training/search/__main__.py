"""`python -m model_artifacts.training.search --model M --data CSV`: try every variant, write search.json.

Two sections of MODEL_CARD.md are renewed with what was found; the rest of the card is training's.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np

from functions.credit.inputs.columns import MODELS
from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import crossval, measures
from model_artifacts.training.data import Floats, Sample, load
from model_artifacts.training.recipe import RECIPES
from model_artifacts.training.release import write_json
from model_artifacts.training.search.calibrate import CALIBRATORS, cross_fitted
from model_artifacts.training.search.section import renew_card
from model_artifacts.training.search.variants import RELEASED, VARIANTS, fit_of

TOGETHER = "all of the above that were tried for fit, their mean"
_SEED = 1


def impact(sample: Sample, logit: Floats, share: float) -> dict[str, tuple[str, float]]:
    """The worst-off group of each attribute and its adverse-impact ratio.

    Args:
        sample: With its groups.
        logit: Of its rows.
        share: Of the rows that are approved, the least risky ones: the same for every variant, so that none looks fair
            by approving more.
    """
    approved = logit <= np.quantile(logit, share)
    out = {}
    for name, values in sample.groups.items():
        rates = {one: float(approved[[value == one for value in values]].mean()) for one in sorted(set(values))}
        worst = min(rates, key=lambda one: rates[one])
        out[name] = (worst, rates[worst] / max(rates.values()))
    return out


def belief(sample: Sample, logit: Floats, groups: dict[str, tuple[str, float]]) -> dict[str, tuple[float, float]]:
    """Of the worst-off group of each attribute: mean probability, and how many went bad."""
    out = {}
    for name, (group, _) in groups.items():
        members = np.array([value == group for value in sample.groups[name]])
        out[name] = (float(measures.sigmoid(logit[members]).mean()), float(sample.bad[members].mean()))
    return out


def _entry(name: str, sample: Sample, logit: Floats, released: Floats, share: float) -> dict[str, Any]:
    bad, pd = sample.bad, measures.sigmoid(logit)
    gaps = (pd - bad) ** 2 - (measures.sigmoid(released) - bad) ** 2
    error = 1.96 * float(gaps.std()) / math.sqrt(len(gaps))
    found = measures.bootstrap(bad, logit, None, _SEED, draws=500)
    return {
        "name": name,
        "auc": found["auc"],
        "auc_95": found["auc_95"],
        "brier": found["brier"],
        "brier_95": found["brier_95"],
        "brier_less_released": float(gaps.mean()),
        "brier_less_released_95": [float(gaps.mean()) - error, float(gaps.mean()) + error],
        "slope": measures.calibration_line(bad, logit)[0],
        "impact": impact(sample, logit, share),
    }


def main() -> None:
    """Try all, one after the other, and write what has been found after each."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.search", description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ARTIFACTS)
    arguments = parser.parse_args()
    sample, folder = load(arguments.model, arguments.data), arguments.out / arguments.model
    entries, logits, share = list[dict[str, Any]](), dict[str, Floats](), 0.0
    for name, variant in VARIANTS[sample.model].items():
        logits[name] = crossval.out_of_fold(sample, 0, fit_of(sample.model, variant))
        if name == RELEASED:
            share = float((measures.sigmoid(logits[name]) <= RECIPES[sample.model].approved_pd).mean())
        entry = _entry(name, sample, logits[name], logits[RELEASED], share)
        if variant.fairness or name == RELEASED:
            entry |= {"belief": belief(sample, logits[name], entry["impact"])}
        entries.append({**entry, "fairness": variant.fairness})
        print(entries[-1], flush=True)
    for name, calibrator in CALIBRATORS.items():
        calibrated = cross_fitted(calibrator, sample.bad, logits[RELEASED], _SEED)
        entries.append(_entry(name, sample, calibrated, logits[RELEASED], share))
    fitted = [logits[name] for name, variant in VARIANTS[sample.model].items() if not variant.fairness]
    entries.append(_entry(TOGETHER, sample, np.mean(fitted, axis=0), logits[RELEASED], share))
    write_json(folder / "search.json", {"approved_share": share, "tried": entries})
    renew_card(folder)


if __name__ == "__main__":
    main()
