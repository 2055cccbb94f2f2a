"""The model card, from the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from functions.core.money import to_decimal
from model_artifacts.training.fraud.study import PUBLISHED


def card(manifest: Mapping[str, Any]) -> str:
    """Markdown."""
    metrics = manifest["metrics"]
    town, towns = metrics["published_town"], metrics.get("other_towns")
    lines = [
        f"# Fraud model {manifest['version']}",
        "",
        "Scores one order for payment fraud inside the authorization, with exact reasons. **It is trained on",
        "simulated transactions**: it proves the method and the plumbing (inputs from stored counters, labels that",
        "come a week late, exact contributions), not a fraud rate of any real portfolio. Before it decides about",
        "people, retrain it on the platform's own labels; until then the default rules let it ask for a step-up or a",
        "review, never decline.",
        "",
        "## Data and protocol",
        "",
        "The simulator of the *Fraud Detection Handbook* (Le Borgne et al., 2022, chapter 3.2), written anew: 5,000",
        "customers, 10,000 terminals, 183 days, radius 5. Fraud is a large amount, a terminal compromised for 28 days,",
        "or a stolen card used for 14 days at five times the usual amount. Seed 0 gives the published transactions",
        f"exactly: {town['transactions']:,} transactions, {town['frauds']:,} frauds.",
        "Seven days to train (from 25 July 2018), seven for labels to come in, seven to test; a card with a known",
        "fraud leaves the test. Inputs, depth and regularisation were chosen on earlier windows and on other towns,",
        "none of which is reported here.",
        "",
        "## Figures on the test days",
        "",
        "| | AUC | average precision | card precision@100 |",
        "| --- | --- | --- | --- |",
        _row("this model", town["ours"]),
        _row("baseline here: logistic regression", town["baseline_logistic_regression"]),
        _row("baseline published: logistic regression", PUBLISHED["logistic_regression"]),
        *([_row("baseline here: random forest (mean of 3)", town["baseline_random_forest"])]
          if "baseline_random_forest" in town else []),
        _row("baseline published: random forest", PUBLISHED["random_forest"]),
        "",
    ]  # fmt: skip
    if towns:
        lines += [
            f"On {len(metrics['other_towns_each'])} other towns (other seeds), each by the same protocol, mean ± sd:",
            "",
            "| | AUC | average precision | card precision@100 |",
            "| --- | --- | --- | --- |",
            _spread_row("this model", towns["ours"]),
            _spread_row("baseline: logistic regression", towns["baseline_logistic_regression"]),
            "",
        ]
    return "\n".join([*lines, *_closing(manifest)]) + "\n"


def _row(name: str, figures: Mapping[str, float]) -> str:
    return (
        f"| {name} | {figures['auc']:.3f} | {figures['average_precision']:.3f} | {figures['card_precision_100']:.3f} |"
    )


def _spread_row(name: str, figures: Mapping[str, Mapping[str, float]]) -> str:
    cells = (f"{figures[k]['mean']:.3f} ± {figures[k]['sd']:.3f}" for k in figures)
    return f"| {name} | " + " | ".join(cells) + " |"


def _closing(manifest: Mapping[str, Any]) -> list[str]:
    thresholds = manifest["metrics"]["thresholds"]
    return [
        "## Inputs",
        "",
        "Amounts enter only as ratios, categories and persons not at all. `functions/risk/fraud/features.py` computes",
        "them, in training and in the authorization alike.",
        "",
        "| input | family | monotone | mean contribution (absolute, log-odds) | definition |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {f['name']} | {f['family']} | {f['monotone'] or ''} | {f['mean_absolute_contribution']:.4f} |"
            f" {f['definition']} |"
            for f in manifest["features"]
        ),
        "",
        "Monotone inputs can only raise (1) or lower (-1) the score: a larger amount against one's own history or more",
        "known fraud at the terminal never makes an order look safer.",
        "",
        "## Thresholds on the test days",
        "",
        "| probability at least | share of orders | precision | share of frauds |",
        "| --- | --- | --- | --- |",
        *(
            f"| {t['probability']:.0%} | {t['orders']:.2%} | {t['precision']:.0%} | {t['recall']:.0%} |"
            for t in thresholds
        ),
        "",
        "The default rules step up from 10 % and hold for review from 30 %.",
        "",
        *_operation(manifest["metrics"]["operation"]),
        "## Limits",
        "",
        "- In the first week of an attack on a terminal no label is in: about a third of such frauds can't be seen by",
        "  any model under this protocol. Velocity rules and lists are there for that week.",
        "- The simulator knows three kinds of fraud; bust-out, collusion and rings are the work of rules and checks.",
        f"- Probabilities are of the simulated base rate ({manifest['base_rate']:.2%}): elsewhere only rank holds.",
        "",
        "## Going back",
        "",
        "Every load checks the sha256 and the golden scores. Former models stay under `model_artifacts/challengers`;",
        "people let them in and take them back (`/v1/models`). Decisions name the version that scored them.",
    ]


def _operation(operation: Mapping[str, Any]) -> list[str]:
    costs = operation["costs"]
    return [
        "## Time to detect",
        "",
        f"Attacks that began within {operation['watched_days']} days after training and delay: the time from an",
        "attack's first fraud to its first order at or over the threshold. Stopped there, it would have had only the",
        "orders before; `value stopped` is the share of the attacked value from that order on.",
        "",
        "| threshold | attack | attacks | detected | median | 90th percentile | orders before | value stopped |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['threshold']:.0%} | {row['scenario']} | {row['attacks']} | {row['detected']:.0%} |"
            f" {row['median_hours']:.0f} h | {row['p90_hours']:.0f} h | {row['median_orders_before']:.0f} |"
            f" {row['value_stopped']:.0%} |"
            for row in operation["time_to_detect"]
        ),
        "",
        "A terminal's attack is first seen when its first label is a week old: nine days at the median, since a label",
        "counts only with its whole quarter of a day. Attacks shorter than that, and those cut off by the end of the",
        "window, are not detected by the model at all.",
        "",
        "## Cost of an operating point",
        "",
        "Per 1,000 orders, in the town's money (mean order 54.00): a missed fraud costs its amount, a look at a held",
        f"order {_units(costs['review_minor'])}, an honest order held {_units(costs['friction_minor'])} more.",
        f"Without any model: {_units(costs['unwatched_minor_per_1000'])}.",
        "",
        "| hold from | held | honest held | fraud missed | total |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {row['threshold']:.0%} | {row['held_per_1000']:.1f} | {row['honest_held_per_1000']:.1f} |"
            f" {_units(row['missed_minor_per_1000'])} | {_units(row['total_minor_per_1000'])} |"
            for row in costs["curve"]
        ),
        "",
        _cheapest(costs["curve"]),
        "",
    ]


def _cheapest(curve: Sequence[Mapping[str, Any]]) -> str:
    best = min(curve, key=lambda row: float(row["total_minor_per_1000"]))
    return (
        f"The cheapest point here is {best['threshold']:.0%}. The rules step up at 10 %, which costs an honest customer"
        " a confirmation and no reviewer, and hold at 30 %, where nine of ten held orders are fraud."
    )


def _units(amount_minor: float) -> str:
    """An expected amount (a mean, so not whole) in units of a currency of two decimals."""
    return f"{to_decimal(round(amount_minor), 'EUR'):,.2f}"
