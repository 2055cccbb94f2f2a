"""Many rules as one, outcomes, lists."""

from __future__ import annotations

from itertools import product

import pytest

from functions.risk.named_lists.lists import Entry, ListFullError, NamedLists, UnknownListError, is_denied, is_trusted
from functions.risk.rules import Rule, SignalSchema, compile_rule
from functions.risk.ruling.outcomes import Outcome, combined, worst
from functions.risk.ruling.ruleset import Deployed, Mode, RuleSet

SCHEMA = SignalSchema.from_dict({"a": "integer", "b": "integer", "device": "string"}, {"blocked_devices": "strings"})


def rule(rule_id: str, outcome: str = "hold", least: int = 0, **members: object) -> Rule:
    source = {"id": rule_id, "outcome": outcome, "when": {"gt": [{"signal": "a"}, least]}, **members}
    return compile_rule(source, SCHEMA)


def test_the_worst_outcome_wins_and_stands_first() -> None:
    ruleset = RuleSet((Deployed(rule("x", "step_up")), Deployed(rule("y", "decline")), Deployed(rule("z", "hold"))))
    result = ruleset.evaluate({"a": 1})
    assert result.outcome is Outcome.DECLINE
    assert [f.rule.id for f in result.fired] == ["y", "z", "x"]
    assert ruleset.evaluate({"a": 0}).outcome is Outcome.APPROVE


def test_shadow_rules_are_recorded_but_never_count() -> None:
    ruleset = RuleSet((Deployed(rule("x", "decline"), Mode.SHADOW), Deployed(rule("y", "step_up"))))
    result = ruleset.evaluate({"a": 1})
    assert result.outcome is Outcome.STEP_UP
    assert [f.rule.id for f in result.shadow] == ["x"]
    assert ruleset.results(result.bits) == {"x": "yes", "y": "yes"}


def test_a_canary_counts_for_its_share() -> None:
    ruleset = RuleSet((Deployed(rule("x", "decline"), Mode.CANARY, 500),))
    assert ruleset.evaluate({"a": 1}, bucket=499).outcome is Outcome.DECLINE
    assert ruleset.evaluate({"a": 1}, bucket=500).outcome is Outcome.APPROVE


def test_snoozed_rules_are_not_run() -> None:
    ruleset = RuleSet((Deployed(rule("x"), Mode.SNOOZED),))
    result = ruleset.evaluate({"a": 1})
    assert (result.outcome, ruleset.results(result.bits)) == (Outcome.APPROVE, {"x": "not run"})


def test_unknown_asks_for_what_the_rule_says() -> None:
    quiet, careful = rule("x"), rule("y", when_unknown="step_up")
    result = RuleSet((Deployed(quiet), Deployed(careful))).evaluate({})
    assert result.outcome is Outcome.STEP_UP
    assert result.unknown == {"x": ("a is missing",), "y": ("a is missing",)}
    assert [f.why for f in result.fired] == [("a is missing",)]


def test_bits_hold_each_rules_result_in_order_of_id() -> None:
    rules = [Deployed(rule(f"r{i:02}", least=i)) for i in range(9)]
    ruleset = RuleSet(
        (*rules, Deployed(compile_rule({"id": "u", "outcome": "hold", "when": {"gt": [{"signal": "b"}, 0]}}, SCHEMA)))
    )
    result = ruleset.evaluate({"a": 4})
    assert len(result.bits) == 3
    assert list(ruleset.results(result.bits).values()) == ["yes"] * 4 + ["no"] * 5 + ["unknown"]
    with pytest.raises(ValueError, match="can't be the results"):
        ruleset.results(result.bits + b"\0")


def test_the_hash_changes_with_anything_that_changes_a_decision() -> None:
    base = RuleSet((Deployed(rule("x")), Deployed(rule("y"))))
    same = RuleSet((Deployed(rule("y")), Deployed(rule("x"))))
    others = [
        RuleSet((Deployed(rule("x")),)),
        RuleSet((Deployed(rule("x", "decline")), Deployed(rule("y")))),
        RuleSet((Deployed(rule("x", least=1)), Deployed(rule("y")))),
        RuleSet((Deployed(rule("x"), Mode.SHADOW), Deployed(rule("y")))),
        RuleSet((Deployed(rule("x"), Mode.CANARY, 5), Deployed(rule("y")))),
    ]
    assert same.hash == base.hash
    assert len({base.hash, *(other.hash for other in others)}) == 6


def test_two_rules_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two rules"):
        RuleSet((Deployed(rule("x")), Deployed(rule("x", "decline"))))


def test_a_snapshot_holds_no_more_of_a_list_than_was_looked_up() -> None:
    when = {"in": [{"signal": "device"}, {"list": "blocked_devices"}]}
    ruleset = RuleSet.compile([{"id": "x", "outcome": "decline", "when": when}], SCHEMA)
    signals = {"device": "d", "a": 1, "list:blocked_devices": frozenset({"d", "secret"})}
    snapshot = ruleset.snapshot(signals)
    assert snapshot == {"device": "d", "list:blocked_devices": frozenset({"d"})}
    assert ruleset.evaluate(snapshot) == ruleset.evaluate(signals)


def test_outcomes_are_ordered_and_spelled() -> None:
    assert [o.text for o in sorted(Outcome)] == ["approve", "step_up", "hold", "decline"]
    assert all(Outcome.of(o.text) is o for o in Outcome)
    assert worst([]) is Outcome.APPROVE


@pytest.mark.parametrize(("credit", "rules"), list(product(Outcome, repeat=2)))
@pytest.mark.parametrize("trusted", [False, True])
def test_trust_softens_rules_but_never_credit_or_a_block(credit: Outcome, rules: Outcome, trusted: bool) -> None:
    def outcome(*, deny: bool) -> Outcome:
        return combined(credit=credit, deny_listed=deny, allow_listed=trusted, rules=rules)

    assert outcome(deny=True) is Outcome.DECLINE
    assert outcome(deny=False) is (credit if trusted else max(credit, rules))


def test_lists_hit_by_party_and_time() -> None:
    lists = NamedLists.of(
        [
            Entry("blocked_devices", "d1", "ring", "staff_1"),
            Entry("blocked_devices", "d2", "ring", "staff_1", until_s=100),
            Entry("trusted_customers", "c1", "vip", "staff_1", until_s=50),
            Entry("trusted_customers", "c1", "vip", "staff_1", until_s=200),
        ]
    )
    assert lists.hits({"device": "d1", "customer": "c1"}, 150) == ("blocked_devices", "trusted_customers")
    assert lists.hits({"device": "d2"}, 99) == ("blocked_devices",)
    assert lists.hits({"device": "d2"}, 100) == ()
    assert lists.hits({"customer": "d1"}, 0) == ()


def test_a_rule_sees_of_a_list_what_stands_in_its_order() -> None:
    lists = NamedLists.of(
        [Entry("blocked_devices", d, "ring", "staff_1", until) for d, until in (("d1", 0), ("d2", 5))]
    )
    keys = ("list:blocked_devices", "list:watched_merchants")
    signals = {"device": "d1", "address": "d2", "amount_minor": 1}
    assert lists.visible(keys, signals, 4) == {keys[0]: frozenset({"d1", "d2"}), keys[1]: frozenset()}
    assert lists.visible(keys, signals, 5)[keys[0]] == frozenset({"d1"})
    assert lists.visible(keys, {"device": "d3"}, 0)[keys[0]] == frozenset()


def test_an_entry_for_ever_outlives_one_with_an_end() -> None:
    entries = [Entry("blocked_devices", "d", "", "s"), Entry("blocked_devices", "d", "", "s", until_s=5)]
    assert NamedLists.of(entries).hits({"device": "d"}, 10**12) == ("blocked_devices",)
    assert NamedLists.of(reversed(entries)).hits({"device": "d"}, 10**12) == ("blocked_devices",)


def test_lists_are_declared_and_bounded() -> None:
    with pytest.raises(UnknownListError):
        NamedLists.of([Entry("nope", "d", "", "s")])
    with pytest.raises(ListFullError):
        NamedLists.of(Entry("blocked_devices", str(n), "", "s") for n in range(10_001))


def test_which_lists_block_and_which_trust() -> None:
    assert is_denied(("blocked_customers", "trusted_customers"))
    assert not is_denied(("watched_merchants",))
    assert is_trusted(("trusted_customers",))
    assert not is_trusted(("blocked_devices",))
