"""The contract functions at their edges; tests/property/ledger has the laws."""

from __future__ import annotations

from hashlib import sha256

import pytest

from functions.ledger.merkle import (
    EMPTY_ROOT,
    BrokenFrontierError,
    Frontier,
    LeafHash,
    MerkleTree,
    OutsideLogError,
    consistency_cover,
    consistency_proof,
    inclusion_cover,
    inclusion_proof,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

DATA = [bytes([i]) * 5 for i in range(7)]
ROOT = root_hash(DATA)


def test_hashes_carry_their_prefixes():
    assert leaf_hash(b"a") == sha256(b"\x00a").digest()
    left, right = sha256(b"\x00a").digest(), sha256(b"\x00b").digest()
    assert root_hash([b"a", b"b"]) == sha256(b"\x01" + left + right).digest()
    assert root_hash([]) == EMPTY_ROOT == sha256(b"").digest()


def test_a_leaf_hash_stands_for_its_data():
    hashed = [leaf_hash(data) for data in DATA]
    assert root_hash(hashed) == ROOT
    assert inclusion_proof(hashed, 3) == inclusion_proof(DATA, 3)
    assert consistency_proof(hashed, 3) == consistency_proof(DATA, 3)


def test_plain_bytes_are_data_even_if_they_are_as_long_as_a_hash():
    plain = [bytes(leaf_hash(data)) for data in DATA]
    assert root_hash(plain) != ROOT
    assert root_hash([LeafHash(each) for each in plain]) == ROOT


@pytest.mark.parametrize("index", [-1, 7, 100])
def test_a_proof_of_a_leaf_outside_the_log_is_refused(index):
    with pytest.raises(OutsideLogError, match=f"leaf {index} of a log of 7"):
        inclusion_proof(DATA, index)
    with pytest.raises(OutsideLogError):
        inclusion_cover(index, 7)


@pytest.mark.parametrize("size", [-1, 8])
def test_a_proof_from_a_size_the_log_never_had_is_refused(size):
    with pytest.raises(OutsideLogError):
        consistency_proof(DATA, size)
    with pytest.raises(OutsideLogError):
        consistency_cover(size, 7)
    with pytest.raises(OutsideLogError):
        MerkleTree(DATA).root(size)
    with pytest.raises(OutsideLogError):
        MerkleTree(DATA).inclusion_proof(0, size)


BAD = [None, 5, "x" * 32, b"", b"\0" * 31, b"\0" * 33, [1], pytest.param(object(), id="object")]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_no_malformed_hash_raises_or_passes(bad):
    proof, good = inclusion_proof(DATA, 2), leaf_hash(DATA[2])
    assert verify_inclusion(good, 2, 7, proof, ROOT)
    assert not verify_inclusion(bad, 2, 7, proof, ROOT)
    assert not verify_inclusion(good, 2, 7, proof, bad)
    assert not verify_inclusion(good, 2, 7, [bad, *proof[1:]], ROOT)
    assert not verify_inclusion(good, 2, 7, bad, ROOT)
    steps, old = consistency_proof(DATA, 3), root_hash(DATA[:3])
    assert verify_consistency(3, old, 7, ROOT, steps)
    assert not verify_consistency(3, bad, 7, ROOT, steps)
    assert not verify_consistency(3, old, 7, bad, steps)
    assert not verify_consistency(3, old, 7, ROOT, [*steps[:-1], bad])
    assert not verify_consistency(3, old, 7, ROOT, bad)


@pytest.mark.parametrize("bad", [None, "2", 2.0, True, -1, 7, 8, 10**30], ids=repr)
def test_no_malformed_number_raises_or_passes(bad):
    proof, good = inclusion_proof(DATA, 2), leaf_hash(DATA[2])
    assert not verify_inclusion(good, bad, 7, proof, ROOT)
    if bad not in {7, 8}:
        assert not verify_inclusion(good, 2, bad, proof, ROOT)
        steps, old = consistency_proof(DATA, 3), root_hash(DATA[:3])
        assert not verify_consistency(bad, old, 7, ROOT, steps)
        assert not verify_consistency(3, old, bad, ROOT, steps)


def test_a_truth_value_is_no_index():
    assert verify_inclusion(leaf_hash(DATA[1]), 1, 7, inclusion_proof(DATA, 1), ROOT)
    assert not verify_inclusion(leaf_hash(DATA[1]), True, 7, inclusion_proof(DATA, 1), ROOT)


def test_hostile_sizes_end_at_once():
    assert not verify_inclusion(ROOT, 0, 2**64 - 1, [ROOT] * 70, ROOT)
    assert not verify_consistency(2**63, ROOT, 2**64 - 1, ROOT, [ROOT] * 200)
    assert not verify_consistency(3, ROOT, 7, ROOT, [])


def test_every_log_extends_the_empty_one_and_itself():
    assert verify_consistency(0, EMPTY_ROOT, 7, ROOT, [])
    assert verify_consistency(7, ROOT, 7, ROOT, [])
    assert verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not verify_consistency(0, ROOT, 7, ROOT, [])
    assert not verify_consistency(0, ROOT, 0, ROOT, [])
    assert not verify_consistency(0, EMPTY_ROOT, 7, ROOT, [ROOT])
    assert not verify_consistency(7, ROOT, 7, ROOT, [ROOT])
    assert not verify_consistency(7, ROOT, 7, EMPTY_ROOT, [])
    assert not verify_consistency(7, ROOT, 3, root_hash(DATA[:3]), consistency_proof(DATA, 3))


def test_a_frontier_of_the_wrong_length_is_refused():
    edge = Frontier()
    for data in DATA:
        edge, _ = edge.append(leaf_hash(data))
    assert Frontier.from_bytes(edge.to_bytes()) == edge
    assert len(edge.to_bytes()) == 8 + 3 * 32
    for bad in (b"", edge.to_bytes()[:-1], edge.to_bytes() + b"\0", (8).to_bytes(8, "big")):
        with pytest.raises(BrokenFrontierError):
            Frontier.from_bytes(bad)
