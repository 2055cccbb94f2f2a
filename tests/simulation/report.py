"""The report of a run: figures beside each other, and the plots that a person looks at."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from functions.core.money import to_decimal

CURRENCY: Final = "CNY"
_WIDTH: Final = 640
_ROW: Final = 24
_LEFT: Final = 190
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{border-bottom:1px solid #8886;padding:.3rem .8rem;text-align:left}"
    "svg text{font:13px system-ui,sans-serif;fill:currentColor}"
)


def write(summary: Mapping[str, Any], folder: Path, about: str) -> Path:
    """Write summary.json, the plots and report.html.

    Args:
        summary: As `measures.summary` gives it.
        folder: Made if it is not there.
        about: What was run, for the head of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    scenarios: Mapping[str, Mapping[str, Any]] = summary["scenarios"]
    plots = {
        "Share of fraud value caught, %": {
            "whitenote": _percent(summary["fraud_value_caught_bps"]),
            f"amount over {_units(summary['baseline']['stops_over_minor'])}": _percent(
                summary["baseline"]["fraud_value_caught_bps"]
            ),
        },
        "Value caught by scenario, %": {name: _percent(row["value_caught_bps"]) for name, row in scenarios.items()},
        "Orders before the first stop (median)": {
            name: float(row["orders_before_first_stop_median"] or 0) for name, row in scenarios.items()
        },
        "Loss before the first stop": {
            name: float(to_decimal(row["loss_before_first_stop_minor"], CURRENCY)) for name, row in scenarios.items()
        },
    }
    parts = [f"<h1>Risk simulation</h1><p>{html.escape(about)}</p>", _figures(summary)]
    for title, bars in plots.items():
        drawing = bars_svg(title, bars)
        (folder / f"{_slug(title)}.svg").write_text(drawing)
        parts.append(f"<h2>{html.escape(title)}</h2>{drawing}")
    rows = [
        (name, str(row["hits"]), _shown(row["precision_bps"]), _units(row["stopped_fraud_minor"]),
         _units(row["alone_fraud_minor"]), str(row["alone_good_orders"]))
        for name, row in summary["rules"].items()
    ]  # fmt: skip
    head = ("rule", "cases", "of fraud, %", "fraud stopped", "by it alone", "good orders by it alone")
    parts.append("<h2>Rules and checks: decided cases, and marginal value</h2>" + _table(head, rows))
    file = folder / "report.html"
    file.write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Risk simulation</title>"
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )
    return file


def bars_svg(title: str, bars: Mapping[str, float]) -> str:
    """Horizontal bars with their values."""
    most = max(bars.values(), default=0) or 1
    rows = []
    for n, (name, value) in enumerate(bars.items()):
        y, width = n * _ROW, round(value / most * (_WIDTH - _LEFT - 90))
        rows.append(
            f"<text x='0' y='{y + 16}'>{html.escape(name)}</text>"
            f"<rect x='{_LEFT}' y='{y + 4}' width='{width}' height='{_ROW - 8}' fill='#2f6f9f'/>"
            f"<text x='{_LEFT + width + 6}' y='{y + 16}'>{value:,.1f}</text>"
        )
    height = len(bars) * _ROW + 4
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' role='img'>"
        f"<title>{html.escape(title)}</title>{''.join(rows)}</svg>"
    )


def _figures(summary: Mapping[str, Any]) -> str:
    names = (
        "good_stopped_bps", "good_declined_for_good_bps", "good_asked_to_confirm_bps", "fraud_value_caught_bps",
        "fraud_value_lost_bps", "precision_at_capacity_bps", "overturned_bps", "cases_decided", "cases_left_open",
        "credit_refusals",
    )  # fmt: skip
    rows = [(name.removesuffix("_bps").replace("_", " "), _value(name, summary[name])) for name in names]
    orders = summary["orders"]
    return _table(("figure", "value"), [("orders, good and fraud", f"{orders['good']} and {orders['fraud']}"), *rows])


def _value(name: str, value: int | None) -> str:
    return f"{_shown(value)} %" if name.endswith("_bps") else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{html.escape(h)}</th>' for h in head)}</tr>{cells}</table>"


def _percent(bps: int | None) -> float:
    return (bps or 0) / 100


def _units(amount_minor: int) -> str:
    return f"{to_decimal(amount_minor, CURRENCY):,.0f}"


def _shown(bps: int | None) -> str:
    return "–" if bps is None else f"{bps / 100:.1f}"


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
