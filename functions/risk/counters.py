"""Velocity counters: how many, how much and how many different, per window, as values that pack small.

A counter holds rings of quarter-hour, hour and day buckets and, per kind of thing, when each was last seen. A bucket is
named by its number since 1970, so the window is the bucket's name and no clock is read. A window takes every bucket it
touches: it never counts too little, and too much by less than one bucket.
Adding is commutative, so records may come in any order; counting one twice is prevented by `aggregate` inside a batch
and by the store's SEEN items between batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from functions.risk.measures.hyperloglog import SlidingHyperLogLog
from functions.risk.pack import DamagedError, Packer, Unpacker

QUARTER_S: Final = 900
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
RINGS: Final = ((QUARTER_S, 5), (HOUR_S, 25), (DAY_S, 31))
"""Bucket width and how many are kept: what a window of 1 h, 1 d, 30 d can touch."""

WINDOWS: Final = {"15m": (QUARTER_S, 900), "1h": (QUARTER_S, 3_600), "1d": (HOUR_S, 86_400), "30d": (DAY_S, 2_592_000)}
"""Window to the bucket width it is read from and its length, in seconds."""

EXACT: Final = 32
"""Up to so many different things are counted exactly."""

_KEPT_QUARTERS: Final = 31 * DAY_S // QUARTER_S
WRITES_PER_SHARD: Final = 500
_FORMAT: Final = 2


def hash64(*parts: str | bytes) -> int:
    """64 bits that stand for a thing in a distinct count. Parts are already pseudonymous (keyed hashes, ids)."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return int.from_bytes(digest.digest(), "big")


@dataclass(frozen=True, slots=True)
class Ring:
    """Count and sum per bucket of one width.

    Args:
        width_s: Seconds per bucket.
        size: Buckets kept, counted back from the newest.
        buckets: Bucket number to (count, sum in minor units).
    """

    width_s: int
    size: int
    buckets: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, at_s: int, count: int, sum_minor: int) -> Ring:
        """With more in the bucket of an instant; an instant older than the ring changes nothing."""
        return self.merge(Ring(self.width_s, self.size, {at_s // self.width_s: (count, sum_minor)}))

    def merge(self, other: Ring) -> Ring:
        """Of both streams together."""
        merged = dict(self.buckets)
        for bucket, (count, total) in other.buckets.items():
            had = merged.get(bucket, (0, 0))
            merged[bucket] = (had[0] + count, had[1] + total)
        oldest = max(merged, default=0) - self.size
        return Ring(self.width_s, self.size, {b: v for b, v in merged.items() if b > oldest})

    def total(self, window_s: int, at_s: int) -> tuple[int, int]:
        """Count and sum of the buckets that (at − window, at] touches."""
        return bucket_total(self.buckets, self.width_s, window_s, at_s)


def bucket_total(buckets: Mapping[int, tuple[int, int]], width_s: int, window_s: int, at_s: int) -> tuple[int, int]:
    """Count and sum of the buckets that a window touches.

    Args:
        buckets: Bucket number (instant // width) to (count, sum in minor units).
        width_s: Seconds per bucket.
        window_s: Length of the window.
        at_s: Its end, seconds since 1970; later buckets are not looked at.
    """
    first, last = (at_s - window_s + 1) // width_s, at_s // width_s
    count = total = 0
    for bucket, (n, amount) in buckets.items():
        if first <= bucket <= last:
            count += n
            total += amount
    return count, total


@dataclass(frozen=True, slots=True)
class Distinct:
    """When each different thing was last seen: exactly while there are at most 32, then by estimate.

    Args:
        last_seen: 64-bit hash to the quarter-hour it was last seen in, while exact.
        sketch: The estimate, once there were more.
        newest: The latest quarter-hour seen at all.
    """

    last_seen: Mapping[int, int] = field(default_factory=dict)
    sketch: SlidingHyperLogLog | None = None
    newest: int = 0

    def add(self, thing: int, at_s: int) -> Distinct:
        """With one thing (a 64-bit hash) seen at an instant."""
        quarter = at_s // QUARTER_S
        return self.merge(Distinct({thing: quarter}, None, quarter))

    def merge(self, other: Distinct) -> Distinct:
        """Of both streams together."""
        newest = max(self.newest, other.newest)
        oldest = newest - _KEPT_QUARTERS
        if self.sketch is None and other.sketch is None:
            seen = {t: q for t, q in self.last_seen.items() if q >= oldest}
            for thing, quarter in other.last_seen.items():
                if quarter >= oldest:
                    seen[thing] = max(quarter, seen.get(thing, quarter))
            if len(seen) <= EXACT:
                return Distinct(seen, None, newest)
        sketch = self._sketched().merge(other._sketched()).since(oldest)
        return Distinct({}, sketch, newest) if sketch.registers else Distinct({}, None, newest)

    def count(self, window_s: int, at_s: int) -> int:
        """How many different things were seen in the quarter-hours that (at − window, at] touches."""
        first, last = (at_s - window_s + 1) // QUARTER_S, at_s // QUARTER_S
        if self.sketch is not None:
            return self.sketch.count(first, last)
        return sum(first <= quarter <= last for quarter in self.last_seen.values())

    def _sketched(self) -> SlidingHyperLogLog:
        if self.sketch is not None:
            return self.sketch
        sketch = SlidingHyperLogLog()
        for thing, quarter in self.last_seen.items():
            sketch = sketch.add(thing, quarter)
        return sketch

    def pack(self, packer: Packer) -> None:
        """Append: newest quarter, then the hashes or the sketch."""
        packer.unsigned(self.newest).unsigned(0 if self.sketch is None else 1)
        if self.sketch is not None:
            self.sketch.pack(packer, self.newest)
            return
        packer.unsigned(len(self.last_seen))
        for thing in sorted(self.last_seen):
            packer.raw(thing.to_bytes(8, "big")).unsigned(self.newest - self.last_seen[thing])

    @classmethod
    def unpack(cls, unpacker: Unpacker) -> Distinct:
        """Inverse of `pack`."""
        newest = unpacker.unsigned()
        if unpacker.unsigned():
            return cls({}, SlidingHyperLogLog.unpack(unpacker, newest), newest)
        seen: dict[int, int] = {}
        for _ in range(unpacker.unsigned()):
            thing = int.from_bytes(unpacker.raw(8), "big")
            seen[thing] = newest - unpacker.unsigned()
        return cls(seen, None, newest)


def _empty_rings() -> tuple[Ring, ...]:
    return tuple(Ring(width_s, size) for width_s, size in RINGS)


@dataclass(frozen=True, slots=True)
class Counter:
    """Everything counted about one subject (a device, an address, an instrument, a merchant, a customer).

    Args:
        rings: In the order of `RINGS`.
        distinct: Per kind of thing ("customers", "devices" …), which were seen.
    """

    rings: tuple[Ring, ...] = field(default_factory=_empty_rings)
    distinct: Mapping[str, Distinct] = field(default_factory=dict)

    def add(self, at_s: int, *, count: int = 1, sum_minor: int = 0, seen: Mapping[str, int] | None = None) -> Counter:
        """With one observation.

        Args:
            at_s: When it happened, seconds since 1970.
            count: How many it counts for.
            sum_minor: Its amount.
            seen: Kind of thing to its 64-bit hash.
        """
        distinct = dict(self.distinct)
        for kind, thing in (seen or {}).items():
            distinct[kind] = distinct.get(kind, Distinct()).add(thing, at_s)
        return Counter(tuple(ring.add(at_s, count, sum_minor) for ring in self.rings), distinct)

    def merge(self, other: Counter) -> Counter:
        """Of both streams together; also how shards are read."""
        distinct = dict(self.distinct)
        for kind, things in other.distinct.items():
            distinct[kind] = distinct.get(kind, Distinct()).merge(things)
        rings = tuple(a.merge(b) for a, b in zip(self.rings, other.rings, strict=True))
        return Counter(rings, distinct)

    def total(self, window: str, at_s: int) -> tuple[int, int]:
        """Count and sum in a window of `WINDOWS` that ends at an instant."""
        width_s, window_s = WINDOWS[window]
        ring = next(ring for ring in self.rings if ring.width_s == width_s)
        return ring.total(window_s, at_s)

    def different(self, kind: str, window: str, at_s: int) -> int:
        """How many different things of a kind were seen in a window."""
        things = self.distinct.get(kind)
        return things.count(WINDOWS[window][1], at_s) if things else 0

    def pack(self) -> bytes:
        """Format number, rings as (newest, steps back, count, sum), then the distinct counts by kind."""
        packer = Packer().unsigned(_FORMAT)
        for ring in self.rings:
            newest = max(ring.buckets, default=0)
            packer.unsigned(newest).unsigned(len(ring.buckets))
            for bucket in sorted(ring.buckets):
                count, total = ring.buckets[bucket]
                packer.unsigned(newest - bucket).signed(count).signed(total)
        packer.unsigned(len(self.distinct))
        for kind in sorted(self.distinct):
            self.distinct[kind].pack(packer.text(kind))
        return packer.done()

    @classmethod
    def unpack(cls, data: bytes) -> Counter:
        """Inverse of `pack`.

        Raises:
            DamagedError: Not bytes that `pack` wrote.
        """
        unpacker = Unpacker(data)
        if (version := unpacker.unsigned()) != _FORMAT:
            raise DamagedError(f"a counter of format {version}; this code reads {_FORMAT}")
        rings: list[Ring] = []
        for width_s, size in RINGS:
            newest = unpacker.unsigned()
            buckets: dict[int, tuple[int, int]] = {}
            for _ in range(unpacker.unsigned()):
                bucket = newest - unpacker.unsigned()
                buckets[bucket] = (unpacker.signed(), unpacker.signed())
            rings.append(Ring(width_s, size, buckets))
        kinds = [(unpacker.text(), Distinct.unpack(unpacker)) for _ in range(unpacker.unsigned())]
        unpacker.finish()
        return cls(tuple(rings), dict(kinds))


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that happened, as the stream tells it.

    Args:
        event_id: Same event, same id, however often delivered.
        subject: Key of the counter, for example "device#3f…".
        at_s: When.
        sum_minor: Its amount.
        seen: Kind of thing to its 64-bit hash.
        count: How many it counts for.
    """

    event_id: str
    subject: str
    at_s: int
    sum_minor: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)
    count: int = 1


def aggregate(observations: Iterable[Observation]) -> dict[str, Counter]:
    """A batch as one change per subject; an event that touches a subject twice counts once there."""
    changes: dict[str, Counter] = {}
    done: set[tuple[str, str]] = set()
    for seen in observations:
        if (seen.event_id, seen.subject) in done:
            continue
        done.add((seen.event_id, seen.subject))
        counter = changes.get(seen.subject, Counter())
        changes[seen.subject] = counter.add(seen.at_s, count=seen.count, sum_minor=seen.sum_minor, seen=seen.seen)
    return changes


def shard_count(peak_per_second: int) -> int:
    """How many items a hot counter is spread over: one item takes about 1,000 writes a second, planned to half."""
    return max(1, -(-peak_per_second // WRITES_PER_SHARD))


def shard_of(event_id: str, shards: int) -> int:
    """The shard that counts an event: the same however often it is delivered."""
    return hash64(event_id) % shards
