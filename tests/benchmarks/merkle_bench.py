"""Measure 8: appending to, and proving from, a log of 100,000 leaves, beside pymerkle's tree in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from pymerkle import InmemoryTree

from functions.ledger.merkle import MerkleTree

LEAVES = 100_000
PROOFS = 2_000
ROUNDS = 3
REACH = 5.0
_LEAF_BYTES = 300  # about a capture's entry


def measure() -> list[dict[str, Any]]:
    """Both libraries in turn in one process; medians of interleaved rounds, in microseconds per operation."""
    data = [number.to_bytes(_LEAF_BYTES, "big") for number in range(LEAVES)]
    places = random.Random(8).sample(range(LEAVES), PROOFS)
    ours: dict[str, list[float]] = {"append": [], "proof": []}
    peers: dict[str, list[float]] = {"append": [], "proof": []}
    for _ in range(ROUNDS):
        tree, peer = MerkleTree(), InmemoryTree()
        ours["append"].append(_timed(tree.append, data))
        peers["append"].append(_timed(peer.append_entry, data))
        ours["proof"].append(_timed(tree.inclusion_proof, places))
        peers["proof"].append(_timed(peer.prove_inclusion, [place + 1 for place in places]))
        if tree.root() != peer.get_root():
            raise AssertionError("the two trees disagree")
    return [_row("append", ours, peers), _row("proof", ours, peers)]


def _timed(call: Callable[[Any], Any], arguments: list[Any]) -> float:
    start = perf_counter()
    for argument in arguments:
        call(argument)
    return (perf_counter() - start) / len(arguments) * 1e6


def _row(name: str, ours: dict[str, list[float]], peers: dict[str, list[float]]) -> dict[str, Any]:
    own, peer = median(ours[name]), median(peers[name])
    titles = {"append": "Merkle append", "proof": "Merkle inclusion proof"}
    return {
        "id": 8,
        "name": f"{titles[name]} ({LEAVES:,} leaves) vs pymerkle",
        "ours": round(own, 3),
        "peer": round(peer, 3),
        "unit": "µs",
        "ratio": round(peer / own, 2),
        "reach": REACH,
        "ok": peer / own >= REACH,
    }


if __name__ == "__main__":
    for row in measure():
        print(row)
