"""The demo's report: one HTML file with its charts inside, each beside its table."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra.demo.story import Story

_WIDTH: Final = 640
_BAR: Final = 22
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { border-bottom: 1px solid #8886; padding: .3rem .8rem;
text-align: left; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; } svg text { font: 13px system-ui, sans-serif; fill: currentColor; } rect { fill: #2f6f9f; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } rect { fill: #7fb6de; } }
"""


def write(story: Story, folder: Path) -> Path:
    """Write the report and its charts.

    Args:
        story: As told.
        folder: Made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    approved = [a for a in story.applications if a["status"] == "approved"]
    charts = {
        "Outcomes": _counts(a["status"] for a in story.applications),
        "Grades of those approved": _counts(a["grade"] for a in approved),
        "Limits of those approved": _bands(a["limit_minor"] for a in approved),
        "Reasons given": _counts(r["code"] for a in story.applications for r in a["reasons"]),
    }
    parts = [f"<h1>Whitenote demo</h1><p>{len(story.steps)} steps; every invariant named below held.</p>"]
    parts.append(_steps(story))
    for title, bars in charts.items():
        drawing = _bars(title, bars)
        (folder / f"{title.lower().replace(' ', '-')}.svg").write_text(drawing)
        parts.append(f"<h2>{html.escape(title)}</h2>{drawing}{_table(('', 'count'), list(bars.items()))}")
    file = folder / "report.html"
    file.write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Whitenote demo</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )
    return file


def _counts(values: Any) -> dict[str, int]:  # noqa: ANN401  any iterable of words
    counts: dict[str, int] = {}
    for value in values:
        counts[str(value)] = counts.get(str(value), 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _bands(limits: Any) -> dict[str, int]:  # noqa: ANN401  any iterable of minor units
    edges = [500_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000]
    names = ["under 5,000", "5,000 to 10,000", "10,000 to 20,000", "20,000 to 30,000", "30,000 to 40,000", "40,000 up"]
    counts = dict.fromkeys(names, 0)
    for limit in limits:
        counts[names[sum(limit >= edge for edge in edges)]] += 1
    return counts


def _bars(title: str, bars: Mapping[str, int]) -> str:
    most = max(bars.values(), default=1) or 1
    rows = []
    for place, (name, count) in enumerate(bars.items()):
        y, wide = place * _BAR, max(1, round(count / most * (_WIDTH - 300)))
        rows.append(
            f"<text x='0' y='{y + 15}'>{html.escape(name)}</text>"
            f"<rect x='220' y='{y + 3}' width='{wide}' height='{_BAR - 6}'/>"
            f"<text x='{226 + wide}' y='{y + 15}'>{count}</text>"
        )
    size = f"width='{_WIDTH}' height='{max(1, len(bars)) * _BAR}'"
    label = html.escape(title, quote=True)
    return f"<svg xmlns='http://www.w3.org/2000/svg' role='img' aria-label='{label}' {size}>{''.join(rows)}</svg>"


def _table(head: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    cells = "".join(f"<th>{html.escape(str(h))}</th>" for h in head)
    body = "".join(
        "<tr>" + "".join(f"<td{_kind(value)}>{html.escape(str(value))}</td>" for value in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _kind(value: object) -> str:
    return " class='number'" if isinstance(value, int | float) else ""


def _steps(story: Story) -> str:
    rows = [
        (
            number,
            step.title,
            "; ".join(f"{name} {value}" for name, value in step.figures.items()),
            "; ".join(dict.fromkeys(step.checks)),
            f"{step.took_s:.1f} s",
        )
        for number, step in enumerate(story.steps, 1)
    ]
    return _table(("", "step", "figures", "what held", "took"), rows)
