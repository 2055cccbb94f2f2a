"""CEL text becomes a rule that means the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.risk.rules import InvalidRule, SignalSchema, compile_rule
from functions.risk.signal_table import SYNC_SCHEMA
from infra.cel_import import NotImportableError, import_condition, import_rule, main

SCHEMA = SignalSchema.from_dict({"a": "integer", "b": "integer", "yes": "boolean", "word": "string", "all": "strings"})


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("amount_minor >= 500000 && !device_known",
         {"all": [{"ge": [{"signal": "amount_minor"}, 500000]}, {"not": {"signal": "device_known"}}]}),
        ('tenure < duration("168h")', {"lt": [{"signal": "tenure"}, {"duration": "7d"}]}),
        ('tenure < duration("1h30m")', {"lt": [{"signal": "tenure"}, {"duration": "90m"}]}),
        ('"watched_merchants" in lists', {"contains": [{"signal": "lists"}, "watched_merchants"]}),
        ('category in ["travel", "electronics"]', {"in": [{"signal": "category"}, ["travel", "electronics"]]}),
        ("device in list_blocked_devices", {"in": [{"signal": "device"}, {"list": "blocked_devices"}]}),
        ("size(lists) > 1", {"gt": [{"count": {"signal": "lists"}}, 1]}),
        ("amount_minor * 10000 >= limit_minor * 9000",
         {"ge": [{"mul": [{"signal": "amount_minor"}, 10000]}, {"mul": [{"signal": "limit_minor"}, 9000]}]}),
        ("customer_count_1h > 3 || customer_count_1d > 5 || first_at_merchant",
         {"any": [{"gt": [{"signal": "customer_count_1h"}, 3]}, {"gt": [{"signal": "customer_count_1d"}, 5]},
                  {"signal": "first_at_merchant"}]}),
        ("amount_z_centi > -50", {"gt": [{"signal": "amount_z_centi"}, -50]}),
    ],
)  # fmt: skip
def test_cel_as_our_json(text: str, when: dict[str, Any]) -> None:
    assert import_condition(text, SYNC_SCHEMA) == when
    rule = import_rule(text, id="r", outcome="hold")
    assert compile_rule(rule, SYNC_SCHEMA).id == "r"


@pytest.mark.parametrize(
    "text",
    ["nothing > 1", "amount_minor >", "amount_minor + 1", "amount_minor / 2 > 3", "amount_minor > 1.5",
     'category.matches("a+")', "lists.exists(l, l == 'x')", "amount_minor > tenure", "device_known ? true : false",
     'tenure < duration("1.5h")', "x" * 20_000],
)  # fmt: skip
def test_what_is_no_rule_of_ours_is_refused(text: str) -> None:
    with pytest.raises(NotImportableError):
        import_condition(text, SYNC_SCHEMA)


def test_units_are_still_ours_to_judge() -> None:
    with pytest.raises(InvalidRule) as refused:
        import_rule("amount_minor > purchase_count", id="r", outcome="hold")
    assert refused.value.reason == "kinds_differ" or refused.value.reason


INTEGER = st.sampled_from(["a", "b", "3", "-2", "(a + b)", "(a - 2)", "(b * 3)"])
OPERATOR = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
COMPARED = st.builds("{} {} {}".format, INTEGER, OPERATOR, INTEGER)
LEAF = COMPARED | st.sampled_from(["yes", 'word == "u"', '"u" in all', 'word in ["u", "v"]', "size(all) > 1"])
CONDITION = st.recursive(
    LEAF,
    lambda inner: (
        st.builds("({} && {})".format, inner, inner)
        | st.builds("({} || {})".format, inner, inner)
        | st.builds("!({})".format, inner)
    ),
    max_leaves=6,
)
ENV = cel.NewEnv(
    variables={"a": cel.Type.INT, "b": cel.Type.INT, "yes": cel.Type.BOOL, "word": cel.Type.STRING,
               "all": cel.Type.List(cel.Type.STRING)}
)  # fmt: skip


@settings(max_examples=150)
@given(
    CONDITION,
    st.integers(-5, 5),
    st.integers(-5, 5),
    st.booleans(),
    st.sampled_from("uvw"),
    st.lists(st.sampled_from("uvw")),
)
def test_cel_and_the_rule_made_of_it_say_the_same(
    text: str, a: int, b: int, yes: bool, word: str, among: list[str]
) -> None:
    facts = {"a": a, "b": b, "yes": yes, "word": word, "all": among}
    try:
        rule = compile_rule({"id": "r", "outcome": "hold", "when": import_condition(text, SCHEMA)}, SCHEMA)
    except InvalidRule as refused:
        assert refused.reason in {"constant", "too_deep"}
        return
    said = ENV.compile(text).eval(data=facts).value()
    assert rule.evaluate({**facts, "all": tuple(among)}).matched is said


def test_the_command_prints_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--id", "big", "--outcome", "step_up", "amount_minor > 5"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "step_up"
    assert main(["--id", "big", "nonsense ("]) == 1
    assert capsys.readouterr().err
