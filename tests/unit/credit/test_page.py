"""The HTML page on a model: whole without data, and with data it measures what is shipped."""

from __future__ import annotations

import csv
import random

import pytest

from functions.credit.inputs.columns import COLUMNS
from functions.credit.scoring import ARTIFACTS
from model_artifacts.training.markdown import to_html
from model_artifacts.training.page import page


def test_a_card_becomes_headings_tables_lists_and_pictures():
    text = (
        "# A `b`\n\n| x | y |\n| --- | --- |\n| 1 | **2** |\n\n- one\n  more\n- two\n\n![ROC](roc.png)\n\nWords & more."
    )
    shown = to_html(text, lambda name: f"at/{name}")
    assert "<h1>A <code>b</code></h1>" in shown
    assert "<td>1</td><td><strong>2</strong></td>" in shown and "---" not in shown
    assert "<li>one more</li><li>two</li>" in shown
    assert "<img src='at/roc.png' alt='ROC'>" in shown
    assert "<p>Words &amp; more.</p>" in shown


@pytest.mark.parametrize("model", ["application", "behavior"])
def test_the_page_of_a_release_shows_its_card_and_plots(model):
    shown = page(model, ARTIFACTS / model, None)
    assert shown.count("<img src='data:image/png;base64,") == 4
    assert "Adverse" in shown or "adverse-impact ratio" in shown


def test_with_data_the_shipped_model_is_measured_and_drawn(tmp_path):
    draw = random.Random(1)
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, [*COLUMNS["application"], "Age", "Status"])
        table.writeheader()
        for _ in range(200):
            income = draw.randint(50, 300)
            table.writerow({
                "Seniority": draw.randint(0, 30), "Home": "rent", "Time": 12, "Records": "no", "Job": "fixed",
                "Expenses": 50, "Income": income, "Assets": 0, "Debt": 0, "Amount": 900, "Price": 1300,
                "Age": 40, "Status": "bad" if draw.random() < 60 / income else "good",
            })  # fmt: skip
    shown = page("application", ARTIFACTS / "application", path)
    assert shown.count("<svg") == 3 and "ROC, AUC" in shown and "spiegelhalter_z" in shown
