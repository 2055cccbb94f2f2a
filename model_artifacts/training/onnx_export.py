"""The tables of `tables.tabulate` as one ONNX model with double thresholds and double outputs.

A small tree per feature finds the row's bin in a search of a few steps and adds, for every table that has the feature,
how far along its cells that bin lies. So one TreeEnsembleRegressor answers the cell of each table; the cells are
gathered and summed by output. A missing value fails every comparison and ends in a leaf of its own.

    features [n, F] ─ TreeEnsembleRegressor ─ Cast ─ Gather(cells) ─ Reshape ─ MatMul(which output) ─ scores [n, 1 + F]

Cell numbers are whole and under 2^24, so the operator's float32 answer is exact; thresholds are doubles (ml opset 3,
`*_as_tensor`). Sums are exact (`tables`), so scores have the same bits everywhere.
Source: ONNX ai.onnx.ml operators, TreeEnsembleRegressor version 3.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from model_artifacts.training.shapley import Expansion
from model_artifacts.training.tables import Table, Tables, tabulate

_LEAF, _LEQ = "LEAF", "BRANCH_LEQ"
_ANY_NUMBER = (
    math.inf
)  # every number is at most infinity, and NaN is not: this test parts missing values from all others

Steps = tuple[tuple[int, int], ...]  # (table, cells to go along it)


@dataclass(slots=True)
class _Ensemble:
    """The operator's parallel arrays, filled tree by tree in the order of a depth-first walk."""

    tree: int = -1
    node: int = 0
    nodes: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    targets: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def search(self, feature: int, thresholds: Sequence[float], leaves: Sequence[Steps]) -> None:
        """A balanced search tree over one feature.

        Args:
            feature: Which.
            thresholds: Rising.
            leaves: One per bin: up to each threshold, beyond all, missing.
        """
        self.tree += 1
        self.node = 0
        *numbers, beyond, missing = leaves
        if _ANY_NUMBER in thresholds:  # nothing lies beyond
            self._search(feature, thresholds, [*numbers, missing])
        elif beyond == missing:  # a missing value, which fails every test, ends beyond all of them by itself
            self._search(feature, thresholds, [*numbers, beyond])
        else:
            self._search(feature, [*thresholds, _ANY_NUMBER], leaves)

    def _search(self, feature: int, thresholds: Sequence[float], leaves: Sequence[Steps]) -> None:
        if not thresholds:
            self._leaf(leaves[0])
            return
        middle = len(thresholds) // 2
        at = self._add(_LEQ, feature, thresholds[middle])
        self.nodes["nodes_truenodeids"][at] = self.node
        self._search(feature, thresholds[:middle], leaves[: middle + 1])
        self.nodes["nodes_falsenodeids"][at] = self.node
        self._search(feature, thresholds[middle + 1 :], leaves[middle + 1 :])

    def _leaf(self, steps: Steps) -> None:
        for table, cells in steps:
            for name, item in zip(
                ("target_treeids", "target_nodeids", "target_ids", "target_weights"),
                (self.tree, self.node, table, float(cells)),
                strict=True,
            ):
                self.targets[name].append(item)
        self._add(_LEAF, 0, 0.0)

    def _add(self, mode: str, feature: int, value: float) -> int:
        row = {
            "nodes_treeids": self.tree,
            "nodes_nodeids": self.node,
            "nodes_featureids": feature,
            "nodes_modes": mode,
            "nodes_missing_value_tracks_true": 0,
            "nodes_truenodeids": 0,
            "nodes_falsenodeids": 0,
            "nodes_values": value,
        }
        for name, item in row.items():
            self.nodes[name].append(item)
        self.node += 1
        return len(self.nodes["nodes_nodeids"]) - 1

    def attributes(self, outputs: int) -> dict[str, Any]:
        """Of a TreeEnsembleRegressor that answers one number per table."""
        found: dict[str, Any] = {key: self.nodes[key] for key in self.nodes if key != "nodes_values"}
        found |= {key: self.targets[key] for key in self.targets if key != "target_weights"}
        for key, doubles in (
            ("nodes_values_as_tensor", self.nodes["nodes_values"]),
            ("target_weights_as_tensor", self.targets["target_weights"]),
        ):
            found[key] = helper.make_tensor(key, TensorProto.DOUBLE, [len(doubles)], doubles)
        return {**found, "n_targets": outputs, "aggregate_function": "SUM", "post_transform": "NONE"}


def _searches(tables: Tables) -> _Ensemble:
    """Per feature a tree; a table's first feature also brings the number of its first cell."""
    steps: dict[int, list[list[tuple[int, int]]]] = {
        feature: [[] for _ in range(len(thresholds) + 2)] for feature, thresholds in tables.thresholds.items()
    }
    start = 0
    for number, table in enumerate(tables.tables):
        for axis, stride in zip(table.axes, table.strides, strict=True):
            first = start if axis is table.axes[0] else 0
            for leaf, place in zip(steps[axis.feature], axis.places, strict=True):
                leaf.append((number, first + place * stride))
        start += len(table.cells)
    ensemble = _Ensemble()
    for feature, thresholds in tables.thresholds.items():
        ensemble.search(feature, thresholds, [tuple(leaf) for leaf in steps[feature]])
    return ensemble


def _cells(tables: Sequence[Table], width: int) -> NDArray[np.float64]:
    return np.concatenate([np.pad(one.cells, ((0, 0), (0, width - one.cells.shape[1]))) for one in tables])


def _outputs(tables: Sequence[Table], width: int, outputs: int) -> NDArray[np.float64]:
    """[tables · width, outputs]: 1.0 where a column of a table's cells belongs to an output."""
    belongs = np.zeros((len(tables), width, outputs))
    for number, table in enumerate(tables):
        belongs[number, 0, 0] = 1.0
        for column, feature in enumerate(table.features, 1):
            belongs[number, column, 1 + feature] = 1.0
    return belongs.reshape(-1, outputs)


def to_onnx(expansion: Expansion, features: int, name: str) -> ModelProto:
    """The model file.

    Args:
        expansion: From `shapley.expand`.
        features: Number of inputs.
        name: Name of the graph.

    Returns:
        Input "features" double [n, features]; output "scores" double [n, 1 + features]: column 0 the logit, column
        1 + j the contribution of feature j.

    Raises:
        TooManyCellsError: The trees meet too many features at once.
    """
    outputs = 1 + features
    tables = tabulate(expansion)
    count, width = len(tables.tables), 1 + max(len(table.axes) for table in tables.tables)
    ensemble = _searches(tables)
    constants = {
        "cells": _cells(tables.tables, width),
        "row_shape": np.array([0, count * width], np.int64),  # 0: as many rows as there are
        "outputs": _outputs(tables.tables, width, outputs),
    }
    search = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["cell"], domain="ai.onnx.ml", **ensemble.attributes(count)
    )
    nodes = [
        search,
        helper.make_node("Cast", ["cell"], ["cell_number"], to=TensorProto.INT32),
        helper.make_node("Gather", ["cells", "cell_number"], ["found"], axis=0),
        helper.make_node("Reshape", ["found", "row_shape"], ["found_row"]),
        helper.make_node("MatMul", ["found_row", "outputs"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, features])],
        [helper.make_tensor_value_info("scores", TensorProto.DOUBLE, [None, outputs])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
        producer_name="whitenote",
    )
    checker.check_model(model)
    return model
