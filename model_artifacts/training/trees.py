"""LightGBM's text format: trees out of it, and several boosters into one.

A bag of boosters is the mean of their raw scores, so merged it is one booster with every leaf divided by their number.
Numbers are written with `repr`, which loses nothing.
Source: LightGBM 4 `GBDT::SaveModelToString`, `Tree::ToString` (decision_type: bit 0 categorical, bit 1 default left,
bits 2-3 missing type: 0 none, 1 zero, 2 NaN).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_NONE, _MISSING_NAN = 0, 2
_NEXT_TO_ZERO = 1e-30


@dataclass(frozen=True, slots=True)
class Split:
    """An inner node: left where `value <= threshold`, or where NaN and `missing_left`."""

    feature: int
    threshold: float
    missing_left: bool
    left: int  # index of an inner node, or ~index of a leaf
    right: int
    count: int


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree: inner nodes (the first is the root; none in a constant tree), leaf values and training counts."""

    splits: tuple[Split, ...]
    values: tuple[float, ...]
    counts: tuple[int, ...]


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _missing_left(decision: int, threshold: float) -> bool:
    if decision & _CATEGORICAL:
        raise ValueError("categorical splits are not exported; rank the category in columns.py")
    missing_type = decision >> 2 & 3
    if missing_type == _MISSING_NAN:
        return bool(decision & _DEFAULT_LEFT)
    if missing_type == _MISSING_NONE:
        return threshold >= 0.0  # LightGBM reads NaN as 0 where training saw no missing value
    raise ValueError("zero_as_missing is not exported")


def _tree(block: str) -> Tree:
    fields = _fields(block)
    if int(fields.get("num_cat", "0")):
        raise ValueError("categorical splits are not exported; rank the category in columns.py")
    values = tuple(float(v) for v in fields["leaf_value"].split())
    if int(fields["num_leaves"]) == 1:
        return Tree((), values, (1,))
    columns = [
        [int(v) for v in fields["split_feature"].split()],
        [float(v) for v in fields["threshold"].split()],
        [int(v) for v in fields["decision_type"].split()],
        [int(v) for v in fields["left_child"].split()],
        [int(v) for v in fields["right_child"].split()],
        [int(v) for v in fields["internal_count"].split()],
    ]
    splits = tuple(
        Split(int(f), float(t), _missing_left(int(d), float(t)), int(lo), int(hi), int(n))
        for f, t, d, lo, hi, n in zip(*columns, strict=True)
    )
    return Tree(splits, values, tuple(int(v) for v in fields["leaf_count"].split()))


def _blocks(text: str) -> tuple[str, list[str], str]:
    head, _, rest = text.partition("\nTree=0\n")
    body, _, tail = rest.partition("\nend of trees")
    return head, re.split(r"\nTree=\d+\n", body), tail


def read_trees(text: str) -> Iterator[Tree]:
    """The trees of a booster, in order.

    Args:
        text: As `Booster.model_to_string` writes it.

    Raises:
        ValueError: A categorical split, or zero treated as missing.
    """
    for block in _blocks(text)[1]:
        yield _tree(block)


def _settled(threshold: str) -> str:
    """The bound just under zero, moved to where LightGBM itself can see it.

    Training parts zero from the negative numbers at -1e-35, but prediction first reads every |x| <= 1e-35 as 0.
    """
    return repr(-(2.0**-20)) if -_NEXT_TO_ZERO < float(threshold) < 0 else threshold


def _scaled(block: str, bags: int) -> str:
    def shrink(match: re.Match[str]) -> str:
        return match[1] + " ".join(repr(float(v) / bags) for v in match[2].split())

    def settle(match: re.Match[str]) -> str:
        return match[1] + " ".join(_settled(v) for v in match[2].split())

    # internal_value, weights and gains serve plots only and are left out: they triple the file
    kept = re.sub(r"(?m)^(?:split_gain|internal_value|internal_weight|leaf_weight)=.*\n", "", block + "\n")
    kept = re.sub(r"(?m)^(threshold=)(.*)$", settle, kept)
    return re.sub(r"(?m)^(leaf_value=)(.*)$", shrink, kept).rstrip("\n") + "\n"


def merge_boosters(texts: Sequence[str]) -> str:
    """One booster whose raw score is the mean of the given ones.

    Args:
        texts: Boosters over the same features.

    Returns:
        Text that `lightgbm.Booster(model_str=…)` loads.
    """
    heads, blocks = [], []
    for text in texts:
        head, trees, _ = _blocks(text)
        heads.append(re.sub(r"(?m)^tree_sizes=.*\n?", "", head).rstrip())
        blocks += [_scaled(tree, len(texts)) for tree in trees]
    body = "".join(f"Tree={number}\n{block}\n" for number, block in enumerate(blocks))
    return f"{heads[0]}\n\n{body}\nend of trees\n\nparameters:\nend of parameters\n"
