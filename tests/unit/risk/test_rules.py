"""The rule language, case by case."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functions.risk.expression.schema import Kind
from functions.risk.rules import InvalidRule, SignalSchema, compile_rule
from functions.risk.ruling.outcomes import Outcome

SCHEMA = SignalSchema.from_dict(
    {
        "amount_minor": "money",
        "available_minor": "money",
        "count_1h": "integer",
        "orders": "integer",
        "tenure": "duration",
        "category": "string",
        "emulator": "boolean",
        "tags": "strings",
        "codes": "integers",
        "device": "string",
    },
    lists={"blocked": "strings", "bins": "integers"},
)
GRAMMAR = jsonschema.Draft202012Validator(json.loads(Path("functions/risk/rule_schema.json").read_text()))


def amount(name: str = "amount_minor") -> dict[str, Any]:
    return {"signal": name}


def rule(when: object, **members: object) -> dict[str, Any]:
    return {"id": "r", "outcome": "hold", "when": when, **members}


def stream(actions: object) -> dict[str, Any]:
    return {"id": "r", "when": {"signal": "emulator"}, "pass": "stream", "actions": actions}


def verdict(when: object, **signals: object) -> bool | None:
    source = rule(when)
    GRAMMAR.validate(source)
    return compile_rule(source, SCHEMA).evaluate(signals).matched


@pytest.mark.parametrize(
    ("when", "signals", "expected"),
    [
        ({"gt": [amount(), 100]}, {"amount_minor": 101}, True),
        ({"gt": [amount(), 100]}, {"amount_minor": 100}, False),
        ({"ge": [amount(), 100]}, {"amount_minor": 100}, True),
        ({"lt": [amount(), 100]}, {"amount_minor": 100}, False),
        ({"le": [100, amount()]}, {"amount_minor": 100}, True),
        ({"eq": [amount("category"), "travel"]}, {"category": "travel"}, True),
        ({"ne": [amount("category"), "travel"]}, {"category": "travel"}, False),
        ({"eq": [amount("emulator"), False]}, {"emulator": False}, True),
        ({"between": [amount(), 5, 7]}, {"amount_minor": 7}, True),
        ({"between": [amount(), 5, 7]}, {"amount_minor": 8}, False),
        ({"between": [amount(), 5, amount("available_minor")]}, {"amount_minor": 8, "available_minor": 8}, True),
        ({"in": [amount("category"), ["travel", "education"]]}, {"category": "education"}, True),
        ({"in": [amount("count_1h"), [1, 2, 3]]}, {"count_1h": 4}, False),
        ({"in": [amount("device"), {"list": "blocked"}]}, {"device": "d", "list:blocked": frozenset({"d"})}, True),
        ({"in": [amount("count_1h"), amount("codes")]}, {"count_1h": 4, "codes": [4]}, True),
        ({"contains": [amount("tags"), "vip"]}, {"tags": ["vip"]}, True),
        ({"contains": [amount("tags"), "vip"]}, {"tags": ()}, False),
        ({"gt": [{"count": amount("tags")}, 1]}, {"tags": ("a", "b")}, True),
        ({"lt": [amount("tenure"), {"duration": "7d"}]}, {"tenure": 604_799}, True),
        ({"lt": [amount("tenure"), {"duration": "7d"}]}, {"tenure": timedelta(days=7)}, False),
        ({"lt": [amount("tenure"), {"duration": "15m"}]}, {"tenure": timedelta(minutes=14)}, True),
        ({"gt": [{"add": [amount("orders"), amount("count_1h"), 1]}, 9]}, {"orders": 4, "count_1h": 5}, True),
        ({"lt": [{"sub": [amount(), amount("available_minor")]}, 0]}, {"amount_minor": 5, "available_minor": 6}, True),
        ({"ge": [{"mul": [amount(), 3]}, amount("available_minor")]}, {"amount_minor": 2, "available_minor": 6}, True),
        ({"signal": "emulator"}, {"emulator": True}, True),
        ({"not": {"signal": "emulator"}}, {"emulator": True}, False),
        ({"known": amount()}, {"amount_minor": 0}, True),
        ({"known": amount()}, {"amount_minor": "0"}, False),
        ({"known": amount("emulator")}, {"emulator": False}, True),
        ({"not": {"known": amount()}}, {}, True),
        ({"gt": [{"signal": "count", "window": "1h"}, 3]}, {"count_1h": 4}, True),
    ],
)  # fmt: skip
def test_each_operator_means_what_the_grammar_says(when: object, signals: dict[str, object], expected: bool) -> None:
    assert verdict(when, **signals) is expected


@pytest.mark.parametrize(("numerator", "expected"), [(5999, False), (6000, True), (6001, True)])
def test_a_ratio_is_compared_exactly_without_division(numerator: int, expected: bool) -> None:
    when = {"ge": [{"ratio_bps": [amount(), amount("available_minor")]}, 6000]}
    assert verdict(when, amount_minor=numerator, available_minor=10_000) is expected


def test_a_ratio_keeps_integers_that_a_float_would_lose() -> None:
    when = {"gt": [{"ratio_bps": [amount(), amount("available_minor")]}, 10_000]}
    assert verdict(when, amount_minor=2**60 + 1, available_minor=2**60) is True


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_ratio_over_nothing_is_unknown_with_a_reason(denominator: int) -> None:
    compiled = compile_rule(rule({"ge": [{"ratio_bps": [amount(), amount("available_minor")]}, 1]}), SCHEMA)
    result = compiled.evaluate({"amount_minor": 1, "available_minor": denominator})
    assert result.matched is None
    assert result.why == ("available_minor is not above zero",)


_T, _F, _U = {"eq": [1, 1]}, {"eq": [1, 2]}, {"gt": [amount(), 0]}


@pytest.mark.parametrize(
    ("junction", "left", "right", "expected"),
    [
        ("all", "T", "U", None), ("all", "F", "U", False), ("all", "U", "U", None), ("all", "T", "T", True),
        ("any", "T", "U", True), ("any", "F", "U", None), ("any", "U", "U", None), ("any", "F", "F", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("swap", [False, True])
def test_missing_signals_follow_kleene(junction: str, left: str, right: str, expected: bool | None, swap: bool) -> None:
    parts = {"T": amount("emulator"), "F": {"not": amount("emulator")}, "U": {"gt": [amount(), 0]}}
    sides = [parts[right], parts[left]] if swap else [parts[left], parts[right]]
    assert verdict({junction: sides}, emulator=True) is expected


def test_not_of_unknown_is_unknown() -> None:
    assert verdict({"not": {"gt": [amount(), 0]}}) is None


@pytest.mark.parametrize("value", [None, "5", 5.0, float("nan"), True, [5], {"a": 1}, b"5"], ids=repr)
def test_a_signal_of_another_type_is_unknown_never_an_exception(value: object) -> None:
    result = compile_rule(rule({"ge": [amount(), 0]}), SCHEMA).evaluate({"amount_minor": value})
    assert result.matched is None
    assert result.why == ("amount_minor is missing" if value is None else "amount_minor is not of kind money",)


def test_unknown_names_every_signal_at_fault_once() -> None:
    when = {"all": [{"gt": [amount(), 1]}, {"gt": [amount(), 2]}, {"eq": [amount("category"), "travel"]}]}
    result = compile_rule(rule(when), SCHEMA).evaluate({"category": 4})
    assert result.why == ("amount_minor is missing", "category is not of kind string")


def test_why_names_what_settled_it() -> None:
    when = {"all": [{"gt": [amount(), 100]}, {"lt": [amount("tenure"), {"duration": "1d"}]}]}
    compiled = compile_rule(rule(when), SCHEMA)
    assert compiled.evaluate({"amount_minor": 101, "tenure": 5}).why == ("amount_minor > 100", "tenure < 86400 s")
    assert compiled.evaluate({"amount_minor": 100, "tenure": 5}).why == ("not so: amount_minor > 100",)
    assert compiled.evaluate({"tenure": 86_400}).why == ("not so: tenure < 86400 s",)


def test_constants_fold_away() -> None:
    folded = {"all": [{"gt": [{"add": [2, {"mul": [3, 4]}]}, 13]}, {"gt": [amount(), {"add": [40, 60]}]}]}
    plain = {"gt": [amount(), 100]}
    assert compile_rule(rule(folded), SCHEMA).when == compile_rule(rule(plain), SCHEMA).when


_deep: Any = {"signal": "emulator"}
for _ in range(100_000):
    _deep = {"not": _deep}
_deep_lists: Any = []
for _ in range(100_000):
    _deep_lists = [_deep_lists]
_cycle: dict[str, Any] = {}
_cycle["all"] = [_cycle, _cycle]
_ring: list[Any] = []
_ring.append(_ring)
_wide = {"any": [{"all": [{"gt": [amount(), i * 128 + j]} for j in range(128)]} for i in range(128)]}


@pytest.mark.parametrize(
    ("source", "pointer", "reason"),
    [
        ([], "", "wrong_type"),
        (None, "", "wrong_type"),
        ("{}", "", "wrong_type"),
        ({"when": True}, "", "missing_member"),
        ({"id": "r"}, "", "missing_member"),
        ({"id": "r", "when": {"signal": "emulator"}}, "", "missing_member"),
        (rule({"signal": "emulator"}, outcome="maybe"), "/outcome", "unknown_value"),
        (rule({"signal": "emulator"}, outcome=1), "/outcome", "wrong_type"),
        (rule({"signal": "emulator"}, sql="drop"), "/sql", "unknown_member"),
        (rule({"signal": "emulator"}, id="a b"), "/id", "bad_name"),
        (rule({"signal": "emulator"}, id=""), "/id", "bad_name"),
        (rule({"signal": "emulator"}, version=0), "/version", "out_of_range"),
        (rule({"signal": "emulator"}, version=True), "/version", "wrong_type"),
        (rule({"signal": "emulator"}, title="x" * 129), "/title", "too_long"),
        (rule({"signal": "emulator"}, actions=[]), "/actions", "unknown_member"),
        ({"id": "r", "when": {"signal": "emulator"}, "pass": "stream"}, "", "missing_member"),
        (stream([]), "/actions", "wrong_length"),
        (stream([{"kind": "rm"}]), "/actions/0/kind", "unknown_value"),
        (stream([{"kind": "suspend"}, {"kind": "suspend"}]), "/actions", "duplicate"),
        (stream([{"kind": "suspend", "severity": "low"}]), "/actions/0/severity", "unknown_member"),
        (rule({"signal": "emulator"}, when_unknown="x"), "/when_unknown", "unknown_value"),
        (rule({}), "/when", "wrong_length"),
        (rule(None), "/when", "wrong_type"),
        (rule(1), "/when", "wrong_type"),
        (rule("amount_minor > 1"), "/when", "wrong_type"),
        (rule({"gt": [amount(), 1], "lt": [amount(), 2]}), "/when", "wrong_length"),
        (rule({"regex": ["a", "b"]}), "/when/regex", "unknown_operator"),
        (rule({"while": True}), "/when/while", "unknown_operator"),
        (rule({"a/b~c": 1}), "/when/a~1b~0c", "unknown_operator"),
        (rule({"add": [1, 2]}), "/when/add", "wrong_type"),
        (rule(amount()), "/when", "wrong_type"),
        (rule({"gt": [amount("nope"), 1]}), "/when/gt/0/signal", "unknown_signal"),
        (rule({"gt": [{"signal": "count", "window": "9y"}, 1]}), "/when/gt/0/signal", "unknown_signal"),
        (rule({"gt": [{"signal": "orders", "x": 1}, 1]}), "/when/gt/0/x", "unknown_member"),
        (rule({"gt": [{"signal": 5}, 1]}), "/when/gt/0/signal", "wrong_type"),
        (rule({"gt": [amount(), 1.5]}), "/when/gt/1", "not_an_integer"),
        (rule({"gt": [amount(), float("nan")]}), "/when/gt/1", "not_an_integer"),
        (rule({"gt": [amount(), 2**53]}), "/when/gt/1", "out_of_range"),
        (rule({"gt": [amount(), 10**5000]}), "/when/gt/1", "out_of_range"),
        (rule({"gt": [amount(), True]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [amount(), "1"]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [amount(), None]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [amount(), amount("orders")]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [amount("tenure"), {"duration": "1w"}]}), "/when/gt/1/duration", "bad_duration"),
        (rule({"gt": [amount("tenure"), {"duration": "-1d"}]}), "/when/gt/1/duration", "bad_duration"),
        (rule({"gt": [amount("tenure"), {"duration": "٣d"}]}), "/when/gt/1/duration", "bad_duration"),
        (rule({"gt": [amount("tenure"), amount()]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [amount("category"), "a"]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [amount()]}), "/when/gt", "wrong_length"),
        (rule({"gt": amount()}), "/when/gt", "wrong_type"),
        (rule({"between": [amount(), 9, 1]}), "/when/between/2", "out_of_range"),
        (rule({"in": [amount(), []]}), "/when/in/1", "wrong_length"),
        (rule({"in": [amount("category"), ["a", 1]]}), "/when/in/1/1", "wrong_type"),
        (rule({"in": [amount("category"), [1]]}), "/when/in/0", "wrong_type"),
        (rule({"in": [amount("count_1h"), list(range(129))]}), "/when/in/1", "wrong_length"),
        (rule({"in": [amount("count_1h"), list(range(10**6))]}), "/when/in/1", "wrong_length"),
        (rule({"in": [amount("device"), {"list": "nope"}]}), "/when/in/1/list", "unknown_list"),
        (rule({"in": ["d", {"list": "blocked"}]}), "/when/in/0", "wrong_type"),
        (rule({"gt": [{"count": {"list": "blocked"}}, 5]}), "/when/gt/0/count", "wrong_type"),
        (rule({"in": [amount("device"), amount("category")]}), "/when/in/1", "wrong_type"),
        (rule({"eq": [amount("tags"), amount("tags")]}), "/when/eq/1", "wrong_type"),
        (rule({"eq": [amount("device"), "x" * 10**7]}), "/when/eq/1", "too_long"),
        (rule({"eq": [amount("device"), "\ud800"]}), "/when/eq/1", "bad_character"),
        (rule({"known": 5}), "/when/known", "wrong_type"),
        (rule({"gt": [{"mul": [amount(), amount()]}, 1]}), "/when/gt/0/mul", "wrong_type"),
        (rule({"gt": [{"add": [amount(), amount("orders")]}, 1]}), "/when/gt/0/add/1", "wrong_type"),
        (rule({"gt": [{"add": [amount(), amount("tags")]}, 1]}), "/when/gt/0/add/1", "wrong_type"),
        (rule({"gt": [{"mul": [2**40, 2**40]}, amount()]}), "/when/gt/0/mul", "out_of_range"),
        (rule({"gt": [{"ratio_bps": [amount(), 0]}, 1]}), "/when/gt/0/ratio_bps/1", "out_of_range"),
        (rule({"gt": [{"ratio_bps": [amount(), amount("tenure")]}, 1]}), "/when/gt/0/ratio_bps/1", "wrong_type"),
        (rule({"gt": [{"ratio_bps": [amount(), amount()]}, amount()]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [1, {"ratio_bps": [amount(), amount()]}]}), "/when/gt/1", "wrong_type"),
        (rule({"gt": [{"add": [{"ratio_bps": [1, 1]}, 1]}, 1]}), "/when/gt/0/add/0/ratio_bps", "wrong_type"),
        (rule(True), "/when", "constant"),
        (rule({"any": [{"gt": [2, 1]}, {"gt": [amount(), 1]}]}), "/when", "constant"),
        (rule({"all": []}), "/when/all", "wrong_length"),
        (rule({1: 2}), "/when", "wrong_type"),
        (rule({None: 2}), "/when", "wrong_type"),
        ({1: 2, "id": "r"}, "", "wrong_type"),
        ({str(i): i for i in range(10**5)}, "", "too_long"),
        (rule(_deep), "/when" + "/not" * 16, "too_deep"),
        (rule(_deep_lists), "/when", "wrong_type"),
        (rule({"all": _deep_lists}), "/when/all/0", "wrong_type"),
        (rule(_cycle), "/when" + "/all/0" * 16, "too_deep"),
        (rule({"in": [amount("device"), _ring]}), "/when/in/1/0", "wrong_type"),
        (rule(_wide), "/when/any/0/all/84/gt/1", "too_many_nodes"),
        (rule(amount(), id=_deep), "/id", "wrong_type"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "source",
)  # fmt: skip
def test_hostile_or_wrong_sources_are_refused_with_the_place_and_at_once(
    source: object, pointer: str, reason: str
) -> None:
    started = time.process_time()
    with pytest.raises(InvalidRule) as caught:
        compile_rule(source, SCHEMA)
    assert time.process_time() - started < 0.05
    assert (caught.value.pointer, caught.value.reason) == (pointer, reason)
    assert caught.value.errors[0].pointer == pointer
    assert caught.value.status == 422
    assert len(str(caught.value)) < 500


class _Sly(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise AssertionError("no code of the source may run")


def test_subclasses_with_code_of_their_own_are_refused_unrun() -> None:
    with pytest.raises(InvalidRule) as caught:
        compile_rule(rule({"eq": [amount("device"), _Sly("x")]}), SCHEMA)
    assert caught.value.pointer == "/when/eq/1"


@pytest.mark.parametrize("text", ["__import__('os')", "k0", "'); raise SystemExit #", "\u2028", "{0}", "%s"])
def test_texts_of_a_rule_are_compared_never_executed(text: str) -> None:
    assert verdict({"eq": [amount("device"), text]}, device=text) is True
    assert verdict({"in": [amount("device"), [text, "other"]]}, device="x") is False


def test_a_rule_of_the_largest_size_compiles_quickly() -> None:
    when = {"any": [{"all": [{"gt": [amount(), i]}, {"lt": [amount(), i]}]} for i in range(36)]}
    started = time.process_time()
    compiled = compile_rule(rule(when), SCHEMA)
    assert time.process_time() - started < 0.05
    assert compiled.evaluate({"amount_minor": 5}).matched is False


def test_deepest_nesting_allowed_compiles_and_means_what_it_says() -> None:
    when: Any = {"signal": "emulator"}
    for _ in range(14):
        when = {"not": when}
    assert verdict(when, emulator=True) is True


def test_defaults_and_members_reach_the_rule() -> None:
    compiled = compile_rule(
        {
            "id": "big.order",
            "version": 3,
            "title": "Big order",
            "reason": "big",
            "when": {"gt": [amount(), {"mul": [2, 50]}]},
            "outcome": "step_up",
            "when_unknown": "hold",
        },
        SCHEMA,
    )
    assert (compiled.id, compiled.version, compiled.title, compiled.reason) == ("big.order", 3, "Big order", "big")
    assert (compiled.outcome, compiled.when_unknown) == (Outcome.STEP_UP, Outcome.HOLD)
    assert compiled.signals == ("amount_minor",)
    plain = compile_rule(rule({"signal": "emulator"}), SCHEMA)
    assert (plain.version, plain.title, plain.reason, plain.when_unknown) == (1, "r", "r", Outcome.APPROVE)


def test_stream_rules_carry_actions() -> None:
    source = {
        "id": "s",
        "pass": "stream",
        "when": {"signal": "emulator"},
        "actions": [{"kind": "alert", "severity": "critical"}, {"kind": "suspend"}],
    }
    GRAMMAR.validate(source)
    compiled = compile_rule(source, SCHEMA)
    assert not compiled.synchronous
    assert [(a.kind, a.severity) for a in compiled.actions] == [("alert", "critical"), ("suspend", "")]


def test_the_hash_is_of_the_meaning_not_of_the_spelling() -> None:
    one = {"id": "r", "outcome": "hold", "when": {"signal": "emulator"}}
    other = {"when": {"signal": "emulator"}, "id": "r", "outcome": "hold"}
    assert compile_rule(one, SCHEMA).hash == compile_rule(other, SCHEMA).hash
    assert compile_rule({**one, "outcome": "decline"}, SCHEMA).hash != compile_rule(one, SCHEMA).hash


def test_a_schema_refuses_a_name_declared_twice_and_lists_of_scalars() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        SignalSchema((*SCHEMA.signals, SCHEMA.signals[0]))
    with pytest.raises(ValueError, match="must be a list"):
        SignalSchema((), {"x": Kind.MONEY})
