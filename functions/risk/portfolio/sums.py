"""The portfolio's sums as of a day, put together from the shards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from functions.lending.plan import Delinquency
from functions.risk.portfolio.contributions import Amount

BPS: Final = 10_000
BUCKETS: Final = tuple(str(bucket) for bucket in Delinquency)
RECENT_MONTHS: Final = 3
_NONE: Final[Amount] = (0, 0)


@dataclass(frozen=True, slots=True)
class Sums:
    """The portfolio's sums as of a day.

    Args:
        on: The day.
        named: Name of a sum to how many and how much.
        merchants: Merchant to what its customers owe.
    """

    on: date
    named: Mapping[str, Amount] = field(default_factory=dict)
    merchants: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, on: date, parts: Iterable[tuple[str, Amount]]) -> Sums:
        """From the parts of all shards, in any order."""
        named: dict[str, Amount] = {}
        merchants: dict[str, int] = {}
        for name, (count, total) in parts:
            kind, _, rest = name.partition("#")
            if kind == "merchant":
                merchants[rest] = merchants.get(rest, 0) + total
            else:
                had = named.get(name, _NONE)
                named[name] = (had[0] + count, had[1] + total)
        return cls(on, named, {merchant: owed for merchant, owed in merchants.items() if owed > 0})

    def get(self, *path: str) -> Amount:
        """One sum; nothing where nothing was ever added."""
        return self.named.get("#".join(path), _NONE)

    def under(self, *path: str) -> dict[str, Amount]:
        """The sums below a name, by what follows it."""
        prefix = "#".join(path) + "#"
        return {name.removeprefix(prefix): amount for name, amount in self.named.items() if name.startswith(prefix)}

    def months(self, back: int) -> list[str]:
        """This month and those before, newest first, as YYYY-MM."""
        number = self.on.year * 12 + self.on.month - 1
        return [f"{(number - n) // 12:04d}-{(number - n) % 12 + 1:02d}" for n in range(back)]

    def total_of(self, kind: str, back: int, *states: str) -> Amount:
        """Of some states, over this month and those before."""
        found = [self.get(kind, month, state) for month in self.months(back) for state in states]
        return sum(count for count, _ in found), sum(total for _, total in found)

    @property
    def exposure_minor(self) -> int:
        """Principal owed on active plans."""
        return sum(self.get("bucket", bucket)[1] for bucket in BUCKETS)


def share(part: int, whole: int) -> int | None:
    """In basis points, rounded down; None of nothing."""
    return part * BPS // whole if whole > 0 else None
