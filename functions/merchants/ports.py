"""What this slice needs from outside: a register that knows whether a business exists and by which name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What the register says of a number.

    Args:
        provider: Whose register.
        reference: The register's own number of this look-up, for the file.
        found: Whether the number is one of the country's.
        active: Whether the business is not struck off.
        name_matches: Whether it bears the name it gave us.
    """

    provider: str
    reference: str
    found: bool
    active: bool
    name_matches: bool


class RegisterTimeoutError(Exception):
    """The register did not answer in time: the business is referred to a person, never verified."""


class BusinessRegister(Protocol):
    """A register of companies."""

    sandbox: ClassVar[bool]
    """Whether it is a stand-in; a live stage refuses one."""

    def look_up(self, country: str, number: str, name: str) -> RegisterAnswer:
        """Ask the register; at most 5 seconds.

        Args:
            country: ISO 3166.
            number: As the business writes it.
            name: As it trades with us.

        Raises:
            RegisterTimeoutError: No answer in that time.
        """
