"""The compiled rule and its definition agree, whatever the rule and whatever is missing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.risk.expression.tree import verdict
from functions.risk.rules import InvalidRule, RuleResult, SignalSchema, compile_rule
from functions.risk.ruling.ruleset import RuleSet
from tests.builders.effort import effort

SCHEMA = SignalSchema.from_dict(
    {
        "a": "integer", "b": "integer", "money": "money", "other": "money", "age": "duration",
        "word": "string", "flag": "boolean", "words": "strings", "numbers": "integers",
    },
    lists={"blocked": "strings"},
)  # fmt: skip
INTEGERS = st.integers(-5, 5)
WORDS = st.sampled_from(["", "x", "y"])

SIGNALS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("a", "b", "money", "other", "age"), INTEGERS | st.sampled_from([None, "5", 1.0, True])),
        "word": WORDS | st.sampled_from([None, 4]),
        "flag": st.booleans() | st.sampled_from([None, 1, "true"]),
        "words": st.lists(WORDS, max_size=3) | st.tuples(WORDS) | st.none(),
        "numbers": st.lists(INTEGERS, max_size=3) | st.just(4),
        "list:blocked": st.frozensets(WORDS) | st.none(),
    },
)


TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("a", "b", "money", "other", "age"), (int,)),
    "word": (str,), "flag": (bool,), "words": (list, tuple), "numbers": (list,), "list:blocked": (frozenset,),
}  # fmt: skip


def signal(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(names).map(lambda name: {"signal": name})


def numbers(*names: str, literals: st.SearchStrategy[Any] = INTEGERS) -> st.SearchStrategy[Any]:
    leaf = signal(*names) | literals
    sums = st.tuples(st.sampled_from(["add", "sub"]), leaf, leaf).map(lambda t: {t[0]: list(t[1:])})
    return leaf | sums | st.tuples(INTEGERS, leaf).map(lambda t: {"mul": list(t)})


INTEGER, MONEY = numbers("a", "b"), numbers("money", "other")
AGE = numbers("age", literals=st.integers(0, 5).map(lambda s: {"duration": f"{s}s"}))
ORDER = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"])
RATIO = st.tuples(MONEY, signal("money", "other")).map(lambda t: {"ratio_bps": list(t)})
LISTS = signal("words") | st.lists(WORDS, min_size=1, max_size=3)

LEAVES = st.one_of(
    st.booleans(),
    signal("flag"),
    signal("a", "word", "words").map(lambda s: {"known": s}),
    *(st.tuples(ORDER, kind, kind).map(lambda t: {t[0]: list(t[1:])}) for kind in (INTEGER, MONEY, AGE)),
    st.tuples(ORDER, RATIO, st.integers(-20_000, 20_000)).map(lambda t: {t[0]: list(t[1:])}),
    st.tuples(MONEY, MONEY, MONEY).map(lambda t: {"between": list(t)}),
    st.tuples(RATIO, INTEGER, INTEGER).map(lambda t: {"between": list(t)}),
    st.tuples(st.sampled_from(["eq", "ne"]), signal("word"), WORDS).map(lambda t: {t[0]: list(t[1:])}),
    st.tuples(signal("word") | WORDS, LISTS).map(lambda t: {"in": list(t)}),
    signal("word").map(lambda word: {"in": [word, {"list": "blocked"}]}),
    st.tuples(signal("numbers"), INTEGER).map(lambda t: {"contains": list(t)}),
    st.tuples(ORDER, LISTS.map(lambda x: {"count": x}), INTEGERS).map(lambda t: {t[0]: list(t[1:])}),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda c: {"not": c}),
        st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=4)).map(lambda t: {t[0]: t[1]}),
    ),
    max_leaves=6,
)


@settings(max_examples=effort(150))
@given(CONDITIONS, st.lists(SIGNALS, min_size=1, max_size=4))
def test_compiled_code_says_what_the_definition_says(when: object, cases: list[dict[str, Any]]) -> None:
    try:
        rule = compile_rule({"id": "r", "outcome": "hold", "when": when}, SCHEMA)
    except InvalidRule as refused:
        if refused.reason not in {"constant", "out_of_range"}:
            raise
        return
    for signals in cases:
        assert rule.evaluate(signals) == RuleResult(*verdict(rule.when, signals))


@settings(max_examples=effort(100))
@given(CONDITIONS, SIGNALS)
def test_knowing_more_never_turns_a_verdict_round(when: object, signals: dict[str, Any]) -> None:
    """Kleene's connectives are monotone: filling in a missing signal may settle a verdict, never flip it."""
    if "known" in json.dumps(when):
        return
    try:
        rule = compile_rule({"id": "r", "outcome": "hold", "when": when}, SCHEMA)
    except InvalidRule:
        return
    sound = {k: v for k, v in signals.items() if type(v) in TYPES[k]}
    full = {"a": 1, "b": 2, "money": 3, "other": 4, "age": 5, "word": "x", "flag": True, "words": ["x"],
            "numbers": [1], "list:blocked": frozenset({"y"})}  # fmt: skip
    assert rule.evaluate(sound).matched in {None, rule.evaluate({**full, **sound}).matched}


@settings(max_examples=effort(60))
@given(st.lists(CONDITIONS, min_size=1, max_size=5), SIGNALS, st.randoms())
def test_a_ruleset_replays_from_its_snapshot_and_ignores_order(
    conditions: list[object], signals: dict[str, Any], random: Any
) -> None:
    sources = [{"id": f"r{i}", "outcome": "hold", "when": when} for i, when in enumerate(conditions)]
    kept = []
    for source in sources:
        try:
            compile_rule(source, SCHEMA)
        except InvalidRule:
            continue
        kept.append(source)
    ruleset = RuleSet.compile(kept, SCHEMA)
    random.shuffle(kept)
    shuffled = RuleSet.compile(kept, SCHEMA)
    assert shuffled.hash == ruleset.hash
    assert shuffled.evaluate(signals) == ruleset.evaluate(signals)
    assert ruleset.evaluate(ruleset.snapshot(signals)).bits == ruleset.evaluate(signals).bits


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "when", "outcome", "all", "any", "not", "gt", "in", "signal", "add", "ratio_bps", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=effort(150))
@given(JSON, JSON)
def test_any_json_is_compiled_or_refused_with_a_pointer_that_leads_somewhere(source: Any, when: Any) -> None:
    for candidate in (source, {"id": "r", "outcome": "hold", "when": when}):
        try:
            compile_rule(candidate, SCHEMA)
        except InvalidRule as refused:
            at: Any = candidate
            for key in refused.pointer.split("/")[1:]:
                at = at[int(key)] if isinstance(at, list) else at[key]
