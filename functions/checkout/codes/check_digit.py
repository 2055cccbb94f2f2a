"""The check digit of a payment code: a misread digit or two digits swapped are found before anything is asked.

Damm's quasigroup finds every single error and every swap of neighbours; Luhn misses 09 for 90. Source: H. Michael Damm,
"Total anti-symmetrische Quasigruppen", dissertation, Marburg 2004, table of order 10.
"""

from __future__ import annotations

from typing import Final

_QUASIGROUP: Final = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def check_digit(digits: str) -> str:
    """The digit that makes a number right when it is put behind it.

    Args:
        digits: ASCII digits.
    """
    interim = 0
    for digit in digits:
        interim = int(_QUASIGROUP[interim][int(digit)])
    return str(interim)


def is_right(digits: str) -> bool:
    """Whether a number ends in its own check digit."""
    return check_digit(digits) == "0"
