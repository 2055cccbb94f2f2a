"""A Merkle tree over the ledger, so that no entry can be changed, dropped or reordered unseen.

`leaves` are the data of the log (RFC 6962's D[n]). Where the hash is all that is left of a leaf, pass the
`LeafHash` in its place. Verification is total: whatever it is given, it answers True or False.

Source: RFC 6962 §2.1 (hashes, proofs), RFC 9162 §2.1.3.2 and §2.1.4.2 (verification).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from functions.core.errors import InvalidError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
_LEAF, _NODE = b"\x00", b"\x01"
_SIZE_BYTES = 8


class OutsideLogError(InvalidError):
    code, title = "outside_log", "The log has no such leaf or size"


class BrokenFrontierError(InvalidError):
    code, title = "broken_frontier", "These are not the bytes of a log's right edge"


class LeafHash(bytes):
    """A leaf that is hashed already."""

    __slots__ = ()


class Node(NamedTuple):
    """A complete subtree: `place` counts the subtrees of 2^level leaves from the left."""

    level: int
    place: int

    @property
    def last_leaf(self) -> int:
        """The leaf that completed it."""
        return ((self.place + 1) << self.level) - 1


def leaf_hash(data: bytes) -> LeafHash:
    """SHA-256(00 ‖ data)."""
    return LeafHash(sha256(_LEAF + data).digest())


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 ‖ left ‖ right)."""
    return sha256(_NODE + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of a log; of an empty one SHA-256 of nothing."""
    return MerkleTree(leaves).root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from a leaf to the root, lowest first.

    Raises:
        OutsideLogError: The log has no leaf `index`.
    """
    return MerkleTree(leaves).inclusion_proof(index)


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show the first `old_size` leaves to be a prefix; none for 0 and for all.

    Raises:
        OutsideLogError: The log is smaller than `old_size`.
    """
    return MerkleTree(leaves).consistency_proof(old_size)


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf stands at `index` of the log of `size` leaves with this root. Never raises."""
    if not (_are_counts(index, size) and index < size and _are_hashes(proof, leaf_hash, root)):
        return False
    place, last, running = index, size - 1, bytes(leaf_hash)
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            running = node_hash(sibling, running)
            place, last = _skip_missing(place, last)
        else:
            running = node_hash(running, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and running == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the old log is a prefix of the new one. Never raises; every log has the empty one as prefix."""
    if not (_are_counts(old_size, new_size) and old_size <= new_size and _are_hashes(proof, old_root, new_root)):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root and (old_size > 0 or old_root == EMPTY_ROOT)
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old_running = new_running = bytes(path[0])
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_running = node_hash(sibling, old_running)
            new_running = node_hash(sibling, new_running)
            place, last = _skip_missing(place, last)
        else:
            new_running = node_hash(new_running, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and old_running == old_root and new_running == new_root


def _skip_missing(place: int, last: int) -> tuple[int, int]:
    """Climb the right edge to where a left sibling exists; levels without one add no hash."""
    while place and not place & 1:
        place >>= 1
        last >>= 1
    return place, last


def _are_counts(*values: object) -> bool:
    return all(type(value) is int and 0 <= value < 1 << 64 for value in values)


def _are_hashes(proof: object, *others: object) -> bool:
    return isinstance(proof, list | tuple) and all(
        isinstance(value, bytes | bytearray) and len(value) == HASH_BYTES for value in (*proof, *others)
    )


def cover(start: int, end: int) -> tuple[Node, ...]:
    """The fewest complete subtrees that make up the leaves start … end − 1, left to right."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return tuple(nodes)


def inclusion_cover(index: int, size: int) -> list[tuple[Node, ...]]:
    """An inclusion proof as subtrees: each of its hashes is the fold of one tuple.

    Raises:
        OutsideLogError: No leaf `index` in a log of `size`.
    """
    if not 0 <= index < size:
        raise OutsideLogError(f"leaf {index} of a log of {size}")
    start, end = 0, size
    ranges = []
    while end - start > 1:
        middle = start + _left_width(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return [cover(*each) for each in reversed(ranges)]


def consistency_cover(old_size: int, size: int) -> list[tuple[Node, ...]]:
    """A consistency proof as subtrees: each of its hashes is the fold of one tuple.

    Raises:
        OutsideLogError: A log of `size` never had `old_size` leaves.
    """
    if not 0 <= old_size <= size:
        raise OutsideLogError(f"a log of {size} never had {old_size} leaves")
    if old_size in {0, size}:
        return []
    start, end, whole = 0, size, True
    ranges = []
    while old_size != end:
        middle = start + _left_width(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return [cover(*each) for each in reversed(ranges)]


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees of falling size, left to right."""
    *rest, running = hashes
    for left in reversed(rest):
        running = node_hash(left, running)
    return running


def resolve(covers: Iterable[tuple[Node, ...]], lookup: Callable[[Node], bytes]) -> list[bytes]:
    """The hashes of a proof from the stored hashes of complete subtrees."""
    return [fold([lookup(node) for node in nodes]) for nodes in covers]


def _left_width(width: int) -> int:
    """The largest power of two below `width`, which is at least 2."""
    return 1 << (width - 1).bit_length() - 1


@dataclass(frozen=True, slots=True)
class Frontier:
    """A log's right edge: all that appending needs.

    Args:
        size: Leaves so far.
        hashes: Of the complete subtrees of `cover(0, size)`, left to right.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> tuple[Frontier, tuple[bytes, ...]]:
        """Take one more leaf hash.

        Returns:
            The new edge, and the hashes of the subtrees that this leaf completes, the leaf itself first.
        """
        completed = [bytes(leaf)]
        kept = len(self.hashes)
        for _ in range((~self.size & self.size + 1).bit_length() - 1):
            kept -= 1
            completed.append(node_hash(self.hashes[kept], completed[-1]))
        return Frontier(self.size + 1, (*self.hashes[:kept], completed[-1])), tuple(completed)

    def root(self) -> bytes:
        """The root at this size."""
        return fold(self.hashes) if self.size else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Eight bytes of size and the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Inverse of `to_bytes`.

        Raises:
            BrokenFrontierError: The length does not fit the size.
        """
        size, rest = int.from_bytes(data[:_SIZE_BYTES], "big"), data[_SIZE_BYTES:]
        wanted = _SIZE_BYTES + size.bit_count() * HASH_BYTES
        if len(data) != wanted:
            raise BrokenFrontierError(f"{len(data)} bytes, where a log of {size} leaves {wanted}")
        return cls(size, tuple(rest[at : at + HASH_BYTES] for at in range(0, len(rest), HASH_BYTES)))


class MerkleTree:
    """A log in memory with the hash of every complete subtree, level by level.

    Args:
        leaves: Data, or `LeafHash`, of the first leaves.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        self._edge: tuple[int, list[bytes]] = (0, [])
        for leaf in leaves:
            self.append_hash(leaf if isinstance(leaf, LeafHash) else sha256(_LEAF + leaf).digest())

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, data: bytes) -> None:
        """Append a leaf by its data; one or two hashes on average."""
        self.append_hash(sha256(_LEAF + data).digest())

    def append_hash(self, running: bytes) -> None:
        """Append a leaf by its hash."""
        levels = self._levels
        leaves = levels[0]
        place = len(leaves)
        leaves.append(running)
        level = 0
        while place & 1:
            running = sha256(_NODE + levels[level][place - 1] + running).digest()
            level += 1
            place >>= 1
            if level == len(levels):
                levels.append([])
            levels[level].append(running)

    def node(self, node: Node) -> bytes:
        """The hash of a complete subtree."""
        return self._levels[node.level][node.place]

    def leaf(self, index: int) -> LeafHash:
        """The hash of one leaf."""
        return LeafHash(self._levels[0][index])

    def root(self, size: int | None = None) -> bytes:
        """The root now, or when the log had `size` leaves.

        Raises:
            OutsideLogError: It never had that many.
        """
        wanted = self._size(size)
        return fold([self.node(node) for node in cover(0, wanted)]) if wanted else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """As `inclusion_proof`, against the log now or at `size`, by look-up.

        Raises:
            OutsideLogError: No such leaf or size.
        """
        size = len(self._levels[0]) if size is None else self._size(size)
        if not 0 <= index < size:
            raise OutsideLogError(f"leaf {index} of a log of {size}")
        edge = self._edge[1] if self._edge[0] == size else self._right_edge(size)
        proof = []
        place, last = index, size - 1
        for level, hashes in enumerate(edge):
            if place & 1:
                proof.append(self._levels[level][place - 1])
            elif place + 1 < last:
                proof.append(self._levels[level][place + 1])
            elif place < last:
                proof.append(hashes)
            place >>= 1
            last >>= 1
        return proof

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """As `consistency_proof`, against the log now or at `size`.

        Raises:
            OutsideLogError: No such sizes.
        """
        return resolve(consistency_cover(old_size, self._size(size)), self.node)

    def _size(self, size: int | None) -> int:
        if size is None:
            return len(self)
        if not 0 <= size <= len(self):
            raise OutsideLogError(f"the log has {len(self)} leaves, not {size}")
        return size

    def _right_edge(self, size: int) -> list[bytes]:
        """The hash of each level's last node, complete or not, kept for the next proof of the same size."""
        edge: list[bytes] = []
        running, last = b"", size - 1
        for level, hashes in enumerate(self._levels):
            if last + 1 << level <= size:
                running = hashes[last]
            elif last << 1 != (size - 1) >> (level - 1):
                running = node_hash(self._levels[level - 1][last << 1], running)
            edge.append(running)
            last >>= 1
        self._edge = (size, edge)
        return edge
