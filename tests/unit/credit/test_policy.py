"""policy.json is whole, and anything else is refused with its pointer."""

from __future__ import annotations

import copy
import json

import pytest

from functions.credit.policies.policy import POLICY_PATH, InvalidPolicyError, canonical, load_policy, parse_policy

SOURCE = json.loads(POLICY_PATH.read_text())


def without(path):
    document = copy.deepcopy(SOURCE)
    *parents, last = path
    inner = document
    for name in parents:
        inner = inner[name]
    del inner[last]
    return document


def with_value(path, value):
    document = copy.deepcopy(SOURCE)
    *parents, last = path
    inner = document
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return document


BROKEN = [
    ("/majority_years", without(["majority_years"])),
    ("/surprise", with_value(["surprise"], 1)),
    ("/majority_years", with_value(["majority_years"], "18")),
    ("/majority_years", with_value(["majority_years"], True)),
    ("/majority_years", with_value(["majority_years"], 3)),
    ("/version", with_value(["version"], "")),
    ("/tiers/A/terms", with_value(["tiers", "A", "terms"], [])),
    ("/tiers/A/terms/0", with_value(["tiers", "A", "terms"], [0])),
    ("/tiers/C", without(["tiers", "C"])),
    ("/grades/behavior/B", with_value(["grades", "behavior", "B"], float("nan"))),
    ("/grades/application", with_value(["grades", "application", "B"], 0.9)),
    ("/limit_grid_bps", with_value(["limit_grid_bps"], [1000, 500])),
    ("/refer_pd_at_most", with_value(["refer_pd_at_most"], 0.01)),
    ("/reference_income_minor", with_value(["reference_income_minor"], {})),
    ("/reference_income_minor/XXX", with_value(["reference_income_minor", "XXX"], 333)),
    ("/portfolio_offsets/default/behavior", without(["portfolio_offsets", "default", "behavior"])),
    ("/dynamic/cut_bps/pd", with_value(["dynamic", "cut_bps", "pd"], 10_001)),
]


@pytest.mark.parametrize(("pointer", "document"), BROKEN)
def test_a_broken_policy_is_refused_naming_the_place(pointer, document):
    with pytest.raises(InvalidPolicyError, match=pointer):
        parse_policy(document)


@pytest.mark.parametrize("document", [None, [], "policy", 7])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(InvalidPolicyError):
        parse_policy(document)


def test_the_hash_is_of_the_meaning_not_of_the_spelling():
    shuffled = json.loads(json.dumps(SOURCE, indent=3), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    ordered = json.loads(canonical(shuffled))
    assert parse_policy(ordered).hash == load_policy().hash
    assert parse_policy(with_value(["majority_years"], 19)).hash != load_policy().hash


def test_grades_are_found_whatever_the_spelling():
    shuffled = json.loads(canonical(SOURCE), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    for pd in (0.0, 0.003, 0.0031, 0.01, 0.02, 0.033, 0.034):
        assert parse_policy(shuffled).grade("application", pd) == load_policy().grade("application", pd)


def test_cut_offs_include_their_own_value():
    policy = load_policy()
    assert [policy.grade("application", pd) for pd in (0.003, 0.0030001, 0.033, 0.0330001)] == ["A", "B", "E", None]


def test_the_grid_is_a_whole_number_of_units_in_every_currency():
    policy = load_policy()
    for currency, reference in policy.reference_income_minor.items():
        assert [limit * 10_000 for limit in policy.limit_grid(currency)] == [
            reference * share for share in policy.limit_grid_bps
        ]
