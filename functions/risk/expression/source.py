"""Hostile JSON: the guards through which every part of a rule's source passes, and the pointer to what is wrong.

Only exact JSON types count and every size is capped before anything is walked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from functions.core.errors import FieldError, InvalidError

MAX_DEPTH: Final = 16
MAX_NODES: Final = 256
MAX_LIST: Final = 128
MAX_STRING: Final = 128
MAX_INTEGER: Final = 2**53 - 1
"""What every JSON reader keeps exact (RFC 7493)."""


class InvalidRule(InvalidError):  # noqa: N818  named for what it says, as the contract spells it
    """The source is no rule. `pointer` (RFC 6901) names the place, `reason` is stable and machine-readable."""

    code, title = "invalid_rule", "The rule can't be compiled"

    def __init__(self, pointer: str, reason: str, detail: str) -> None:
        super().__init__(f"at {pointer or 'the root'}: {detail}", errors=(FieldError(pointer, reason, detail),))
        self.pointer = pointer
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the source the reader stands: a pointer that costs nothing until it is printed."""

    parent: Place | None = None
    key: str | int = ""

    def __truediv__(self, key: str | int) -> Place:
        return Place(self, key)

    def __str__(self) -> str:
        parts: list[str] = []
        place: Place | None = self
        while place is not None and place.parent is not None:
            key = str(place.key)[:64].encode(errors="replace").decode()
            parts.append(key.replace("~", "~0").replace("/", "~1"))
            place = place.parent
        return "".join("/" + part for part in reversed(parts))

    def refuse(self, reason: str, detail: str) -> NoReturn:
        """Raise `InvalidRule` here."""
        raise InvalidRule(str(self), reason, detail)


def members_of(source: object, place: Place, most: int = 16) -> dict[str, Any]:
    """The source as a JSON object with sound keys."""
    if type(source) is not dict:
        place.refuse("wrong_type", "an object is expected here")
    if len(source) > most:
        place.refuse("too_long", f"an object here has at most {most} members")
    for key in source:
        if type(key) is not str:
            place.refuse("wrong_type", "the name of a member must be a string")
    return source


def elements_of(source: object, place: Place, least: int, most: int) -> list[Any]:
    """The source as a JSON array of a sound length."""
    if type(source) is not list:
        place.refuse("wrong_type", "a list is expected here")
    if not least <= len(source) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        place.refuse("wrong_length", f"{wanted} elements are expected here, not {len(source)}")
    return source


def string_of(source: object, place: Place, most: int = MAX_STRING) -> str:
    """The source as a string that is not too long and is valid Unicode without control characters."""
    if type(source) is not str:
        place.refuse("wrong_type", "a string is expected here")
    if len(source) > most:
        place.refuse("too_long", f"a string here has at most {most} characters, not {len(source)}")
    if any(c < " " or "\ud800" <= c <= "\udfff" for c in source):
        place.refuse("bad_character", "control characters and lone surrogates are not allowed")
    return source


def integer_of(source: object, place: Place, least: int = -MAX_INTEGER, most: int = MAX_INTEGER) -> int:
    """The source as an exact integer in range."""
    if type(source) is float:
        place.refuse("not_an_integer", "use an integer: money in minor units, shares in basis points")
    if type(source) is not int:
        place.refuse("wrong_type", "an integer is expected here")
    if not least <= source <= most:
        place.refuse("out_of_range", f"an integer here lies within {least} … {most}")
    return source
