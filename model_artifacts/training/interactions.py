"""Which pairs of features may meet in a tree: those that gain most when all may.

Fewer pairs make a smaller, faster and easier to read model; the choice is made inside every cross-validation fold.
Source: Lou, Caruana, Gehrke, Hooker, "Accurate Intelligible Models with Pairwise Interactions" (KDD 2013).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import lightgbm

Node = dict[str, Any]


def _pair_gains(node: Node, above: tuple[int, ...], gains: Counter[tuple[int, ...]]) -> None:
    if "split_feature" not in node:
        return
    feature = node["split_feature"]
    for other in above:
        if other != feature:
            gains[tuple(sorted((other, feature)))] += node["split_gain"]
    for child in ("left_child", "right_child"):
        _pair_gains(node[child], (*above, feature), gains)


def best_pairs(booster: lightgbm.Booster, most: int) -> list[list[int]]:
    """The pairs worth their place.

    Args:
        booster: Trained without interaction constraints.
        most: How many pairs to keep.

    Returns:
        LightGBM's `interaction_constraints`: the pairs, and every feature alone.
    """
    gains: Counter[tuple[int, ...]] = Counter()
    for tree in booster.dump_model()["tree_info"]:
        _pair_gains(tree["tree_structure"], (), gains)
    ranked = sorted(gains, key=lambda pair: (-gains[pair], pair))[:most]
    return [*map(list, ranked), *([feature] for feature in range(booster.num_feature()))]
