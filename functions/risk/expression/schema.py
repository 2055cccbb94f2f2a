"""What a rule may talk about: the declared signals, their kinds, and the named lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The type of a value in a rule."""

    INTEGER = "integer"  # counts, basis points, hours of the day
    MONEY = "money"  # minor units
    DURATION = "duration"  # whole seconds
    STRING = "string"
    BOOLEAN = "boolean"
    INTEGERS = "integers"  # a list of them
    STRINGS = "strings"


NUMBERS = frozenset({Kind.INTEGER, Kind.MONEY, Kind.DURATION})
LISTS = {Kind.INTEGERS: Kind.INTEGER, Kind.STRINGS: Kind.STRING}
"""List kinds and the kind of their elements."""

LIST_PREFIX = "list:"
"""A named list stands in the signal mapping under this prefix and its name, as a frozenset."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One declared input of the rules.

    Args:
        name: Flat name, as it stands in the signal mapping.
        kind: Its type.
        unit: "minor", "bps", "days", "km/h" …; "" for none. For people, not for the compiler.
        owner: The slice whose records it comes from.
        definition: One sentence that says exactly what is counted and from when to when.
        windows: If given, the signal exists once per window, as `name_window`.
        synchronous: Known inside the authorization; otherwise only on the stream pass.
    """

    name: str
    kind: Kind
    unit: str = ""
    owner: str = ""
    definition: str = ""
    windows: tuple[str, ...] = ()
    synchronous: bool = False

    @property
    def flat_names(self) -> tuple[str, ...]:
        """The keys it takes in the signal mapping."""
        return tuple(f"{self.name}_{window}" for window in self.windows) if self.windows else (self.name,)


@dataclass(frozen=True, slots=True)
class SignalSchema:
    """The declared signals and named lists, in a fixed order.

    Args:
        signals: Declared signals; flat names must be unique.
        lists: Named lists and what they are lists of (`strings` or `integers`).
    """

    signals: tuple[Signal, ...]
    lists: Mapping[str, Kind] = field(default_factory=dict)
    flat: Mapping[str, Signal] = field(init=False)

    def __post_init__(self) -> None:
        flat: dict[str, Signal] = {}
        for signal in self.signals:
            for name in signal.flat_names:
                if name in flat:
                    raise ValueError(f"the signal {name} is declared twice")
                flat[name] = signal
        for name, kind in self.lists.items():
            if kind not in LISTS:
                raise ValueError(f"the named list {name} must be a list of strings or of integers")
        object.__setattr__(self, "flat", flat)

    def __iter__(self) -> Iterator[str]:
        return iter(self.flat)

    def __len__(self) -> int:
        return len(self.flat)

    def kind_of(self, flat_name: str) -> Kind | None:
        """The kind of a signal by its flat name, or None if it isn't declared."""
        signal = self.flat.get(flat_name)
        return signal.kind if signal else None

    def value_kind(self, key: str) -> Kind:
        """The kind of what stands under a key of the signal mapping: a flat name, or `list:` and a named list.

        Raises:
            KeyError: Neither is declared.
        """
        if self.is_list_name(key):
            return self.lists[key.removeprefix(LIST_PREFIX)]
        return self.flat[key].kind

    @staticmethod
    def is_list_name(key: str) -> bool:
        """Whether a key of the signal mapping names a list."""
        return key.startswith(LIST_PREFIX)

    def only(self, names: Iterable[str]) -> SignalSchema:
        """A schema with just the signals that have at least one of these flat names."""
        wanted = set(names)
        return SignalSchema(tuple(s for s in self.signals if wanted & set(s.flat_names)), self.lists)

    @classmethod
    def from_dict(cls, signals: Mapping[str, str], lists: Mapping[str, str] | None = None) -> SignalSchema:
        """A schema from `{"amount_minor": "money", …}` and `{"blocked_devices": "strings", …}`.

        Raises:
            ValueError: A kind that doesn't exist.
        """
        return cls(
            tuple(Signal(name, Kind(kind)) for name, kind in signals.items()),
            {name: Kind(kind) for name, kind in (lists or {}).items()},
        )
