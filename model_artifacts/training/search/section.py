"""The card's sections on what else was tried, from what the search measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from functions.credit.inputs.columns import Model
from model_artifacts.training.search.variants import RELEASED

_CHOSEN: dict[Model, str] = {
    "application": """\
A Brier score of .1325 is not reached on these folds by anything, the directions and the depth let go or not: what
is left is the part of the outcome that these columns don't tell. The directions cost some .0006 of it and are worth
that: with them, no fact against an applicant ever helps. A calibrator earns nothing that its own error does not
swallow. Rows that nobody worked with may lie on either side; a thousand of them leave ± .013.""",
    "behavior": """\
A Brier score of .1325 is not reached on these folds by anything, the directions and the depth let go or not: what
is left is the part of the outcome that these columns don't tell. The differences between variants are real, for
they are of the same rows, and small: letting every pair meet gains .0002, in a larger and slower file; letting the
directions go as well, .0005 in all; depth 4 without directions, .0009, with exact Shapley values that are products
of up to four tests. None is worth a model in which paying more or owing less can look worse, so the release stays.
Rows that nobody worked with may lie on either side: six thousand of them leave ± .006. Measured with two or four
bags, as the names say, and without hidden copies but where named.""",
}
_FAIR: dict[Model, str] = {  # where no ratio is under .80 there was no search
    "application": """\
Housing, assets and seniority stand for age in part. Without housing nothing is gained; without seniority the ratio
rises by a tenth and .011 of AUC is lost, which declines and approves more of the wrong people at every age; without
all three the ratio comes near .80, .030 is lost and people under 25 are believed to be .05 better than they were.
The nearest alternative is the same model trained on reweighed rows: .06 better and .001 of AUC worse. It was not
released, for two reasons. It makes the outcome independent of age in training only, so it says of people under 25
less than is so (.364 where .382 went bad; the release says .384), an error that goes with the higher ratio; and it
needs age as a weight, which a lender's counsel has to allow (ECOA, 12 CFR 1002.6(b)(2)). It stays under .80 as
well, so the review of the policy that such a ratio calls for would not be spared. It is one variant away for
whoever decides otherwise.""",
}


def _row(one: dict[str, Any]) -> list[str]:
    low, high = one["brier_less_released_95"]
    return [
        one["name"],
        f"{one['auc']:.4f}",
        f"{one['brier']:.5f}",
        f"{one['brier_95'][0]:.4f} … {one['brier_95'][1]:.4f}",
        f"{one['brier_less_released']:+.5f} ({low:+.5f} … {high:+.5f})",
        f"{one['slope']:.2f}",
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


TRIED, ALTERNATIVES = "### What was tried", "## Less discriminatory alternatives"
_BEFORE = {TRIED: "### Calibration by band", ALTERNATIVES: "## Cut-offs"}
"""Where each section stands in the card: before this heading."""


def tried_section(model: Model, found: dict[str, Any]) -> str:
    """Every variant that was tried for a better fit, and how far the data lets anybody come."""
    tried = [one for one in found["tried"] if not one.get("fairness")]
    best = min(tried, key=lambda one: float(one["brier"]))
    head = ["tried, on the same folds", "AUC", "Brier", "95 %", "Brier less the released recipe's (95 %)", "slope"]
    said = (
        "Variants of the recipe, with fewer bags than the release, and compared with it at few bags. The lowest\n"
        f"Brier score is {best['brier']:.4f} ({best['name']}); its interval is {best['brier_95'][0]:.4f} …\n"
        f"{best['brier_95'][1]:.4f}, many times wider than what parts the variants.\n\n{_CHOSEN[model]}"
    )
    return f"{TRIED}\n\n{said}\n\n{_table(head, [_row(one) for one in tried])}"


def has_alternatives(model: Model) -> bool:
    """Whether a less discriminatory model was searched for."""
    return model in _FAIR


def alternatives_section(model: Model, found: dict[str, Any]) -> str:
    """The search for a less discriminatory model that ranks as well (12 CFR 1002.6(a), comment 2)."""
    attributes = list(found["tried"][0]["impact"])
    wanted = [one for one in found["tried"] if one.get("fairness") or one["name"] == RELEASED]
    rows = []
    for one in wanted:
        worst = [f"{one['impact'][name][1]:.2f} ({one['impact'][name][0]})" for name in attributes]
        beliefs = [f"{one['belief'][name][0]:.3f} of {one['belief'][name][1]:.3f}" for name in attributes]
        name = one["name"].removeprefix("less: ")
        rows.append([name, f"{one['auc']:.4f}", f"{one['brier']:.4f}", *worst, *beliefs])
    head = ["candidate", "AUC", "Brier", *(f"lowest ratio by {name}" for name in attributes)]
    head += [f"mean probability of that group, of its bad rate ({name})" for name in attributes]
    said = (
        f"Every candidate approves the same share of people, {found['approved_share']:.0%}, the least risky by its\n"
        f"own measure, so that none looks fair by approving more.\n\n{_FAIR[model]}"
    )
    return f"{ALTERNATIVES}\n\n{said}\n\n{_table(head, rows)}"


def renew_card(folder: Path) -> None:
    """Write the two sections of a card anew; its other sections need what only training has.

    Args:
        folder: The model's, with search.json and MODEL_CARD.md.
    """
    found = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    model: Model = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["model"]
    path = folder / "MODEL_CARD.md"
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    sections = [tried_section(model, found), *([alternatives_section(model, found)] if has_alternatives(model) else [])]
    for section in sections:
        heading = section.partition("\n")[0]
        if heading in blocks:
            start = blocks.index(heading)
            end = next(i for i in range(start + 1, len(blocks)) if blocks[i].startswith("#"))
            del blocks[start:end]
        place = next(i for i, block in enumerate(blocks) if block == _BEFORE[heading])
        blocks[place:place] = [section]
    path.write_text("\n\n".join(blocks), encoding="utf-8")
