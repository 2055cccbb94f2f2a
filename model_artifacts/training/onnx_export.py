"""The table of `shapley.expand` as one ONNX TreeEnsembleRegressor with double thresholds.

Every product of tests becomes a path; products that share all tests but the last share a path and end in a search
tree over the last feature's thresholds. Outputs: the logit less its constant, then one contribution per feature.
Thresholds and weights are doubles (ml opset 3, `*_as_tensor`) and the runtime sums in double; it hands the outputs
over as float32, so the caller takes the logit as bias + Σ contributions in double.
Source: ONNX ai.onnx.ml operators, TreeEnsembleRegressor version 3.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from onnx import ModelProto, TensorProto, checker, helper

from model_artifacts.training.shapley import Expansion, Product, Test, Weights

_LEAF, _LEQ = "LEAF", "BRANCH_LEQ"
# Every finite value passes this test and NaN does not: it parts missing values from all others.
_ANY_NUMBER = sys.float_info.max


@dataclass(slots=True)
class _Ensemble:
    """The operator's parallel arrays, filled tree by tree in the order of a depth-first walk."""

    tree: int = -1
    node: int = 0
    nodes: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    targets: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def start_tree(self) -> None:
        self.tree += 1
        self.node = 0

    def _add(self, mode: str, feature: int, value: float, missing_true: bool) -> int:  # noqa: FBT001
        row = {
            "nodes_treeids": self.tree,
            "nodes_nodeids": self.node,
            "nodes_featureids": feature,
            "nodes_modes": mode,
            "nodes_missing_value_tracks_true": int(missing_true),
            "nodes_truenodeids": 0,
            "nodes_falsenodeids": 0,
            "nodes_values": value,
        }
        for name, item in row.items():
            self.nodes[name].append(item)
        self.node += 1
        return len(self.nodes["nodes_nodeids"]) - 1

    def leaf(self, weights: Weights, *, zeros: bool = False) -> None:
        node = self.node
        self._add(_LEAF, 0, 0.0, missing_true=False)
        for output, weight in sorted(weights.items()):
            if weight or zeros or output == 0:  # the runtime wants at least one weight in a leaf
                for name, item in zip(
                    ("target_treeids", "target_nodeids", "target_ids", "target_weights"),
                    (self.tree, node, output, weight),
                    strict=True,
                ):
                    self.targets[name].append(item)

    def branch(self, test: Test) -> tuple[int, int]:
        at = self._add(_LEQ, test.feature, test.threshold, test.missing)
        return at, self.node

    def set_children(self, at: int, true_node: int, false_node: int) -> None:
        self.nodes["nodes_truenodeids"][at] = true_node
        self.nodes["nodes_falsenodeids"][at] = false_node

    def constants(self, weights: Weights) -> None:
        """A tree whose two leaves are one: every output gets a value, even where no other tree touches it.

        The operator's own base values are lost on an output that no leaf writes to.
        """
        at, true_node = self.branch(Test(0, 0.0, missing=False))
        self.leaf(weights, zeros=True)
        false_node = self.node
        self.leaf(weights, zeros=True)
        self.set_children(at, true_node, false_node)

    def path(self, prefix: Product, steps: dict[Test, Weights], base: Weights) -> None:
        """A chain of tests; past all of them the step function, past none of them nothing."""
        if not prefix:
            self.steps(steps, base)
            return
        at, true_node = self.branch(prefix[0])
        self.path(prefix[1:], steps, base)
        false_node = self.node
        self.leaf({0: 0.0})
        self.set_children(at, true_node, false_node)

    def steps(self, steps: dict[Test, Weights], base: Weights) -> None:
        """Base + Σ weight · [x <= t] of one feature, as a balanced search tree."""
        tests = sorted(steps)
        levels = [base]
        for test in reversed(tests):
            levels.append(_sum(levels[-1], steps[test]))
        levels.reverse()  # levels[m]: the value where exactly the thresholds from m on are passed
        answers = {test.missing for test in tests}
        thresholds = sorted({test.threshold for test in tests})
        values = [levels[next(i for i, t in enumerate(tests) if t.threshold >= level)] for level in thresholds]
        values.append(base)
        if len(answers) == 1:
            self._search(tests[0].feature, thresholds, values, missing=answers.pop())
            return
        absent = base
        for test in tests:
            absent = _sum(absent, steps[test]) if test.missing else absent
        at, true_node = self.branch(Test(tests[0].feature, _ANY_NUMBER, missing=False))
        self._search(tests[0].feature, thresholds, values, missing=False)
        false_node = self.node
        self.leaf(absent)
        self.set_children(at, true_node, false_node)

    def _search(self, feature: int, thresholds: list[float], values: list[Weights], *, missing: bool) -> None:
        if not thresholds:
            self.leaf(values[0])
            return
        middle = len(thresholds) // 2
        at, true_node = self.branch(Test(feature, thresholds[middle], missing))
        self._search(feature, thresholds[:middle], values[: middle + 1], missing=missing)
        false_node = self.node
        self._search(feature, thresholds[middle + 1 :], values[middle + 1 :], missing=missing)
        self.set_children(at, true_node, false_node)


def _sum(left: Weights, right: Weights) -> Weights:
    return {output: left.get(output, 0.0) + right.get(output, 0.0) for output in {**left, **right}}


def _groups(terms: dict[Product, Weights]) -> dict[tuple[Product, int], dict[Test, Weights]]:
    """Products by (all tests but one, feature of that one), the one chosen per feature set to need fewest paths."""
    by_features: dict[tuple[int, ...], list[Product]] = defaultdict(list)
    for key in terms:
        if key:
            by_features[tuple(test.feature for test in key)].append(key)
    out: dict[tuple[Product, int], dict[Test, Weights]] = defaultdict(dict)
    for features, keys in sorted(by_features.items()):
        last = min(range(len(features)), key=lambda i: len({(*key[:i], *key[i + 1 :]) for key in keys}))
        for key in sorted(keys):
            out[(*key[:last], *key[last + 1 :]), features[last]][key[last]] = terms[key]
    return out


def to_onnx(expansion: Expansion, features: int, name: str) -> ModelProto:
    """The model file.

    Args:
        expansion: From `shapley.expand`.
        features: Number of inputs.
        name: Name of the graph.

    Returns:
        Input "features" double [n, features]; output "scores" float [n, 1 + features]: column 0 the logit, column
        1 + j the contribution of feature j.
    """
    outputs = 1 + features
    constant = expansion.terms.get((), {})
    ensemble = _Ensemble()
    ensemble.start_tree()
    ensemble.constants({output: constant.get(output, 0.0) for output in range(outputs)})
    for (prefix, _), steps in _groups(expansion.terms).items():
        ensemble.start_tree()
        ensemble.path(prefix, steps, {0: 0.0})
    attributes: dict[str, Any] = {key: ensemble.nodes[key] for key in ensemble.nodes if key != "nodes_values"}
    attributes |= {key: ensemble.targets[key] for key in ensemble.targets if key != "target_weights"}
    for key, doubles in (
        ("nodes_values_as_tensor", ensemble.nodes["nodes_values"]),
        ("target_weights_as_tensor", ensemble.targets["target_weights"]),
    ):
        attributes[key] = helper.make_tensor(key, TensorProto.DOUBLE, [len(doubles)], doubles)
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=outputs,
        aggregate_function="SUM",
        post_transform="NONE",
        **attributes,
    )
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, features])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, outputs])],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
        producer_name="whitenote",
    )
    checker.check_model(model)
    return model
