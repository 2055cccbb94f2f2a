"""The fraud model that ships: inputs as trained, exact reasons, and the figures of its card."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from functions.credit.models.artifacts import CHALLENGERS, shipped
from functions.credit.scoring import ARTIFACTS, ModelIntegrityError
from functions.risk.counters import DAY_S, Ring
from functions.risk.fraud.features import FEATURES, NEVER, SLOT_S, ScoredOrder, TerminalHistory, fraud_features
from functions.risk.fraud.score import (
    MODEL_FOLDER,
    REASONS,
    UnknownCurrencyError,
    load_model,
    score_order,
    usual_order,
)
from functions.risk.pack import DamagedError
from functions.risk.profile import History, RiskProfile
from model_artifacts.training.fraud.card import card
from model_artifacts.training.fraud.detection import SCENARIOS, attacks
from model_artifacts.training.fraud.metrics import auc, average_precision, card_precision, split
from model_artifacts.training.fraud.replay import FIRST_DAY_S, USUAL_MINOR, matrix
from model_artifacts.training.fraud.simulator import Town, Transactions, simulate
from model_artifacts.training.release import keep_former

ROOT = Path(__file__).resolve().parents[3]
NAMES = [feature.name for feature in FEATURES]
NOW = FIRST_DAY_S + 100 * DAY_S + 50_000


def inputs(profile: RiskProfile, terminal: TerminalHistory, amount: int = 5_000, at_s: int = NOW) -> dict[str, float]:
    order = ScoredOrder(amount, at_s, USUAL_MINOR)
    return dict(zip(NAMES, fraud_features(order, profile, terminal), strict=True))


def test_a_thousand_transactions_through_the_counters_give_the_inputs_that_training_saw() -> None:
    """The platform's own profile and terminal items, packed and unpacked at every step, against the training matrix."""
    rows = simulate(Town(customers=60, terminals=200, days=60, radius=12.0))
    assert len(rows) > 4_000
    wanted = np.arange(len(rows) - 1_000, len(rows))
    trained = matrix(rows, wanted)
    profiles: dict[int, bytes] = {}
    terminals: dict[int, bytes] = {}
    served = []
    columns = (rows.at_s, rows.customer, rows.terminal, rows.amount_minor, rows.fraud)
    labels: list[tuple[int, int]] = []
    for at, customer, where, amount, fraud in zip(*(c.tolist() for c in columns), strict=True):
        now = FIRST_DAY_S + at
        while labels and labels[0][0] <= now - 7 * DAY_S:  # a label comes in a week after the purchase
            ordered, spot = labels.pop(0)
            terminals[spot] = TerminalHistory.unpack(terminals[spot]).with_frauds(ordered).pack()
        profile = RiskProfile.unpack(profiles[customer]) if customer in profiles else RiskProfile()
        terminal = TerminalHistory.unpack(terminals[where]) if where in terminals else TerminalHistory()
        served.append(fraud_features(ScoredOrder(amount, now, USUAL_MINOR), profile, terminal))
        profiles[customer] = profile.with_purchase(amount, now, channel="in_store").pack()
        terminals[where] = terminal.with_order(now).pack()
        if fraud:
            labels.append((now, where))
    assert np.array_equal(np.array(served[-1_000:]), trained)
    assert trained[:, NAMES.index("terminal_frauds_30d")].max() > 0


def test_a_fraud_is_unseen_until_its_label_is_a_week_old() -> None:
    ordered = NOW - NOW % SLOT_S
    terminal = TerminalHistory().with_order(ordered).with_frauds(ordered)
    for hours in range(7 * 24 + 6):
        assert inputs(RiskProfile(), terminal, at_s=ordered + hours * 3_600)["terminal_last_fraud"] == NEVER
    seen = inputs(RiskProfile(), terminal, at_s=ordered + 7 * DAY_S + 6 * 3_600)
    assert seen["terminal_last_fraud"] == 7.25
    assert seen["terminal_frauds_1d"] == 1.0


def test_a_run_of_frauds_is_told_from_one_that_ended() -> None:
    terminal = TerminalHistory()
    for day, fraud in ((20, False), (18, True), (16, True), (12, True)):
        at = NOW - day * DAY_S
        terminal = terminal.with_order(at)
        terminal = terminal.with_frauds(at) if fraud else terminal
    running = inputs(RiskProfile(), terminal)
    assert (running["terminal_run"], running["terminal_run_after"]) == (18.0, 20.0)
    assert (running["terminal_first_fraud"], running["terminal_last_fraud"]) == (18.0, 12.0)
    assert (running["terminal_frauds_7d"], running["terminal_frauds_30d"]) == (1.0, 0.75)
    ended = inputs(RiskProfile(), terminal.with_order(NOW - 9 * DAY_S))
    assert (ended["terminal_run"], ended["terminal_run_after"]) == (NEVER, NEVER)


def test_the_same_purchase_in_another_currency_has_the_same_inputs() -> None:
    def scaled(factor: int) -> tuple[float, ...]:
        profile = RiskProfile()
        for day in range(9):
            profile = profile.with_purchase((1_000 + day) * factor, NOW - day * DAY_S, channel="online")
        return fraud_features(ScoredOrder(3_000 * factor, NOW, 5_000 * factor), profile, TerminalHistory())

    assert scaled(100) == pytest.approx(scaled(1), rel=1e-12)


def test_a_customer_and_a_terminal_without_past_have_inputs_too() -> None:
    blank = inputs(RiskProfile(), TerminalHistory())
    assert blank["amount_to_usual"] == 1.0
    assert all(value in {0.0, 1.0, NEVER} for value in blank.values())


def test_terminal_bytes_come_back_and_damage_is_refused() -> None:
    terminal = TerminalHistory()
    for day in range(80):
        terminal = terminal.with_order(NOW + day * DAY_S).with_frauds(NOW + day * DAY_S)
    packed = terminal.pack()
    assert TerminalHistory.unpack(packed) == terminal
    assert len(terminal.slots.buckets) == 39
    for damage in (b"", b"\x09", packed[:-1], packed + b"\0"):
        with pytest.raises(DamagedError):
            TerminalHistory.unpack(damage)


def test_a_busy_terminal_still_fits_an_item() -> None:
    slots = {80_000 + n: (10_000, 500) for n in range(153)}
    assert len(TerminalHistory(Ring(SLOT_S, 153, slots)).pack()) < 1_024


ATTACKED = TerminalHistory().with_order(NOW - 21 * DAY_S)
for _day in range(8, 20):
    ATTACKED = ATTACKED.with_order(NOW - _day * DAY_S).with_frauds(NOW - _day * DAY_S)


def test_reasons_are_exact_and_name_what_raises_the_score() -> None:
    profile = RiskProfile(history=History(100, 500_000, 100 * 5_500**2, 9_000))
    attacked = score_order(ScoredOrder(5_000, NOW, USUAL_MINOR), profile, ATTACKED)
    quiet = score_order(ScoredOrder(5_000, NOW, USUAL_MINOR), profile, TerminalHistory())
    assert attacked.logit == pytest.approx(attacked.bias + sum(attacked.contributions.values()), abs=1e-12)
    assert attacked.bps > 3_000
    assert quiet.bps < 100
    assert attacked.reasons[0].code == "fraud_terminal"
    assert all(reason.contribution > 0 for reason in attacked.reasons)
    large = score_order(ScoredOrder(25_000, NOW, USUAL_MINOR), profile, TerminalHistory())
    assert large.reasons[0].code == "fraud_amount"
    assert large.bps > quiet.bps


@pytest.mark.parametrize("amount", [4_000, 5_000, 8_000, 12_000, 30_000])
def test_a_larger_amount_never_looks_safer(amount: int) -> None:
    profile = RiskProfile(history=History(100, 500_000, 100 * 5_500**2, 9_000))
    scores = [score_order(ScoredOrder(a, NOW, USUAL_MINOR), profile, ATTACKED).logit for a in (amount, amount + 1_000)]
    assert scores[0] <= scores[1] + 1e-12


def test_the_onnx_file_is_the_booster_with_its_exact_shapley_values() -> None:
    text = gzip.decompress((MODEL_FOLDER / "booster.txt.gz").read_bytes()).decode()
    rows = simulate(Town(customers=40, terminals=120, days=50, radius=12.0))
    values = matrix(rows, np.arange(len(rows) - 300, len(rows)))
    expected = np.asarray(lightgbm.Booster(model_str=text).predict(values, pred_contrib=True))
    model = load_model()
    for row, contributions in zip(values.tolist(), expected, strict=True):
        score = model.score(row)
        assert list(score.contributions.values()) == pytest.approx(contributions[:-1].tolist(), abs=2e-6)
        assert score.bias == pytest.approx(contributions[-1], abs=1e-9)


@pytest.mark.parametrize("file", ["model.onnx", "manifest.json", "golden_scores.json"])
def test_a_model_that_is_not_the_released_one_does_not_load(file: str, tmp_path: Path) -> None:
    folder = tmp_path / "fraud"
    shutil.copytree(MODEL_FOLDER, folder)
    assert load_model(folder).version == load_model().version
    if file == "model.onnx":
        raw = bytearray((folder / file).read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / file).write_bytes(raw)
    else:
        content = json.loads((folder / file).read_text())
        if file == "manifest.json":
            content["features"][0]["definition"] = "something else"
        else:
            content["scores"][0]["logit"] += 0.001
        (folder / file).write_text(json.dumps(content))
    with pytest.raises(ModelIntegrityError):
        load_model(folder)
    (folder / file).unlink()
    with pytest.raises(ModelIntegrityError):
        load_model(folder)


@pytest.mark.parametrize("entrance", ["functions.checkout.api", "functions.risk.rule_life.api"])
def test_a_container_with_a_tampered_fraud_model_does_not_start_and_says_why(entrance: str, tmp_path: Path) -> None:
    """The entrances of the two functions that score orders: the payment API, and the replay of risk decisions."""
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "model_artifacts", tmp_path / "model_artifacts", ignore=shutil.ignore_patterns("training"))
    file = tmp_path / "model_artifacts" / "fraud" / "model.onnx"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    start = [sys.executable, "-c", f"import {entrance}"]
    refused = subprocess.run(start, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "fraud/model.onnx does not have the sha256 of its manifest" in refused.stderr
    file.unlink()  # the console's package carries no model, and starts
    assert subprocess.run(start, cwd=tmp_path, check=False).returncode == 0


def test_a_model_that_is_replaced_is_kept_and_still_loads(tmp_path: Path) -> None:
    folder = tmp_path / "fraud"
    shutil.copytree(MODEL_FOLDER, folder)
    version = load_model(folder).version
    keep_former(folder, version)
    assert not (tmp_path / CHALLENGERS).exists()
    keep_former(folder, "fraud-000000000000")
    assert load_model(tmp_path / CHALLENGERS / version / "fraud").version == version
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace(version, "fraud-000000000000"))
    for other in ("application", "behavior"):
        (tmp_path / other).mkdir()
        shutil.copy(ARTIFACTS / other / "manifest.json", tmp_path / other)
    carried = {one.version: one.released for one in shipped(tmp_path).values() if one.model == "fraud"}
    assert carried == {"fraud-000000000000": True, version: False}


def test_the_card_tells_how_soon_and_at_what_cost() -> None:
    manifest = json.loads((MODEL_FOLDER / "manifest.json").read_text())
    operation = manifest["metrics"]["operation"]
    assert {row["scenario"] for row in operation["time_to_detect"]} == set(SCENARIOS.values())
    assert (MODEL_FOLDER / "MODEL_CARD.md").read_text() == card(manifest)


def test_an_attack_is_what_one_thief_does() -> None:
    rows = toy([2, 2, 2, 0, 3, 1, 1], [0, 1, 2, 3, 4, 5, 6], [0, 1, 60, 60, 60, 61, 61])
    assert [own.tolist() for own in attacks(rows, 2)] == [[0, 1], [2]]
    assert [own.tolist() for own in attacks(rows, 3)] == [[4]]
    assert [own.tolist() for own in attacks(rows, 1)] == [[5], [6]]


def test_the_released_figures_reach_the_goal_and_the_baseline_is_the_published_one() -> None:
    metrics = json.loads((MODEL_FOLDER / "manifest.json").read_text())["metrics"]
    town = metrics["published_town"]
    assert (town["transactions"], town["frauds"]) == (1_754_155, 14_681)
    ours, regression = town["ours"], town["baseline_logistic_regression"]
    assert ours["auc"] >= 0.88
    assert ours["average_precision"] >= 0.66
    assert ours["card_precision_100"] >= 0.295
    assert regression["auc"] == pytest.approx(0.871, abs=0.01)
    assert regression["card_precision_100"] == pytest.approx(0.291, abs=0.01)
    assert town["baseline_random_forest"]["average_precision"] == pytest.approx(0.658, abs=0.01)
    assert len(metrics["other_towns_each"]) >= 10


def test_every_family_has_its_reason_and_every_currency_its_usual_order() -> None:
    assert {feature.family for feature in FEATURES} == set(REASONS)
    assert usual_order("CNY") > 0
    with pytest.raises(UnknownCurrencyError):
        usual_order("XXX")


# the simulator and the metrics


def test_a_town_is_the_same_every_time_and_another_with_another_seed() -> None:
    town = Town(customers=30, terminals=60, days=20, radius=15.0)
    once, again = simulate(town), simulate(town)
    assert all(
        np.array_equal(getattr(once, c), getattr(again, c)) for c in ("at_s", "customer", "amount_minor", "scenario")
    )
    other = simulate(replace(town, seed=1))
    assert len(other) != len(once) or not np.array_equal(other.amount_minor, once.amount_minor)
    assert np.all(np.diff(once.at_s) >= 0)
    assert once.amount_minor.min() >= 0


def toy(scenario: list[int], customers: list[int], days: list[int]) -> Transactions:
    days_s = np.array(days) * DAY_S
    return Transactions(
        days_s, np.array(customers), np.zeros(len(days), int), np.ones(len(days), int), np.array(scenario)
    )


def test_metrics_on_cases_worked_by_hand() -> None:
    truth = np.array([True, False, True, False])
    assert auc(truth, np.array([0.9, 0.8, 0.7, 0.1])) == 0.75
    assert auc(truth, np.zeros(4)) == 0.5
    assert average_precision(truth, np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(truth, np.zeros(4)) == 0.5


def test_card_precision_counts_a_card_once_and_drops_it_when_found() -> None:
    rows = toy([1, 1, 0, 1, 0], [0, 0, 1, 0, 1], [0, 0, 0, 1, 1])
    scores = np.array([0.9, 0.8, 0.1, 0.9, 0.1])
    assert (
        card_precision(rows, np.arange(5), scores, top=1) == 0.5
    )  # found on day 0; on day 1 only the honest card is left


def test_known_compromised_cards_leave_the_test() -> None:
    #       train fraud, delay fraud (known on time), delay fraud (label too late), test rows
    rows = toy([1, 1, 1, 0, 0, 0, 0], [0, 1, 2, 0, 1, 2, 3], [0, 6, 13, 14, 14, 14, 14])
    train, test = split(rows, start=0)
    assert train.tolist() == [0, 1]
    assert rows.customer[test].tolist() == [2, 3]
