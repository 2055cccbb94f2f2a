"""The log against the published vectors, against a plain recursive reading of RFC 6962, and against tampering."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    MerkleTree,
    Node,
    consistency_cover,
    consistency_proof,
    cover,
    inclusion_cover,
    inclusion_proof,
    leaf_hash,
    resolve,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "rfc6962.json").read_text())
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]
DATA = [str(number).encode() for number in range(130)]
TREE = MerkleTree(DATA)
INCLUSION_SIZES = range(1, 71)
CONSISTENCY_SIZES = range(1, 41)


def mth(leaves):
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m, leaves):
    """RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, *, whole):
    """RFC 6962 §2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def flip(data: bytes, bit: int) -> bytes:
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def test_the_published_roots():
    assert root_hash([]).hex() == VECTORS["empty_root"]
    assert [root_hash(LEAVES[:size]).hex() for size in range(1, 9)] == VECTORS["roots"]


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: f"{case['index']} of {case['size']}")
def test_the_published_inclusion_proofs(case):
    leaves = LEAVES[: case["size"]]
    proof = inclusion_proof(leaves, case["index"])
    assert [each.hex() for each in proof] == case["proof"]
    root = bytes.fromhex(VECTORS["roots"][case["size"] - 1])
    assert verify_inclusion(leaf_hash(leaves[case["index"]]), case["index"], case["size"], proof, root)


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: f"{case['old_size']} to {case['size']}")
def test_the_published_consistency_proofs(case):
    proof = consistency_proof(LEAVES[: case["size"]], case["old_size"])
    assert [each.hex() for each in proof] == case["proof"]
    old, new = (bytes.fromhex(VECTORS["roots"][case[name] - 1]) for name in ("old_size", "size"))
    assert verify_consistency(case["old_size"], old, case["size"], new, proof)


def test_every_root_and_inclusion_proof_is_that_of_the_rfc_and_verifies():
    for size in INCLUSION_SIZES:
        leaves, root = DATA[:size], mth(DATA[:size])
        assert TREE.root(size) == root
        for index in range(size):
            proof = TREE.inclusion_proof(index, size)
            assert proof == path(index, leaves)
            assert verify_inclusion(leaf_hash(leaves[index]), index, size, proof, root)


def test_every_consistency_proof_is_that_of_the_rfc_and_verifies():
    for size in CONSISTENCY_SIZES:
        for old in range(1, size + 1):
            proof = TREE.consistency_proof(old, size)
            assert proof == subproof(old, DATA[:size], whole=True)
            assert verify_consistency(old, TREE.root(old), size, TREE.root(size), proof)


def test_a_proof_is_good_for_its_own_place_only():
    for size in range(1, 24):
        root = TREE.root(size)
        for index in range(size):
            proof = TREE.inclusion_proof(index, size)
            for other in range(size + 2):
                assert verify_inclusion(leaf_hash(DATA[index]), other, size, proof, root) is (other == index)


def test_a_proof_with_a_hash_more_or_less_fails():
    for size in range(2, 40):
        for index in range(size):
            proof, leaf = TREE.inclusion_proof(index, size), leaf_hash(DATA[index])
            assert not verify_inclusion(leaf, index, size, proof[:-1], TREE.root(size))
            assert not verify_inclusion(leaf, index, size, [*proof, proof[0]], TREE.root(size))
        for old in range(1, size):
            steps = TREE.consistency_proof(old, size)
            assert not verify_consistency(old, TREE.root(old), size, TREE.root(size), steps[:-1])
            assert not verify_consistency(old, TREE.root(old), size, TREE.root(size), [*steps, steps[0]])


@given(st.data())
def test_any_flipped_bit_fails(data):
    size = data.draw(st.integers(2, 130))
    index = data.draw(st.integers(0, size - 1))
    parts = [leaf_hash(DATA[index]), TREE.root(size), *TREE.inclusion_proof(index, size)]
    which = data.draw(st.integers(0, len(parts) - 1))
    parts[which] = flip(parts[which], data.draw(st.integers(0, 255)))
    leaf, root, *proof = parts
    assert not verify_inclusion(leaf, index, size, proof, root)

    old = data.draw(st.integers(1, size - 1))
    parts = [TREE.root(old), TREE.root(size), *TREE.consistency_proof(old, size)]
    which = data.draw(st.integers(0, len(parts) - 1))
    parts[which] = flip(parts[which], data.draw(st.integers(0, 255)))
    first, second, *steps = parts
    assert not verify_consistency(old, first, size, second, steps)


@given(st.lists(st.binary(max_size=40), max_size=130), st.data())
def test_a_log_of_any_data_proves_each_leaf_and_each_past(leaves, data):
    root = root_hash(leaves)
    old = data.draw(st.integers(0, len(leaves)))
    assert verify_consistency(old, root_hash(leaves[:old]), len(leaves), root, consistency_proof(leaves, old))
    if leaves:
        index = data.draw(st.integers(0, len(leaves) - 1))
        proof = inclusion_proof(leaves, index)
        assert verify_inclusion(leaf_hash(leaves[index]), index, len(leaves), proof, root)


def test_the_right_edge_is_all_that_appending_needs():
    """What the sequencer stores, leaf by leaf, answers every later proof."""
    edge, stored = Frontier(), {}
    assert edge.root() == EMPTY_ROOT
    for number, data in enumerate(DATA):
        edge, completed = edge.append(leaf_hash(data))
        assert Frontier.from_bytes(edge.to_bytes()) == edge
        assert edge.root() == TREE.root(number + 1)
        for level, each in enumerate(completed):
            node = Node(level, (number + 1 >> level) - 1)
            assert node.last_leaf == number
            stored[node] = each
    for size in (1, 2, 3, 64, 77, 130):
        assert resolve([cover(0, size)], stored.__getitem__) == [TREE.root(size)]
        for index in range(size):
            assert resolve(inclusion_cover(index, size), stored.__getitem__) == TREE.inclusion_proof(index, size)
        for old in range(size + 1):
            assert resolve(consistency_cover(old, size), stored.__getitem__) == TREE.consistency_proof(old, size)


@given(st.integers(1, 2**40), st.data())
def test_a_proof_reads_a_logarithm_of_the_log(size, data):
    index = data.draw(st.integers(0, size - 1))
    nodes = [node for each in inclusion_cover(index, size) for node in each]
    assert len(nodes) <= 2 * size.bit_length()
    assert all(node.last_leaf < size for node in nodes)


@given(
    st.one_of(st.none(), st.integers(), st.binary(max_size=40), st.floats(), st.text(max_size=3)),
    st.one_of(st.none(), st.integers(), st.booleans(), st.text(max_size=3)),
    st.one_of(st.none(), st.integers(), st.floats()),
    st.one_of(st.none(), st.lists(st.one_of(st.binary(max_size=33), st.none())), st.integers(), st.text(max_size=3)),
    st.one_of(st.none(), st.binary(max_size=40)),
)
def test_verification_is_total(leaf, index, size, proof, root):
    assert verify_inclusion(leaf, index, size, proof, root) in {True, False}
    assert verify_consistency(index, leaf, size, root, proof) in {True, False}
