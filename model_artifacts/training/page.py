"""One HTML page on a model, its plots inside: `python -m model_artifacts.training.page --model M [--data CSV]`.

Without data: the card and the plots that were made out of fold when it was trained. With data: the shipped ONNX model
on those rows, which may be rows that nobody trained on: figures with intervals, ROC, calibration, scores and reasons,
drawn here. Standard library and numpy; the page needs nothing else.
"""

from __future__ import annotations

import argparse
import base64
import csv
import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from functions.credit.inputs.columns import MODELS, Model
from functions.credit.scoring import ARTIFACTS, Score, load_model
from model_artifacts.training import measures
from model_artifacts.training.data import Floats, load
from model_artifacts.training.markdown import to_html

_SIDE, _MARGIN = 320, 40
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .7rem; text-align: left; font-variant-numeric: tabular-nums; }
figure { display: inline-block; margin: 1rem 1rem 1rem 0; } img, svg { max-width: 100%; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.line { fill: none; stroke: #2f6f9f; stroke-width: 2; }
.ideal { stroke: #888; stroke-dasharray: 4; } .bar, .dot { fill: #2f6f9f; } .bad { fill: #b3541e; opacity: .6; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } }
"""


def _figure(title: str, marks: str, across: str, up: str) -> str:
    """A square chart with axes from 0 to 1."""
    end = _MARGIN + _SIDE
    ticks = "".join(
        f"<text x='{_MARGIN + at * _SIDE:.0f}' y='{end + 16}' text-anchor='middle'>{at:g}</text>"
        f"<text x='{_MARGIN - 6}' y='{end - at * _SIDE + 4:.0f}' text-anchor='end'>{at:g}</text>"
        for at in (0, 0.5, 1)
    )
    frame = f"<rect x='{_MARGIN}' y='{_MARGIN}' width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#8886'/>"
    name, size = html.escape(title, quote=True), end + 36
    return (
        f"<figure><svg width='{size}' height='{size}' role='img' aria-label='{name}'>{frame}{ticks}"
        f"<text x='{_MARGIN}' y='24'>{name}</text><text x='{_MARGIN + _SIDE // 2}' y='{end + 32}' "
        f"text-anchor='middle'>{html.escape(across)}</text>{marks}<title>{html.escape(up)}</title></svg></figure>"
    )


def _place(x: float, y: float) -> str:
    return f"{_MARGIN + x * _SIDE:.1f},{_MARGIN + (1 - y) * _SIDE:.1f}"


def _line(points: Sequence[tuple[float, float]], kind: str = "line") -> str:
    return f"<polyline class='{kind}' points='{' '.join(_place(x, y) for x, y in points)}'/>"


_IDEAL = _line([(0.0, 0.0), (1.0, 1.0)], "line ideal")


def roc(bad: Floats, logit: Floats) -> str:
    """Good rows refused against bad rows caught, for every cut-off."""
    order = np.argsort(-logit, kind="stable")
    hits, alarms = np.cumsum(bad[order]) / bad.sum(), np.cumsum(1 - bad[order]) / (1 - bad).sum()
    step = max(1, len(bad) // 200)
    points = [(0.0, 0.0), *zip(alarms[::step].tolist(), hits[::step].tolist(), strict=True), (1.0, 1.0)]
    return _figure(
        f"ROC, AUC {measures.auc(bad, logit):.4f}", _IDEAL + _line(points), "good rows refused", "bad caught"
    )


def calibration(bad: Floats, pd: Floats) -> str:
    """Observed bad rate against mean probability in ten bins of equal count, with its 95 % interval."""
    marks = []
    for part in np.array_split(np.argsort(pd, kind="stable"), measures.BINS):
        mean, seen = float(pd[part].mean()), float(bad[part].mean())
        spread = 1.96 * float(np.sqrt(mean * (1 - mean) / len(part)))
        x, y = _place(mean, seen).split(",")
        low, high = min(1.0, seen + spread), max(0.0, seen - spread)
        marks.append(_line([(mean, low), (mean, high)]) + f"<circle class='dot' cx='{x}' cy='{y}' r='4'/>")
    return _figure("Calibration", _IDEAL + "".join(marks), "mean probability", "observed bad rate")


def scores(bad: Floats, pd: Floats) -> str:
    """Share of good and of bad rows in each twentieth of the probability."""
    marks = []
    for outcome, kind in ((0, "bar"), (1, "bar bad")):
        shares = np.histogram(pd[bad == outcome], bins=20, range=(0, 1))[0] / max(1, (bad == outcome).sum())
        for place, share in enumerate((shares / max(shares.max(), 1e-9)).tolist()):
            x, y = _place(place / 20, share).split(",")
            marks.append(
                f"<rect class='{kind}' x='{x}' y='{y}' width='{_SIDE / 20 - 1:.1f}' height='{share * _SIDE:.1f}'/>"
            )
    return _figure("Scores: good (blue), bad (brown)", "".join(marks), "probability of default", "share, scaled")


def reasons(given: Sequence[Score]) -> str:
    """How often each family is a reason."""
    counts = Counter(reason.code for one in given for reason in one.reasons)
    rows = [[code, count, f"{count / len(given):.3f}"] for code, count in counts.most_common()]
    return _table(["reason", "rows", "share"], rows)


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def measured(model: Model, data: Path) -> str:
    """The shipped model on the rows of a file."""
    sample = load(model, data)
    with data.open(encoding="utf-8-sig", newline="") as lines:
        given = load_model(model).scores(list(csv.DictReader(lines)))
    logit = np.array([one.logit for one in given])
    pd = measures.sigmoid(logit)
    found = measures.bootstrap(sample.bad, logit, None, seed=1, draws=500)
    fit = measures.calibration(sample.bad, logit, seed=1, draws=500)
    rows = [["rows", len(sample)], ["bad rate", f"{sample.bad.mean():.4f}"]]
    rows += [[name, _shown(value)] for name, value in {**found, **fit}.items()]
    drawn = roc(sample.bad, logit) + calibration(sample.bad, pd) + scores(sample.bad, pd)
    head = f"<h2>On the rows of {html.escape(data.name)}</h2><p>sha256 {sample.sha256}</p>"
    return head + _table(["figure", "value"], rows) + drawn + reasons(given)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " … ".join(f"{one:.4f}" for one in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def page(model: Model, folder: Path, data: Path | None) -> str:
    """The whole page.

    Args:
        model: "application" or "behavior".
        folder: The model's.
        data: Rows to measure on; None: the card alone.
    """

    def picture(name: str) -> str:
        return f"data:image/png;base64,{base64.b64encode((folder / name).read_bytes()).decode()}"

    figures = measured(model, data) if data else ""
    card = to_html((folder / "MODEL_CARD.md").read_text(encoding="utf-8"), picture)
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{model}</title><style>{_STYLE}</style><body>{figures}{card}</body></html>\n"
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.page", description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--data", type=Path, help="rows to measure the shipped model on (CSV)")
    parser.add_argument("--out", type=Path, help="build/model-report/<model>.html if not given")
    arguments = parser.parse_args()
    model = cast("Model", arguments.model)
    out = arguments.out or Path("build") / "model-report" / f"{model}.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(model, ARTIFACTS / model, arguments.data), encoding="utf-8")
    print(out)


if __name__ == "__main__":
    main()
