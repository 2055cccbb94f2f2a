"""Coarse positions: enough to see that no one travels that fast, too little to say where someone lives."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

EARTH_RADIUS_KM: Final = 6371.0088
CELL_DEGREES: Final = 0.05
"""About 5.6 km north to south. Positions are stored only as cell numbers."""

CELL_ERROR_KM: Final = 8
"""Two positions may each be half a cell's diagonal from where they are shown; less than this is no travel."""

SHORTEST_S: Final = 300
"""Clocks and queues differ by minutes; a shorter gap counts as this long."""

Cell = tuple[int, int]
"""Latitude and longitude in cells, rounded down."""


class Sighting(NamedTuple):
    """Someone was somewhere.

    Args:
        at_s: When, seconds since 1970.
        cell: Where.
    """

    at_s: int
    cell: Cell


def cell_of(latitude: float, longitude: float) -> Cell:
    """The cell of a position in degrees.

    Raises:
        ValueError: Not on Earth.
    """
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004  degrees
        raise ValueError("latitude lies within ±90 and longitude within ±180 degrees")
    return math.floor(latitude / CELL_DEGREES), math.floor(longitude / CELL_DEGREES)


def distance_km(a: Cell, b: Cell) -> int:
    """Great-circle distance between the middles of two cells, rounded.

    Source: R. W. Sinnott, Virtues of the Haversine, Sky and Telescope 68 (1984).
    """
    if a == b:
        return 0
    phi_a, phi_b = (math.radians((cell[0] + 0.5) * CELL_DEGREES) for cell in (a, b))
    lambda_a, lambda_b = (math.radians((cell[1] + 0.5) * CELL_DEGREES) for cell in (a, b))
    h = (
        math.sin((phi_b - phi_a) / 2) ** 2
        + math.cos(phi_a) * math.cos(phi_b) * math.sin((lambda_b - lambda_a) / 2) ** 2
    )
    return round(2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h))))


def speed_kmh(a: Sighting, b: Sighting) -> int:
    """The least speed that takes someone from one sighting to another, given how coarse cells and clocks are."""
    distance = max(0, distance_km(a.cell, b.cell) - CELL_ERROR_KM)
    return distance * 3600 // max(SHORTEST_S, abs(b.at_s - a.at_s))
