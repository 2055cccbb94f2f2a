"""`python -m model_artifacts.training.fraud [--towns N] [--no-forest] [--out DIR]`: simulate, train, judge, write.

With `--judge` nothing is trained: the released booster's time to detect and cost curve are worked out anew, and its
manifest and card are written again around them.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from model_artifacts.training.fraud import recipe
from model_artifacts.training.fraud.card import card
from model_artifacts.training.fraud.detection import judged
from model_artifacts.training.fraud.release import write
from model_artifacts.training.fraud.simulator import Town, simulate
from model_artifacts.training.fraud.study import Study, report, spread, study
from model_artifacts.training.release import write_json

ARTIFACTS = Path(__file__).resolve().parents[2]
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.9)


def thresholds(done: Study) -> list[dict[str, float]]:
    """What each threshold would have done on the test days."""
    chance = 1 / (1 + np.exp(-recipe.scores(done.text, done.test_inputs)))
    fraud = done.rows.fraud[done.test]
    out = []
    for least in THRESHOLDS:
        hit = chance >= least
        caught = float(fraud[hit].sum())
        shares = {"orders": hit.mean(), "precision": caught / max(1, hit.sum()), "recall": caught / fraud.sum()}
        out.append({"probability": least, **{name: round(float(share), 4) for name, share in shares.items()}})
    return out


def judge(out: Path) -> None:
    """Time to detect and costs of the released model, into its manifest and card."""
    folder = out / "fraud"
    text = gzip.decompress((folder / "booster.txt.gz").read_bytes()).decode()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["metrics"]["operation"] = judged(simulate(Town()), text)
    write_json(folder / "manifest.json", manifest)
    (folder / "MODEL_CARD.md").write_text(card(manifest), encoding="utf-8")


def main() -> None:
    """Everything from one command; some twenty minutes with all towns, two with `--towns 0 --no-forest`."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.fraud", description=__doc__)
    parser.add_argument("--towns", type=int, default=len(recipe.OTHER_SEEDS), help="how many other towns to report on")
    parser.add_argument("--no-forest", action="store_true", help="leave the baseline's random forests out")
    parser.add_argument("--out", type=Path, default=ARTIFACTS, help="parent of the model's folder")
    parser.add_argument("--judge", action="store_true", help="train nothing; judge the released model's operation anew")
    arguments = parser.parse_args()
    if arguments.judge:
        judge(arguments.out)
        return
    done = study(Town())
    published = report(done, forest=not arguments.no_forest)
    metrics: dict[str, Any] = {"published_town": published, "thresholds": thresholds(done)}
    metrics["operation"] = judged(done.rows, done.text)
    print("published town", published, flush=True)
    each = []
    for seed in recipe.OTHER_SEEDS[: arguments.towns]:
        each.append({"seed": seed, **report(study(Town(seed=seed)), forest=False)})
        print(each[-1], flush=True)
    if each:
        metrics["other_towns_each"] = each
    if len(each) > 1:
        metrics["other_towns"] = spread(each)
    print(write(done, metrics, arguments.out))


if __name__ == "__main__":
    main()
