"""What holds of every score."""

from __future__ import annotations

import math
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.credit.inputs.columns import COLUMNS, Category, FeatureError
from functions.credit.inputs.features import FEATURE_SETS, feature_vector
from functions.credit.scoring import load_model, score, score_batch
from tests.builders.effort import effort

huge = st.floats(0, 1e15, allow_nan=False) | st.integers(0, 10**15) | st.none()
amount = st.floats(0, 1e9, allow_nan=False) | st.integers(0, 2**40) | st.none()
delay = st.sampled_from([-2, -1, 0, 1, 2, 3, 4, 8, 99, None])


def column_values(name, column, numbers):
    if isinstance(column, Category):
        return st.none() | st.sampled_from(sorted(column.ranks))
    if column.whole:
        return delay
    if column.above_zero or column.least > 0:
        return st.none() | numbers.filter(lambda value: value is None or (value >= column.least and value > 0))
    return numbers


def rows(model, numbers):
    return st.fixed_dictionaries(
        {}, optional={name: column_values(name, column, numbers) for name, column in COLUMNS[model].items()}
    )


@settings(max_examples=effort(60), deadline=None)
@given(st.sampled_from(sorted(COLUMNS)).flatmap(lambda model: st.tuples(st.just(model), rows(model, huge))))
def test_every_legal_row_gets_a_finite_score_that_adds_up(case):
    model, row = case
    one = score(model, row)
    assert 0.0 <= one.pd <= 1.0
    assert all(math.isfinite(value) for value in one.contributions.values())
    assert abs(one.bias + math.fsum(one.contributions.values()) - one.logit) <= 1e-9


@settings(max_examples=effort(60), deadline=None)
@given(
    st.sampled_from(sorted(COLUMNS)),
    st.dictionaries(
        st.sampled_from(["Home", "Income", "Amount", "PAY_0", "BILL_AMT1", "LIMIT_BAL", "nonsense"]),
        st.floats()
        | st.text(max_size=6)
        | st.none()
        | st.booleans()
        | st.lists(st.integers(), max_size=1)
        | st.complex_numbers(),
    ),
)
def test_any_row_is_scored_or_refused_by_a_typed_error(model, row):
    try:
        probability = score(model, row).pd
    except FeatureError as refused:
        assert refused.extra["feature"]
        return
    assert 0.0 <= probability <= 1.0


@settings(max_examples=effort(40), deadline=None)
@given(rows("application", amount), st.floats(1.0, 1e6))
def test_worse_facts_never_lower_the_probability(row, more):
    base = score("application", row).logit
    worse = [{**row, "Records": "yes"}] if row.get("Records") == "no" else []
    if row.get("Amount") is not None:
        worse.append({**row, "Amount": row["Amount"] + more})
    if row.get("Seniority") is not None:
        worse.append({**row, "Seniority": 0})
    for one in score_batch("application", worse):
        assert one.logit >= base - 1e-6


@settings(max_examples=effort(40), deadline=None)
@given(st.data())
def test_each_feature_moves_the_score_only_as_declared(data):
    """On the features themselves, not the columns: raise one, keep the rest."""
    model = data.draw(st.sampled_from(sorted(FEATURE_SETS)))
    session = _session(model)
    vector = feature_vector(model, data.draw(rows(model, amount)))
    features = FEATURE_SETS[model].features
    index = data.draw(st.sampled_from([i for i, one in enumerate(features) if one.monotone]))
    if math.isnan(vector[index]):
        return
    raised = [*vector]
    raised[index] += data.draw(st.floats(0, 1e6))
    low, high = (outputs[0] for outputs in session.run([vector, raised]))
    assert (high - low) * features[index].monotone >= -1e-12


@cache
def _session(model):
    return load_model(model).session
